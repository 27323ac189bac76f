package googlesheets

import (
	"time"

	"golang.org/x/time/rate"

	"integrationhub.dev/hub/action"
)

// Small makes the batches small, and the waits so short that a test can fail often.
func Small(i action.Integration) {
	s := i.(*Integration)
	s.batch, s.pace = 300, rate.Inf
	s.Writes.InitialBackoff, s.Writes.MaxBackoff = time.Millisecond, time.Millisecond
	s.Reads.InitialBackoff, s.Reads.MaxBackoff = time.Millisecond, time.Millisecond
}
