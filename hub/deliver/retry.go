package deliver

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/time/rate"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
)

var _ Policy = Retry{}

// Retry makes a failed call again, by exponential backoff with jitter, and not before the time
// in Retry-After. It is for calls that can be repeated without taking effect twice.
type Retry struct {
	// MaxAttempts is the maximum number of calls; 0 and 1 mean no retry.
	MaxAttempts int
	// InitialBackoff and MaxBackoff bound the waits between calls.
	InitialBackoff, MaxBackoff time.Duration
	// When reports whether an error is worth a retry. nil means that its kind decides, unless
	// Retry-After exceeds [maxRetryAfter].
	When func(error) bool
}

// Do calls f until it succeeds, its error is not worth a retry, MaxAttempts is reached or ctx is
// done, or would be done before the end of a Retry-After.
func (r Retry) Do(ctx context.Context, f func(context.Context) error) error { return r.do(ctx, nil, f) }

func (r Retry) do(ctx context.Context, limiter *rate.Limiter, f func(context.Context) error) error {
	attempt := func() error {
		if err := pace(ctx, limiter); err != nil {
			return err
		}
		return f(ctx)
	}
	if r.MaxAttempts <= 1 {
		return attempt()
	}
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval = r.InitialBackoff, r.MaxBackoff
	var last error
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		if last != nil {
			observer(ctx).Retry(last)
		}
		last = attempt()
		switch {
		case last == nil:
			return struct{}{}, nil
		case ctx.Err() != nil, !r.retryable(last):
			return struct{}{}, backoff.Permanent(last)
		}
		if wait := outbound.RetryAfter(last); wait > 0 {
			if deadline, bounded := ctx.Deadline(); bounded && time.Until(deadline) <= wait {
				return struct{}{}, backoff.Permanent(last) // the user need not wait for it
			}
			// The library's constructor takes whole seconds, which would end some waits before their time.
			return struct{}{}, &backoff.RetryAfterError{Duration: wait}
		}
		return struct{}{}, last
	}, backoff.WithBackOff(b), backoff.WithMaxTries(uint(r.MaxAttempts)), backoff.WithMaxElapsedTime(0))
	if err != nil && last != nil {
		return last // why the call failed, not how the wait ended
	}
	return err
}

// retryable reports whether a call that failed with err may succeed the next time.
func (r Retry) retryable(err error) bool {
	switch {
	case r.MaxAttempts <= 1, Stopped(err):
		return false
	case r.When != nil:
		return r.When(err)
	default:
		return action.KindOf(err).Retryable() && !retryAfterTooLong(err)
	}
}

// maxRetryAfter is the longest Retry-After that is waited for. Beyond it, an error serves
// Looker's user better.
const maxRetryAfter = 2 * time.Minute

func retryAfterTooLong(err error) bool { return outbound.RetryAfter(err) > maxRetryAfter }
