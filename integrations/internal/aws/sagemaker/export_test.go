package sagemaker

import (
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/objectstore"
)

// IsNumber exports isNumber.
var IsNumber = isNumber

// WithSmallParts makes the parts of uploads so small that a test can send many.
func WithSmallParts(c *Client) {
	c.store.MaxBackoff = time.Millisecond
	c.store.Plan.Stages = []objectstore.Stage{{Size: 4 << 10, Parts: 1000, Buffers: 2}}
}

// MustNew makes a client with valid settings.
func MustNew(deps action.Deps) *Client {
	c, err := New(deps)
	if err != nil {
		panic(err)
	}
	return c
}
