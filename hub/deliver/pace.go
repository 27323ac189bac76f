package deliver

import (
	"context"

	"golang.org/x/time/rate"

	"integrationhub.dev/hub/action"
)

// Pace waits for a call's turn, where a batch takes more than the one call that
// [Options.Limiter] paces. Where the delivery's time ends before that, no later call will do
// better: then the error stops the delivery, as [Stop] does.
func Pace(ctx context.Context, limiter *rate.Limiter) error {
	err := limiter.Wait(ctx)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return Stop(action.Wrap(err, action.Timeout, "At the destination's rate limit, the delivery would exceed its timeout."))
}
