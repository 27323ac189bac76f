package hub

import (
	"integrationhub.dev/hub/panics"
)

// panicError is a bug that showed as a panic.
type panicError = panics.Error

// caught is the error for a recovered value. It is called by the deferred function itself.
func caught(value any) error { return panics.NewError(value) }
