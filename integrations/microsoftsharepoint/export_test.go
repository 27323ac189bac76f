package microsoftsharepoint

import (
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/microsoft"
)

// Fragment is the size of the fragments in tests.
const Fragment = microsoft.Quantum

// Small makes fragments as small as they can be, and the waits so short that a test can fail often.
func Small(i action.Integration) {
	s := i.(*Integration)
	s.fragment = Fragment
	s.retry.InitialBackoff, s.retry.MaxBackoff = time.Millisecond, time.Millisecond
}
