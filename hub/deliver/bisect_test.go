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
		// answer returns the error of a call, by its number from 0.
		answer   func(call int, batch []int) error
		accepted []int
		calls    int
		message  string
	}{
		"all good": {100, func(int, []int) error { return nil }, []int{0, 1, 2, 3, 4, 5, 6, 7}, 1, ""},
		"one bad": {100, func(_ int, b []int) error {
			if slices.Contains(b, 5) {
				return bad
			}
			return nil
		}, []int{0, 1, 2, 3, 4, 6, 7}, 7, "7 of 8 rows delivered, 1 rejected. Something is wrong."},
		"all bad": {100, func(int, []int) error { return bad }, nil, 15, "0 of 8 rows delivered, 8 rejected. Something is wrong."},
		"too large": {100, func(_ int, b []int) error {
			if len(b) > 3 {
				return big
			}
			return nil
		}, []int{0, 1, 2, 3, 4, 5, 6, 7}, 7, ""},
		"a half is rate limited": {100, func(call int, b []int) error {
			switch {
			case call == 1:
				return busy
			case slices.Contains(b, 7):
				return bad
			}
			return nil
		}, []int{0, 1, 2, 3, 4, 5, 6}, 8, "7 of 8 rows delivered, 1 rejected. Something is wrong."},
		"a half fails partially": {100, func(call int, _ []int) error {
			switch call {
			case 0:
				return bad
			case 2:
				return deliver.PartialError{1: bad}
			}
			return nil
		}, []int{0, 1, 2, 3, 4, 6, 7}, 3, "7 of 8 rows delivered, 1 rejected. Something is wrong."},
		"the budget is used up": {3, func(int, []int) error { return bad }, nil, 3, "0 of 8 rows delivered, 8 rejected. Something is wrong."},
		"stopped":               {100, func(int, []int) error { return gone }, nil, 1, "0 of 8 rows delivered, 8 failed. No such account."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var accepted []int
			calls := 0
			o := deliver.Options[int]{Size: 8, BisectBudget: tt.budget, Retry: deliver.Retry{MaxAttempts: 3, InitialBackoff: time.Millisecond, MaxBackoff: time.Millisecond}}
			result := deliver.Batches(t.Context(), numbers(8, nil), o, func(_ context.Context, b []int) error {
				err := tt.answer(calls, b)
				calls++
				if failed, ok := err.(deliver.PartialError); ok || err == nil { //nolint:errorlint // as it was made
					for i, n := range b {
						if failed[i] == nil {
							accepted = append(accepted, n)
						}
					}
				}
				return err
			})
			slices.Sort(accepted)
			if calls != tt.calls {
				t.Errorf("%d calls, want %d", calls, tt.calls)
			}
			if diff := cmp.Diff(tt.accepted, accepted); diff != "" {
				t.Errorf("accepted items (-want +got):\n%s", diff)
			}
			message := ""
			if err := result.Err("rows"); err != nil {
				message = action.MessageOf(err)
			}
			if message != tt.message {
				t.Errorf("message %q, want %q", message, tt.message)
			}
			if result.Sent() != len(tt.accepted) {
				t.Errorf("%d sent, want %d", result.Sent(), len(tt.accepted))
			}
		})
	}
}
