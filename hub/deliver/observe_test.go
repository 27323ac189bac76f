package deliver_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
)

// recorder records an observer's notifications.
type recorder struct {
	mu            sync.Mutex
	notifications []string
}

func (r *recorder) Items(n int, err error) { r.add(fmt.Sprintf("%d items: %v", n, err)) }
func (r *recorder) Retry(err error)        { r.add(fmt.Sprintf("retry after: %v", err)) }

func (r *recorder) add(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notifications = append(r.notifications, text)
}

func TestObserver(t *testing.T) {
	t.Parallel()
	busy := action.Errorf(action.RateLimited, "Too fast.")
	rejected := action.Errorf(action.Invalid, "No such column.")
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		calls := 0
		items := func(yield func(int, error) bool) {
			for i := range 5 {
				if !yield(i, nil) {
					return
				}
			}
		}
		o := deliver.Options[int]{Size: 2, Retry: deliver.Retry{MaxAttempts: 3, InitialBackoff: time.Second, MaxBackoff: time.Second}}
		deliver.Batches(deliver.WithObserver(t.Context(), r), items, o, func(_ context.Context, batch []int) error {
			calls++
			switch {
			case slices.Contains(batch, 0) && calls == 1, slices.Contains(batch, 4):
				return busy
			case slices.Contains(batch, 2):
				return rejected
			}
			return nil
		})
		want := []string{
			"retry after: Too fast.", "2 items: <nil>",
			"2 items: No such column.",
			"retry after: Too fast.", "retry after: Too fast.", "1 items: Too fast.",
		}
		if diff := cmp.Diff(want, r.notifications); diff != "" {
			t.Errorf("notifications (-want +got):\n%s", diff)
		}
	})
}
