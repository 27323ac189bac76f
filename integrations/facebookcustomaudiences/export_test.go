package facebookcustomaudiences

import (
	"time"

	"integrationhub.dev/hub/action"
)

// Fast shortens the waits between retries.
func Fast(i action.Integration) {
	p := &i.(*Integration).pace
	p.reads.InitialBackoff, p.reads.MaxBackoff = time.Millisecond, time.Millisecond
	p.uploads.InitialBackoff, p.uploads.MaxBackoff = time.Millisecond, time.Millisecond
}
