package awsec2stopinstance

import (
	"time"

	"integrationhub.dev/hub/action"
)

// Hasty makes the waits so short that a test can fail often.
func Hasty(i action.Integration) action.Integration {
	i.(*Integration).maxBackoff = time.Millisecond
	return i
}
