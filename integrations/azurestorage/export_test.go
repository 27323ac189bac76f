package azurestorage

import (
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/objectstore"
)

// Quick makes an integration whose blocks are so small that a test fills many, and whose
// waits are over at once.
func Quick(i action.Integration, size int) {
	a := i.(*Integration)
	a.Plan.Stages = []objectstore.Stage{{Size: size, Parts: 4, Buffers: 2}, {Size: 2 * size, Parts: 3, Buffers: 2}}
	a.initialBackoff, a.maxBackoff = time.Millisecond, 2*time.Millisecond
}
