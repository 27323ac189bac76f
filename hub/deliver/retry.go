package deliver

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
)

// Retry says how a call is tried again: by exponential back-off with jitter, and not before
// the time that the destination asked for. Only for calls that the destination takes twice
// without doing twice what they ask for.
type Retry struct {
	// Tries is the number of calls altogether; 0 and 1 mean no second one.
	Tries int
	// First and Longest bound the waits between calls.
	First, Longest time.Duration
	// When decides whether an error is worth another call; nil means what the error's kind
	// says, unless the destination asks for a wait that nobody in Looker would sit through.
	When func(error) bool
}

// Do calls f until it succeeds, fails for good, the tries are used up or ctx ends.
func (r Retry) Do(ctx context.Context, f func(context.Context) error) error {
	if r.Tries <= 1 {
		return f(ctx)
	}
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval = r.First, r.Longest
	var last error
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		if last != nil {
			observer(ctx).Retry(last)
		}
		last = f(ctx)
		switch {
		case last == nil:
			return struct{}{}, nil
		case ctx.Err() != nil, !r.again(last):
			return struct{}{}, backoff.Permanent(last)
		}
		if s, ok := errors.AsType[*outbound.StatusError](last); ok && s.RetryAfter > 0 {
			return struct{}{}, backoff.RetryAfter(int(s.RetryAfter.Round(time.Second) / time.Second))
		}
		return struct{}{}, last
	}, backoff.WithBackOff(b), backoff.WithMaxTries(uint(r.Tries)), backoff.WithMaxElapsedTime(0))
	if err != nil && last != nil {
		return last // what went wrong, not how the waiting ended
	}
	return err
}

// again reports whether a call that failed with err may succeed the next time.
func (r Retry) again(err error) bool {
	switch {
	case stopped(err) != nil:
		return false
	case r.When != nil:
		return r.When(err)
	default:
		return action.KindOf(err).Retryable() && !tooLong(err)
	}
}

// longestPause is the longest wait asked for by a destination that is still kept; past it,
// Looker's user is better served by an error.
const longestPause = 2 * time.Minute

func tooLong(err error) bool {
	s, ok := errors.AsType[*outbound.StatusError](err)
	return ok && s.RetryAfter > longestPause
}

// stopError marks an error after which nothing more can succeed.
type stopError struct{ error }

func (s stopError) Unwrap() error { return s.error }

// Stop wraps an error that holds for every later batch too, such as a refused token: what
// is left is not sent.
func Stop(err error) error { return stopError{err} }

func stopped(err error) error {
	if s, ok := errors.AsType[stopError](err); ok {
		return s
	}
	return nil
}
