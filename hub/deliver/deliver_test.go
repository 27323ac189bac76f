package deliver_test

import (
	"context"
	"errors"
	"iter"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

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

func TestEverythingIsSentOnce(t *testing.T) {
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
	if err := a.Err("rows"); err != nil || a.Sent() != 1003 || len(seen) != 1003 {
		t.Errorf("%d sent, %d seen, %v", a.Sent(), len(seen), err)
	}
}

func TestFailuresAreCounted(t *testing.T) {
	t.Parallel()
	refused := action.Errorf(action.Invalid, "The column is unknown.")
	for _, tt := range []struct {
		name         string
		items        iter.Seq2[int, error]
		send         func(context.Context, []int) error
		sent, failed int
		message      string
		kind         action.Kind
	}{
		{
			"one batch of three", numbers(30, nil), func(_ context.Context, b []int) error {
				if b[0] == 10 {
					return refused
				}
				return nil
			}, 20, 10, "20 of 30 rows delivered, 10 failed. The column is unknown.", action.Invalid,
		},
		{
			"a source that breaks", numbers(15, action.Errorf(action.Unavailable, "The download broke off.")),
			func(context.Context, []int) error { return nil }, 15, 0, "15 of 15 rows delivered, 0 failed. The download broke off.", action.Unavailable,
		},
		{
			"a token that is refused", numbers(1000, nil), func(context.Context, []int) error {
				return deliver.Stop(action.Errorf(action.Unauthenticated, "Sign in again."))
			}, 0, 10, "Sign in again.", action.Unauthenticated,
		},
		{"nothing at all", numbers(0, nil), func(context.Context, []int) error { return refused }, 0, 0, "", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := deliver.Batches(t.Context(), tt.items, deliver.Options[int]{Size: 10}, tt.send)
			err := a.Err("rows")
			if tt.message == "" {
				if err != nil {
					t.Errorf("error %v", err)
				}
				return
			}
			got := action.MessageOf(err)
			if a.Sent() != tt.sent || action.KindOf(err) != tt.kind {
				t.Errorf("%d sent, %d failed, %v (%v)", a.Sent(), a.Failed(), err, action.KindOf(err))
			}
			if tt.kind == action.Unauthenticated { // how much was read before the stop is a race
				if a.Failed() == 0 || a.Failed() > 100 {
					t.Errorf("%d failed after a stop", a.Failed())
				}
				return
			}
			if got != tt.message || a.Failed() != tt.failed {
				t.Errorf("%d failed, message %q", a.Failed(), got)
			}
		})
	}
}

func TestRetry(t *testing.T) {
	t.Parallel()
	busy := action.Wrap(&outbound.StatusError{Code: 429}, action.RateLimited, "Busy.")
	r := deliver.Retry{MaxAttempts: 4, InitialBackoff: time.Millisecond, MaxBackoff: 5 * time.Millisecond}
	for _, tt := range []struct {
		name  string
		fails int
		err   error
		calls int
		good  bool
	}{
		{"at once", 0, nil, 1, true},
		{"after two", 2, busy, 3, true},
		{"never", 9, busy, 4, false},
		{"no use", 9, action.Errorf(action.Invalid, "Bad."), 1, false},
		{"not classified", 9, errors.New("x"), 1, false},
		{"stopped", 9, deliver.Stop(busy), 1, false},
		{"too long a wait", 9, action.Wrap(&outbound.StatusError{Code: 429, RetryAfter: time.Hour}, action.RateLimited, "Busy."), 1, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			err := r.Do(t.Context(), func(context.Context) error {
				if calls++; calls <= tt.fails {
					return tt.err
				}
				return nil
			})
			if calls != tt.calls || (err == nil) != tt.good || !tt.good && !errors.Is(err, tt.err) {
				t.Errorf("%d calls, %v", calls, err)
			}
		})
	}
}

// A delivery whose time does not suffice at the destination's pace says so.
func TestPaceThatTakesTooLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10500*time.Millisecond)
		defer cancel()
		o := deliver.Options[int]{Size: 1, Limiter: rate.NewLimiter(1, 1), Retry: deliver.Retry{MaxAttempts: 3, InitialBackoff: time.Second, MaxBackoff: time.Second}}
		a := deliver.Batches(ctx, numbers(100, nil), o, func(context.Context, []int) error { return nil })
		err := a.Err("rows")
		if a.Sent() != 11 || action.KindOf(err) != action.Timeout || !strings.Contains(action.MessageOf(err), "rate limit") {
			t.Errorf("%d sent: %v", a.Sent(), err)
		}
	})
}

// A bug in an integration's send fails its batch, and neither the others nor the hub.
func TestSendPanics(t *testing.T) {
	t.Parallel()
	a := deliver.Batches(t.Context(), numbers(9, nil), deliver.Options[int]{Size: 3, Concurrency: 2}, func(_ context.Context, batch []int) error {
		if batch[0] == 3 {
			panic("a bug")
		}
		return nil
	})
	err := a.Err("rows")
	if a.Sent() != 6 || a.Failed() != 3 || action.KindOf(err) != action.Internal || panics.Of(err) == nil {
		t.Errorf("%d sent, %d failed, %v", a.Sent(), a.Failed(), err)
	}
	if got, want := action.MessageOf(err), "6 of 9 rows delivered, 3 failed. Internal server error."; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
}
