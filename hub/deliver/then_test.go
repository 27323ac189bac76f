package deliver_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
)

// outcome is what a delivery reports.
type outcome struct {
	Sent, Failed int
	Message      string
	Kind         action.Kind
}

func outcomeOf(r *deliver.Result) outcome {
	o := outcome{Sent: r.Sent(), Failed: r.Failed()}
	if err := r.Err("rows"); err != nil {
		o.Message, o.Kind = action.MessageOf(err), action.KindOf(err)
	}
	return o
}

// Then gets the accepted items of a batch together, after all retries and bisecting.
func TestThen(t *testing.T) {
	t.Parallel()
	bad := action.Errorf(action.Invalid, "Bad.")
	for name, tt := range map[string]struct {
		err  error
		want outcome
	}{
		"succeeds":        {nil, outcome{6, 2, "6 of 8 rows delivered, 2 rejected. Bad.", action.Invalid}},
		"fails":           {action.Errorf(action.Forbidden, "No."), outcome{0, 8, "0 of 8 rows delivered, 2 rejected, 6 failed. Bad. No.", action.Invalid}},
		"fails partially": {deliver.Partial(map[int]error{1: action.Errorf(action.Forbidden, "No.")}), outcome{4, 4, "4 of 8 rows delivered, 2 rejected, 2 failed. Bad. No.", action.Invalid}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var accepted [][]int
			o := deliver.Options[int]{Size: 4, BisectBudget: 100, Then: func(_ context.Context, batch []int) error {
				accepted = append(accepted, slices.Clone(batch))
				return tt.err
			}}
			result := deliver.Batches(t.Context(), numbers(8, nil), o, func(_ context.Context, batch []int) error {
				if slices.ContainsFunc(batch, func(n int) bool { return n%4 == 1 }) {
					return bad
				}
				return nil
			})
			if diff := cmp.Diff([][]int{{0, 2, 3}, {4, 6, 7}}, accepted); diff != "" {
				t.Errorf("accepted items (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.want, outcomeOf(result)); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
		})
	}
}

// With StopOnError, nothing is sent after the batch that failed for good.
func TestStopOnError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := map[int]int{}
		o := deliver.Options[int]{Size: 2, StopOnError: true, Retry: deliver.Retry{MaxAttempts: 3, InitialBackoff: time.Second, MaxBackoff: time.Second}}
		result := deliver.Batches(t.Context(), numbers(20, nil), o, func(_ context.Context, batch []int) error {
			calls[batch[0]]++
			if batch[0] == 2 {
				return action.Errorf(action.Unavailable, "Down.")
			}
			return nil
		})
		if diff := cmp.Diff(map[int]int{0: 1, 2: 3}, calls); diff != "" {
			t.Errorf("calls by first item (-want +got):\n%s", diff)
		}
		if got := outcomeOf(result); got.Sent != 2 || got.Kind != action.Unavailable {
			t.Errorf("outcome %+v", got)
		}
	})
}

// RetryItems leaves the number of calls for a whole batch to Retry.
func TestRetryItems(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		busy := action.Errorf(action.Unavailable, "Busy.")
		var calls [][]int
		o := deliver.Options[int]{
			Size:       3,
			Retry:      deliver.Retry{MaxAttempts: 5, InitialBackoff: time.Second, MaxBackoff: time.Second},
			RetryItems: deliver.Retry{MaxAttempts: 2, InitialBackoff: time.Second, MaxBackoff: time.Second},
		}
		result := deliver.Batches(t.Context(), numbers(3, nil), o, func(_ context.Context, batch []int) error {
			calls = append(calls, slices.Clone(batch))
			if len(calls) < 4 {
				return busy
			}
			return deliver.Partial(map[int]error{0: busy})
		})
		all := []int{0, 1, 2}
		if diff := cmp.Diff([][]int{all, all, all, all, {0}}, calls); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(outcome{2, 1, "2 of 3 rows delivered, 1 failed. Busy.", action.Unavailable}, outcomeOf(result)); diff != "" {
			t.Errorf("outcome (-want +got):\n%s", diff)
		}
	})
}
