package facebookcustomaudiences

import (
	"time"

	"integrationhub.dev/hub/action"
)

// Fast makes the waits between calls so short that a test can fail often.
func Fast(i action.Integration) {
	p := &i.(*Integration).pace
	p.reads.InitialBackoff, p.reads.MaxBackoff = time.Millisecond, time.Millisecond
	p.uploads.InitialBackoff, p.uploads.MaxBackoff = time.Millisecond, time.Millisecond
}
