package deliver_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
)

// A call is not made before the end of a Retry-After. It need not be whole seconds: a date is some milliseconds less than them
// (RFC 9110, section 10.2.3), and Google's RetryInfo has fractions.
func TestRetryAfterIsNotCut(t *testing.T) {
	t.Parallel()
	for _, wait := range []time.Duration{400 * time.Millisecond, 1400 * time.Millisecond, 2 * time.Second} {
		t.Run(wait.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				retry := deliver.Retry{MaxAttempts: 2, InitialBackoff: time.Minute, MaxBackoff: time.Minute}
				var calls []time.Duration
				start := time.Now()
				err := retry.Do(t.Context(), func(context.Context) error {
					calls = append(calls, time.Since(start))
					if len(calls) > 1 {
						return nil
					}
					status := &outbound.StatusError{Code: http.StatusTooManyRequests, RetryAfter: wait}
					return action.Wrap(status, action.RateLimited, "Busy.")
				})
				if err != nil || len(calls) != 2 || calls[1] != wait {
					t.Errorf("calls after %v, error %v", calls, err)
				}
			})
		})
	}
}
