package awsec2stopinstance

import (
	"time"

	"integrationhub.dev/hub/action"
)

// Fast shortens the waits between retries.
func Fast(i action.Integration) action.Integration {
	i.(*Integration).maxBackoff = time.Millisecond
	return i
}
