package deliver_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
)

func TestWhatIsRefusedIsSentAgainAlone(t *testing.T) {
	t.Parallel()
	var (
		busy = action.Errorf(action.RateLimited, "Busy.")
		bad  = action.Errorf(action.Invalid, "No such person.")
	)
	retry := deliver.Retry{MaxAttempts: 3, InitialBackoff: time.Millisecond, MaxBackoff: time.Millisecond}
	for _, tt := range []struct {
		name string
		// refuse returns the error of a call, by its number from 0.
		refuse  func(call int, batch []int) error
		retry   deliver.Retry
		calls   [][]int
		sent    int
		message string
	}{
		{
			name: "one busy, one bad",
			refuse: func(call int, _ []int) error {
				if call == 0 {
					return deliver.PartialError{1: busy, 2: bad}
				}
				return nil
			},
			retry: retry, calls: [][]int{{0, 1, 2, 3}, {1}}, sent: 3,
			message: "3 of 4 rows delivered, 1 rejected. No such person.",
		},
		{
			name: "busy to the end",
			refuse: func(_ int, b []int) error {
				return deliver.PartialError{len(b) - 1: busy}
			},
			retry: retry, calls: [][]int{{0, 1, 2, 3}, {3}, {3}}, sent: 3,
			message: "3 of 4 rows delivered, 1 failed. Busy.",
		},
		{
			name: "no second try", refuse: func(int, []int) error { return deliver.PartialError{0: busy} },
			retry: deliver.Retry{}, calls: [][]int{{0, 1, 2, 3}}, sent: 3,
			message: "3 of 4 rows delivered, 1 failed. Busy.",
		},
		{
			name: "the second call fails as a whole",
			refuse: func(call int, _ []int) error {
				if call == 0 {
					return deliver.PartialError{0: busy, 3: busy}
				}
				return bad
			},
			retry: retry, calls: [][]int{{0, 1, 2, 3}, {0, 3}}, sent: 2,
			message: "2 of 4 rows delivered, 2 rejected. No such person.",
		},
		{
			name: "all taken after all", refuse: func(int, []int) error { return deliver.PartialError{} },
			retry: retry, calls: [][]int{{0, 1, 2, 3}}, sent: 4,
		},
		{
			name:   "a place that the batch has not",
			refuse: func(int, []int) error { return deliver.PartialError{9: bad, -1: busy} }, retry: retry,
			calls: [][]int{{0, 1, 2, 3}}, sent: 4,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var calls [][]int
			a := deliver.Batches(t.Context(), numbers(4, nil), deliver.Options[int]{Size: 4, Retry: tt.retry}, func(_ context.Context, b []int) error {
				calls = append(calls, slices.Clone(b))
				return tt.refuse(len(calls)-1, b)
			})
			if diff := cmp.Diff(tt.calls, calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			message := ""
			if err := a.Err("rows"); err != nil {
				message = action.MessageOf(err)
			}
			if got, want := a.Sent(), tt.sent; got != want {
				t.Errorf("%d items sent, want %d", got, want)
			}
			if got, want := a.Failed(), 4-tt.sent; got != want {
				t.Errorf("%d items failed, want %d", got, want)
			}
			if got, want := message, tt.message; got != want {
				t.Errorf("error %q, want %q", got, want)
			}
		})
	}
}

func TestAnItemThatTheSourceRejects(t *testing.T) {
	t.Parallel()
	items := func(yield func(int, error) bool) {
		for i := range 7 {
			var err error
			if i%3 == 0 {
				err = deliver.Reject(action.Errorf(action.Invalid, "The phone number is none."))
			}
			if !yield(i, err) {
				return
			}
		}
	}
	var mu sync.Mutex
	var got []int
	a := deliver.Batches(t.Context(), items, deliver.Options[int]{Size: 2, Concurrency: 2}, func(_ context.Context, b []int) error {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, b...)
		return nil
	})
	slices.Sort(got)
	if diff := cmp.Diff([]int{1, 2, 4, 5}, got); diff != "" {
		t.Error(diff)
	}
	if m := action.MessageOf(a.Err("rows")); m != "4 of 7 rows delivered, 3 rejected. The phone number is none." {
		t.Error(m)
	}
}

func TestBatchesByWeight(t *testing.T) {
	t.Parallel()
	weights := []int{4, 4, 4, 30, 1, 1, 1, 9, 10}
	items := func(yield func(int, error) bool) {
		for _, w := range weights {
			if !yield(w, nil) {
				return
			}
		}
	}
	var got [][]int
	o := deliver.Options[int]{Size: 3, MaxBytes: 10, Weight: func(w int) int { return w }}
	a := deliver.Batches(t.Context(), items, o, func(_ context.Context, b []int) error {
		got = append(got, slices.Clone(b))
		return nil
	})
	if diff := cmp.Diff([][]int{{4, 4}, {4}, {30}, {1, 1, 1}, {9}, {10}}, got); diff != "" || a.Err("rows") != nil {
		t.Error(diff, a.Err("rows"))
	}
}

// The text does not depend on the order of the map.
func TestPartialErrorText(t *testing.T) {
	t.Parallel()
	errs := map[int]error{}
	for i := range 20 {
		errs[3+i] = fmt.Errorf("unknown id %d", i)
	}
	for range 20 {
		if got, want := deliver.Partial(errs).Error(), "20 items failed; item 3: unknown id 0"; got != want {
			t.Fatalf("text %q, want %q", got, want)
		}
	}
}

func TestPartialOfNothing(t *testing.T) {
	t.Parallel()
	if err := deliver.Partial(map[int]error{}); err != nil {
		t.Errorf("error %v, want nil", err)
	}
}
