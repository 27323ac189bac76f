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
	s.Writes.First, s.Writes.Longest = time.Millisecond, time.Millisecond
	s.Reads.First, s.Reads.Longest = time.Millisecond, time.Millisecond
}
