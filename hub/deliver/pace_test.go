package deliver_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/time/rate"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
)

// Only calls whose turn would come after the deadline fail. Calls in flight and those with an earlier turn
// complete.
func TestRateLimitBeyondTheDeadline(t *testing.T) {
	t.Parallel()
	type outcome struct {
		Calls   int
		Message string
		Kind    action.Kind
	}
	const sentence = "At the destination's rate limit, the delivery would exceed its timeout."
	for name, tt := range map[string]struct {
		o    deliver.Options[int]
		send func(batch []int) error
		want outcome
	}{
		"one at a time": {
			deliver.Options[int]{Size: 10},
			func([]int) error { return nil },
			outcome{11, "110 of 130 rows delivered, 20 failed. " + sentence, action.Timeout},
		},
		"several at once": {
			deliver.Options[int]{Size: 10, Concurrency: 4},
			func([]int) error { return nil },
			outcome{11, "110 of 130 rows delivered, 20 failed. " + sentence, action.Timeout},
		},
		"with retries": {
			deliver.Options[int]{Size: 10, Retry: deliver.Retry{MaxAttempts: 3, InitialBackoff: time.Second, MaxBackoff: time.Second}},
			func([]int) error { return nil },
			outcome{11, "110 of 130 rows delivered, 20 failed. " + sentence, action.Timeout},
		},
		"calls that are made once": {
			deliver.Options[int]{Size: 10, Retry: deliver.Once{Name: "Them", MaybeDeliveredHint: "It may be there."}},
			func([]int) error { return nil },
			outcome{11, "110 of 130 rows delivered, 20 failed. " + sentence, action.Timeout},
		},
		"each part of a bisected batch": {
			deliver.Options[int]{Size: 4, BisectBudget: 100},
			func(batch []int) error {
				if len(batch) > 1 {
					return action.Errorf(action.TooLarge, "Too many.")
				}
				return nil
			},
			// Each batch takes seven calls.
			outcome{11, "6 of 12 rows delivered, 6 failed. " + sentence, action.Timeout},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 10500*time.Millisecond)
				defer cancel()
				tt.o.Limiter = rate.NewLimiter(1, 1)
				calls := make(chan struct{}, 100)
				result := deliver.Batches(ctx, numbers(1000, nil), tt.o, func(ctx context.Context, batch []int) error {
					calls <- struct{}{}
					select {
					case <-time.After(400 * time.Millisecond):
					case <-ctx.Done():
						return context.Cause(ctx)
					}
					return tt.send(batch)
				})
				err := result.Err("rows")
				got := outcome{len(calls), action.MessageOf(err), action.KindOf(err)}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("outcome (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// A call outside of a batch waits for its turn too.
func TestCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start, limiter := time.Now(), rate.NewLimiter(1, 1)
		var calls []time.Duration
		for range 2 {
			err := deliver.Call(t.Context(), limiter, deliver.Retry{MaxAttempts: 2, When: func(error) bool { return true }}, func(context.Context) error {
				calls = append(calls, time.Since(start))
				if len(calls) == 1 {
					return errors.New("try again")
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff([]time.Duration{0, time.Second, 2 * time.Second}, calls); diff != "" {
			t.Errorf("when calls were made (-want +got):\n%s", diff)
		}
	})
}

// A cancelled call returns the cause, not the limiter's error.
func TestCallIsCancelled(t *testing.T) {
	t.Parallel()
	why := errors.New("why")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	err := deliver.Call(ctx, rate.NewLimiter(1, 1), nil, func(context.Context) error { return nil })
	if !errors.Is(err, why) {
		t.Errorf("error %v", err)
	}
}
