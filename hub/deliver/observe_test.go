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

// heard records what an observer is told.
type heard struct {
	mu   sync.Mutex
	told []string
}

func (h *heard) Items(n int, err error) { h.add(fmt.Sprintf("%d items: %v", n, err)) }
func (h *heard) Retry(err error)        { h.add(fmt.Sprintf("again after: %v", err)) }

func (h *heard) add(what string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.told = append(h.told, what)
}

func TestObserver(t *testing.T) {
	t.Parallel()
	busy := action.Errorf(action.RateLimited, "Too fast.")
	refused := action.Errorf(action.Invalid, "No such column.")
	synctest.Test(t, func(t *testing.T) {
		h := &heard{}
		calls := 0
		items := func(yield func(int, error) bool) {
			for i := range 5 {
				if !yield(i, nil) {
					return
				}
			}
		}
		o := deliver.Options[int]{Size: 2, Retry: deliver.Retry{MaxAttempts: 3, InitialBackoff: time.Second, MaxBackoff: time.Second}}
		deliver.Batches(deliver.WithObserver(t.Context(), h), items, o, func(_ context.Context, batch []int) error {
			calls++
			switch {
			case slices.Contains(batch, 0) && calls == 1, slices.Contains(batch, 4):
				return busy
			case slices.Contains(batch, 2):
				return refused
			}
			return nil
		})
		want := []string{
			"again after: Too fast.", "2 items: <nil>",
			"2 items: No such column.",
			"again after: Too fast.", "again after: Too fast.", "1 items: Too fast.",
		}
		if diff := cmp.Diff(want, h.told); diff != "" {
			t.Errorf("what the observer was told (-want +got):\n%s", diff)
		}
	})
}
