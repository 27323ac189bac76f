package googlecloudstorage

import (
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/objectstore"
)

// Piece is the smallest size that the pieces of an upload can have.
const Piece = 256 << 10

// Small makes the pieces small, and the waits so short that a test can fail often.
func Small(i action.Integration) {
	s := i.(*Integration)
	s.Plan.Stages = []objectstore.Stage{{Size: Piece, Parts: 4, Buffers: 2}}
	s.reads.InitialBackoff, s.reads.MaxBackoff = time.Millisecond, time.Millisecond
	s.writes.InitialBackoff, s.writes.MaxBackoff = time.Millisecond, time.Millisecond
}
