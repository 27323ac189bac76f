package jobs

import (
	"context"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
)

// maxConsecutiveErrors is how many polls in a row may fail with an error that is not worth a
// retry, such as revoked credentials.
const maxConsecutiveErrors = 5

// Poll calls poll at an interval until it returns a value, and returns that value. An error that
// is worth a retry does not end it, but no poll comes before the end of its Retry-After. When ctx
// ends, Poll returns its cause.
func Poll[T any](ctx context.Context, interval time.Duration, poll func(context.Context) (*T, error)) (*T, error) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	failures := 0
	var notBefore time.Time
	for {
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-tick.C:
		}
		if time.Now().Before(notBefore) {
			continue
		}
		value, err := poll(ctx)
		switch {
		case err == nil && value != nil:
			return value, nil
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case err == nil:
			failures = 0
		case !action.KindOf(err).Retryable():
			if failures++; failures == maxConsecutiveErrors {
				return nil, err
			}
		}
		notBefore = time.Now().Add(outbound.RetryAfter(err))
	}
}
