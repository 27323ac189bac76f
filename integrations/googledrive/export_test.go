package googledrive

import (
	"time"

	"integrationhub.dev/hub/action"
)

// Piece is the smallest size that the pieces of an upload can have.
const Piece = 256 << 10

// Small makes the pieces small, and the waits so short that a test can fail often.
func Small(i action.Integration) {
	s := i.(*Integration)
	s.Chunk = Piece
	s.Writes.InitialBackoff, s.Writes.MaxBackoff = time.Millisecond, time.Millisecond
	s.Reads.InitialBackoff, s.Reads.MaxBackoff = time.Millisecond, time.Millisecond
}
