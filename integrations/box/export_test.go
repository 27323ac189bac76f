package box

import (
	"time"

	"integrationhub.dev/hub/action"
)

// Simple is the size from which files are sent in parts, in tests.
const Simple = 1000

// Small makes files that are sent in parts small, and the waits so short that a test can fail often.
func Small(i action.Integration) {
	b := i.(*Integration)
	b.simple = Simple
	b.retry.InitialBackoff, b.retry.MaxBackoff = time.Millisecond, time.Millisecond
}
