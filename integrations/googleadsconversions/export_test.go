package googleadsconversions

import (
	"time"

	"integrationhub.dev/hub/action"
)

// Now stops the integration's clock.
var Now = time.Date(2026, time.November, 23, 12, 30, 0, 0, time.UTC)

// StopClock stops the clock.
func StopClock(i action.Integration) { i.(*Integration).now = func() time.Time { return Now } }
