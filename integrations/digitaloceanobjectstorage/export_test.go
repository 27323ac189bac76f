package digitaloceanobjectstorage

import (
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/objectstore"
)

// Small makes the parts 1 KiB long, and the waits short.
func Small(i action.Integration) {
	s := i.(*Integration)
	s.MaxBackoff = time.Millisecond
	s.Plan.Stages = []objectstore.Stage{{Size: 1 << 10, Parts: 10, Buffers: 3}}
}
