package jobs_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/jobs"
	"integrationhub.dev/hub/outbound"
)

func TestPoll(t *testing.T) {
	t.Parallel()
	later, gone := action.Errorf(action.Unavailable, "Later."), action.Errorf(action.Unauthenticated, "Gone.")
	for name, tt := range map[string]struct {
		poll func(n int) (*string, error)
		want error
		took time.Duration
	}{
		"returned by the third poll": {func(n int) (*string, error) { return seenAt(n, 3), nil }, nil, 30 * time.Second},
		"fails temporarily":          {func(n int) (*string, error) { return seenAt(n, 20), unless(n == 20, later) }, nil, 200 * time.Second},
		"fails now and then":         {func(n int) (*string, error) { return seenAt(n, 20), unless(n%4 == 0, gone) }, nil, 200 * time.Second},
		"fails for good":             {func(int) (*string, error) { return nil, gone }, gone, 50 * time.Second},
		"never seen":                 {func(int) (*string, error) { return nil, nil }, jobs.ErrTimeout, time.Hour},
		"never seen, and it fails":   {func(int) (*string, error) { return nil, later }, jobs.ErrTimeout, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeoutCause(t.Context(), time.Hour, jobs.ErrTimeout)
				defer cancel()
				n, start := 0, time.Now()
				seen, err := jobs.Poll(ctx, 10*time.Second, func(context.Context) (*string, error) { n++; return tt.poll(n) })
				if !errors.Is(err, tt.want) || (seen == nil) == (err == nil) || time.Since(start) != tt.took {
					t.Errorf("saw %v, %v after %v", seen, err, time.Since(start))
				}
			})
		})
	}
}

// A poll does not come while the destination asks to wait: some count it against the limit, or extend the wait.
func TestPollAfterRetryAfter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var polls []time.Duration
		start := time.Now()
		_, err := jobs.Poll(t.Context(), 10*time.Second, func(context.Context) (*string, error) {
			polls = append(polls, time.Since(start))
			if len(polls) == 1 {
				status := &outbound.StatusError{Code: http.StatusTooManyRequests, RetryAfter: time.Minute}
				return nil, action.Wrap(status, action.RateLimited, "Busy.")
			}
			return new(string), nil
		})
		if want := []time.Duration{10 * time.Second, 70 * time.Second}; err != nil || !slices.Equal(polls, want) {
			t.Errorf("polls after %v, want %v; error %v", polls, want, err)
		}
	})
}

// seenAt is what the nth poll returns, if it is the one.
func seenAt(n, when int) *string {
	if n != when {
		return nil
	}
	return new(string)
}

func unless(good bool, err error) error {
	if good {
		return nil
	}
	return err
}
