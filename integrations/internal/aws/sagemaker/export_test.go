package sagemaker

import (
	"time"

	"integrationhub.dev/integrations/internal/objectstore"
)

// IsNumber is whether a model can be trained with a cell.
var IsNumber = isNumber

// Small makes the parts of uploads so small that a test can send many.
func Small(c *Client) {
	c.store.LongestWait = time.Millisecond
	c.store.Plan.Stages = []objectstore.Stage{{Size: 4 << 10, Parts: 1000, Buffers: 2}}
}
