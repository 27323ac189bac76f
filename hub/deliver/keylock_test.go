package deliver_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
)

// Items with the same key are sent in order, even if batches overtake each other and are retried. Other
// items do not wait for them.
func TestItemsOfOneKeyKeepTheirOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const n, most = 1000, 7
		var (
			mu        sync.Mutex
			underWay  = map[int]bool{}
			sent      = map[int][]int{}
			together  int
			busiest   int
			calls     int
			key       = func(n int) int { return n * n % 101 }
			keyText   = func(n int) string { return string(rune('a' + key(n))) }
			busy      = action.Errorf(action.Unavailable, "Busy.")
			unordered int
		)
		o := deliver.Options[int]{Size: most, Concurrency: 4, Key: keyText, Retry: deliver.Retry{MaxAttempts: 10, InitialBackoff: time.Second, MaxBackoff: time.Second}}
		start := func(batch []int) (failing bool) {
			mu.Lock()
			defer mu.Unlock()
			together++
			busiest = max(busiest, together)
			calls++
			for _, i := range batch {
				if underWay[key(i)] {
					unordered++
				}
				underWay[key(i)] = true
			}
			return calls%5 == 0
		}
		a := deliver.Batches(t.Context(), numbers(n, nil), o, func(_ context.Context, batch []int) error {
			failing := start(batch)
			time.Sleep(time.Duration(batch[0]%13) * time.Second)
			mu.Lock()
			defer mu.Unlock()
			together--
			for _, i := range batch {
				underWay[key(i)] = false
				if !failing {
					sent[key(i)] = append(sent[key(i)], i)
				}
			}
			if failing {
				return busy
			}
			return nil
		})
		want := map[int][]int{}
		for i := range n {
			want[key(i)] = append(want[key(i)], i)
		}
		if diff := cmp.Diff(want, sent); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if got, want := a.Sent(), n; got != want {
			t.Errorf("%d items sent, want %d", got, want)
		}
		if got, want := a.Failed(), 0; got != want {
			t.Errorf("%d items failed, want %d", got, want)
		}
		if unordered > 0 || busiest < 2 {
			t.Errorf("%d items under way beside another of their key; at most %d calls at once", unordered, busiest)
		}
	})
}

// An item that failed releases its key.
func TestKeysAreFreedByFailures(t *testing.T) {
	t.Parallel()
	same := func(int) string { return "x" }
	a := deliver.Batches(t.Context(), numbers(5, nil), deliver.Options[int]{Size: 10, Concurrency: 2, Key: same}, func(_ context.Context, batch []int) error {
		if len(batch) != 1 || batch[0] == 1 {
			return action.Errorf(action.Invalid, "No.")
		}
		return nil
	})
	if a.Sent() != 4 || a.Failed() != 1 {
		t.Errorf("%d sent, %d failed", a.Sent(), a.Failed())
	}
}

// An item that did not fit into a batch keeps its key when that batch is done.
func TestKeysOfWeighedItems(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		keys := []string{"a", "b", "c", "c", "d", "d"}
		slowly := func(yield func(string, error) bool) {
			for _, key := range keys {
				if !yield(key, nil) {
					return
				}
				synctest.Wait() // all calls are done
			}
		}
		var batches [][]string
		o := deliver.Options[string]{Size: 10, MaxBytes: 2, Weight: func(string) int { return 1 }, Key: func(key string) string { return key }}
		a := deliver.Batches(t.Context(), slowly, o, func(_ context.Context, batch []string) error {
			batches = append(batches, batch)
			return nil
		})
		if diff := cmp.Diff([][]string{{"a", "b"}, {"c"}, {"c", "d"}, {"d"}}, batches); diff != "" || a.Sent() != len(keys) {
			t.Errorf("%d sent; batches (-want +got):\n%s", a.Sent(), diff)
		}
	})
}
