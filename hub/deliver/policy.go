package deliver

import (
	"context"

	"golang.org/x/time/rate"

	"integrationhub.dev/hub/action"
)

// Policy decides whether a failed call is made again. It is a [Retry] or a [Once].
type Policy interface {
	do(ctx context.Context, limiter *rate.Limiter, f func(context.Context) error) error
	retryable(err error) bool
}

// Call calls f within a rate limit, and again as the policy allows. [Batches] does so by itself:
// Call is for a destination that needs other calls too. limiter and policy may be nil.
func Call(ctx context.Context, limiter *rate.Limiter, policy Policy, f func(context.Context) error) error {
	if policy == nil {
		policy = Retry{}
	}
	return policy.do(ctx, limiter, f)
}

// pace waits until the limiter permits a call.
func pace(ctx context.Context, limiter *rate.Limiter) error {
	if limiter == nil {
		return nil
	}
	err := limiter.Wait(ctx)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	// The context still runs: its deadline comes before the call's turn.
	return deadlineError{action.Wrap(err, action.Timeout, "At the destination's rate limit, the delivery would exceed its timeout.")}
}

// deadlineError is the error of a call whose turn would come after the deadline. So would that
// of every later call, but not of those that wait for their turn already.
type deadlineError struct{ error }

func (e deadlineError) Unwrap() error { return e.error }
