package deliver_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
)

// A delivery of two calls a batch, whose time does not suffice at the destination's pace, ends
// when that is clear.
func TestPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10500*time.Millisecond)
		defer cancel()
		limiter := rate.NewLimiter(1, 1)
		calls := 0
		a := deliver.Batches(ctx, numbers(100, nil), deliver.Options[int]{Size: 10}, func(ctx context.Context, _ []int) error {
			for range 2 {
				if err := deliver.Pace(ctx, limiter); err != nil {
					return err
				}
				calls++
			}
			return nil
		})
		err := a.Err("rows")
		const want = "50 of 70 rows delivered, 20 failed. At the destination's rate limit, the delivery would exceed its timeout."
		if action.MessageOf(err) != want || action.KindOf(err) != action.Timeout || calls != 11 {
			t.Errorf("%d calls, %v (%v)", calls, err, action.KindOf(err))
		}
	})
}

func TestPaceOfACancelledDelivery(t *testing.T) {
	t.Parallel()
	why := errors.New("why")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	if err := deliver.Pace(ctx, rate.NewLimiter(1, 1)); !errors.Is(err, why) {
		t.Errorf("error %v", err)
	}
}
