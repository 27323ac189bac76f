package googleadscustomermatch

import (
	"time"

	"integrationhub.dev/hub/action"
)

// Started is the time at which [Fast] stops the clock.
var Started = time.Date(2026, time.November, 23, 12, 30, 0, 0, time.UTC)

// Fast shortens the waits between retries, and stops the clock.
func Fast(i action.Integration) {
	s := i.(*Integration)
	s.Writes.InitialBackoff, s.Writes.MaxBackoff = time.Millisecond, time.Millisecond
	s.Reads.InitialBackoff, s.Reads.MaxBackoff = time.Millisecond, time.Millisecond
	s.now = func() time.Time { return Started }
}
