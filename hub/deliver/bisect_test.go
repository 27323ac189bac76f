package deliver_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
)

func TestBisect(t *testing.T) {
	t.Parallel()
	var (
		bad  = action.Errorf(action.Invalid, "Something is wrong.")
		big  = action.Errorf(action.TooLarge, "Too much.")
		busy = action.Errorf(action.RateLimited, "Busy.")
		gone = deliver.Stop(action.Errorf(action.Invalid, "No such account."))
	)
	for name, tt := range map[string]struct {
		budget int64
		// answer is the destination's, by the number of the call from 0.
		answer  func(call int, batch []int) error
		taken   []int
		calls   int
		message string
	}{
		"all good": {100, func(int, []int) error { return nil }, []int{0, 1, 2, 3, 4, 5, 6, 7}, 1, ""},
		"one bad": {100, func(_ int, b []int) error {
			if slices.Contains(b, 5) {
				return bad
			}
			return nil
		}, []int{0, 1, 2, 3, 4, 6, 7}, 7, "7 of 8 rows delivered, 1 failed. Something is wrong."},
		"all bad": {100, func(int, []int) error { return bad }, nil, 15, "0 of 8 rows delivered, 8 failed. Something is wrong."},
		"too much at once": {100, func(_ int, b []int) error {
			if len(b) > 3 {
				return big
			}
			return nil
		}, []int{0, 1, 2, 3, 4, 5, 6, 7}, 7, ""},
		"a half meets a limit": {100, func(call int, b []int) error {
			switch {
			case call == 1:
				return busy
			case slices.Contains(b, 7):
				return bad
			}
			return nil
		}, []int{0, 1, 2, 3, 4, 5, 6}, 8, "7 of 8 rows delivered, 1 failed. Something is wrong."},
		"a half that is answered for each": {100, func(call int, _ []int) error {
			switch call {
			case 0:
				return bad
			case 2:
				return deliver.PartialError{1: bad}
			}
			return nil
		}, []int{0, 1, 2, 3, 4, 6, 7}, 3, "7 of 8 rows delivered, 1 failed. Something is wrong."},
		"no calls left": {3, func(int, []int) error { return bad }, nil, 3, "0 of 8 rows delivered, 8 failed. Something is wrong."},
		"no use":        {100, func(int, []int) error { return gone }, nil, 1, "0 of 8 rows delivered, 8 failed. No such account."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var taken []int
			calls := 0
			o := deliver.Options[int]{Size: 8, BisectBudget: tt.budget, Retry: deliver.Retry{MaxAttempts: 3, InitialBackoff: time.Millisecond, MaxBackoff: time.Millisecond}}
			a := deliver.Batches(t.Context(), numbers(8, nil), o, func(_ context.Context, b []int) error {
				err := tt.answer(calls, b)
				calls++
				if refused, ok := err.(deliver.PartialError); ok || err == nil { //nolint:errorlint // as it was made
					for i, n := range b {
						if refused[i] == nil {
							taken = append(taken, n)
						}
					}
				}
				return err
			})
			slices.Sort(taken)
			if diff := cmp.Diff(tt.taken, taken); diff != "" || calls != tt.calls {
				t.Errorf("%d calls, want %d; taken (-want +got):\n%s", calls, tt.calls, diff)
			}
			message := ""
			if err := a.Err("rows"); err != nil {
				message = action.MessageOf(err)
			}
			if message != tt.message || a.Sent() != len(tt.taken) {
				t.Errorf("%d sent, message %q", a.Sent(), message)
			}
		})
	}
}
