package deliver_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
)

// outcomes are the calls of Outcome, by index.
type outcomes struct {
	mu    sync.Mutex
	calls map[int][]string
}

func (o *outcomes) add(index int, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.calls == nil {
		o.calls = map[int][]string{}
	}
	text := "accepted"
	if err != nil {
		text = action.MessageOf(err)
	}
	o.calls[index] = append(o.calls[index], text)
}

// Each item has one outcome, by its position in the source, whatever way it took.
func TestOutcome(t *testing.T) {
	t.Parallel()
	bad, busy := action.Errorf(action.Invalid, "Bad."), action.Errorf(action.Unavailable, "Busy.")
	source := func(yield func(string, error) bool) {
		for item := range strings.SplitSeq("a b - bad c d bad e f", " ") {
			err := error(nil)
			if item == "-" {
				err = deliver.Reject(action.Errorf(action.Invalid, "Unreadable."))
			}
			if !yield(item, err) {
				return
			}
		}
	}
	// whole rejects a batch because of one item, and each answers item by item.
	whole := func(_ context.Context, items []string) error {
		if slices.Contains(items, "bad") {
			return bad
		}
		return nil
	}
	each := func(_ context.Context, items []string) error {
		errs := map[int]error{}
		for n, item := range items {
			if item == "bad" {
				errs[n] = bad
			}
		}
		return deliver.Partial(errs)
	}
	busyOnce := func() func(context.Context, []string) error {
		var mu sync.Mutex
		seen := map[string]bool{}
		return func(_ context.Context, items []string) error {
			mu.Lock()
			defer mu.Unlock()
			errs := map[int]error{}
			for n, item := range items {
				if item == "bad" {
					errs[n] = bad
				} else if !seen[item] {
					seen[item], errs[n] = true, busy
				}
			}
			return deliver.Partial(errs)
		}
	}
	const a, b, u = "accepted", "Bad.", "Unreadable."
	want := []string{a, a, u, b, a, a, b, a, a}
	for name, tt := range map[string]struct {
		options deliver.Options[string]
		send    func(context.Context, []string) error
		want    []string
	}{
		"one by one":      {deliver.Options[string]{Size: 1}, whole, want},
		"partial answers": {deliver.Options[string]{Size: 4, Concurrency: 3}, each, want},
		"retried items":   {deliver.Options[string]{Size: 4, Retry: deliver.Retry{MaxAttempts: 3}}, busyOnce(), want},
		"bisected":        {deliver.Options[string]{Size: 8, BisectBudget: 100}, whole, want},
		"whole batches":   {deliver.Options[string]{Size: 3}, whole, []string{b, b, u, b, b, b, b, a, a}},
		"a second call": {deliver.Options[string]{Size: 9, Then: func(_ context.Context, items []string) error {
			return deliver.Partial(map[int]error{len(items) - 1: bad})
		}}, each, []string{a, a, u, b, a, a, b, a, b}},
		"by key": {deliver.Options[string]{Size: 9, Concurrency: 2, Key: func(item string) string { return item }}, each, want},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var o outcomes
			tt.options.Outcome = o.add
			deliver.Batches(t.Context(), source, tt.options, tt.send)
			for n, outcome := range tt.want {
				if diff := cmp.Diff([]string{outcome}, o.calls[n]); diff != "" {
					t.Errorf("item %d (-want +got):\n%s", n, diff)
				}
			}
			if len(o.calls) != len(tt.want) {
				t.Errorf("%d outcomes, want %d", len(o.calls), len(tt.want))
			}
		})
	}
}

// Complete is about reading: a failed item is part of a complete result.
func TestComplete(t *testing.T) {
	t.Parallel()
	failing := func(context.Context, []string) error { return errors.New("failed") }
	if !deliver.Batches(t.Context(), deliver.Items([]string{"a"}), deliver.Options[string]{Size: 1}, failing).Complete() {
		t.Error("a failed item made the result incomplete")
	}
	broken := func(yield func(string, error) bool) { _ = yield("a", nil) && yield("", errors.New("broken off")) }
	var o outcomes
	result := deliver.Batches(t.Context(), broken, deliver.Options[string]{Size: 1, Outcome: o.add}, func(context.Context, []string) error { return nil })
	if result.Complete() {
		t.Error("a source that broke off is complete")
	}
	if diff := cmp.Diff(map[int][]string{0: {"accepted"}}, o.calls); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
}
