package deliver_test

import (
	"context"
	"errors"
	"iter"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/hub/panics"
)

// numbers counts to n, then fails with err unless it is nil.
func numbers(n int, err error) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		for i := range n {
			if !yield(i, nil) {
				return
			}
		}
		if err != nil {
			yield(0, err)
		}
	}
}

func TestBatches(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	seen := map[int]int{}
	a := deliver.Batches(t.Context(), numbers(1003, nil), deliver.Options[int]{Size: 10, Concurrency: 4}, func(_ context.Context, batch []int) error {
		mu.Lock()
		defer mu.Unlock()
		for _, n := range batch {
			seen[n]++
		}
		return nil
	})
	want := map[int]int{}
	for n := range 1003 {
		want[n] = 1
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("how often items were sent (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(outcome{Sent: 1003}, outcomeOf(a)); diff != "" {
		t.Errorf("outcome (-want +got):\n%s", diff)
	}
}

func TestFailuresAreCounted(t *testing.T) {
	t.Parallel()
	rejected := action.Errorf(action.Invalid, "The column is unknown.")
	for name, tt := range map[string]struct {
		items iter.Seq2[int, error]
		send  func(context.Context, []int) error
		want  outcome
	}{
		"one batch of three": {
			items: numbers(30, nil),
			send: func(_ context.Context, batch []int) error {
				if batch[0] == 10 {
					return rejected
				}
				return nil
			},
			want: outcome{20, 10, "20 of 30 rows delivered, 10 rejected. The column is unknown.", action.Invalid},
		},
		"a truncated source": {
			items: numbers(15, action.Errorf(action.Unavailable, "The download broke off.")),
			send:  func(context.Context, []int) error { return nil },
			want:  outcome{15, 0, "15 of 15 rows delivered, 0 failed. The download broke off.", action.Unavailable},
		},
		"no items": {
			items: numbers(0, nil),
			send:  func(context.Context, []int) error { return rejected },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := outcomeOf(deliver.Batches(t.Context(), tt.items, deliver.Options[int]{Size: 10}, tt.send))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
		})
	}
}

func TestStop(t *testing.T) {
	t.Parallel()
	result := deliver.Batches(t.Context(), numbers(1000, nil), deliver.Options[int]{Size: 10}, func(context.Context, []int) error {
		return deliver.Stop(action.Errorf(action.Unauthenticated, "Sign in again."))
	})
	got := outcomeOf(result)
	if got.Failed == 0 || got.Failed > 100 { // how much was read before the stop is a race
		t.Errorf("%d failed after a stop", got.Failed)
	}
	if diff := cmp.Diff(outcome{Kind: action.Unauthenticated}, got, cmpopts.IgnoreFields(outcome{}, "Failed", "Message")); diff != "" {
		t.Errorf("outcome (-want +got):\n%s", diff)
	}
}

func TestRetry(t *testing.T) {
	t.Parallel()
	busy := action.Wrap(&outbound.StatusError{Code: 429}, action.RateLimited, "Busy.")
	r := deliver.Retry{MaxAttempts: 4, InitialBackoff: time.Millisecond, MaxBackoff: 5 * time.Millisecond}
	for name, tt := range map[string]struct {
		failures int // of the first calls
		err      error
		calls    int
		succeeds bool
	}{
		"at once":              {calls: 1, succeeds: true},
		"after two failures":   {failures: 2, err: busy, calls: 3, succeeds: true},
		"never":                {failures: 9, err: busy, calls: 4},
		"not worth a retry":    {failures: 9, err: action.Errorf(action.Invalid, "Bad."), calls: 1},
		"not classified":       {failures: 9, err: errors.New("x"), calls: 1},
		"stopped":              {failures: 9, err: deliver.Stop(busy), calls: 1},
		"Retry-After too long": {failures: 9, err: action.Wrap(&outbound.StatusError{Code: 429, RetryAfter: time.Hour}, action.RateLimited, "Busy."), calls: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			err := r.Do(t.Context(), func(context.Context) error {
				if calls++; calls <= tt.failures {
					return tt.err
				}
				return nil
			})
			if calls != tt.calls {
				t.Errorf("%d calls, want %d", calls, tt.calls)
			}
			if tt.succeeds {
				tt.err = nil
			}
			if !errors.Is(err, tt.err) {
				t.Errorf("error %v, want %v", err, tt.err)
			}
		})
	}
}

// A wait that would outlast the request is not started: its user learns the reason at once.
func TestRetryBeforeDeadline(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		timeout, took time.Duration
		calls         int
	}{
		"in time":  {time.Minute, 59 * time.Second, 2},
		"too late": {59 * time.Second, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				busy := action.Wrap(&outbound.StatusError{Code: 429, RetryAfter: 59 * time.Second}, action.RateLimited, "Busy.")
				ctx, cancel := context.WithTimeout(t.Context(), tt.timeout)
				defer cancel()
				start, calls := time.Now(), 0
				err := deliver.Retry{MaxAttempts: 2, InitialBackoff: time.Second, MaxBackoff: time.Second}.Do(ctx, func(context.Context) error {
					calls++
					return busy
				})
				if took := time.Since(start); took != tt.took || calls != tt.calls || !errors.Is(err, busy) {
					t.Errorf("%v after %d calls in %v, want %v after %d in %v", err, calls, took, busy, tt.calls, tt.took)
				}
			})
		})
	}
}

// A bug in an integration's send fails its batch only.
func TestSendPanics(t *testing.T) {
	t.Parallel()
	result := deliver.Batches(t.Context(), numbers(9, nil), deliver.Options[int]{Size: 3, Concurrency: 2}, func(_ context.Context, batch []int) error {
		if batch[0] == 3 {
			panic("a bug")
		}
		return nil
	})
	want := outcome{6, 3, "6 of 9 rows delivered, 3 failed. Internal server error.", action.Internal}
	if diff := cmp.Diff(want, outcomeOf(result)); diff != "" {
		t.Errorf("outcome (-want +got):\n%s", diff)
	}
	if err := result.Err("rows"); panics.Of(err) == nil {
		t.Errorf("error %v holds no panic", err)
	}
}
