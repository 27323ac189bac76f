package dropbox

import (
	"time"

	"integrationhub.dev/hub/action"
)

// Block makes the pieces of a file as small as they can be, and the waits so short that a
// test can fail often. Its clock stands still.
const Block = hashBlock

// Small sets an integration up for tests.
func Small(i action.Integration) {
	d := i.(*Integration)
	d.chunk = Block
	d.retry.InitialBackoff, d.retry.MaxBackoff = time.Millisecond, time.Millisecond
	d.now = func() time.Time { return time.UnixMilli(1700000000123) }
}
