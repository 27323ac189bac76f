// Package deliver sends items in batches and counts how many the destination accepted. It alone
// makes batches, waits for rate limits, retries failed calls and bisects rejected batches:
// an integration only describes its limits in [Options] and makes one call.
package deliver

import (
	"context"
	"errors"
	"iter"
	"sync/atomic"

	"golang.org/x/time/rate"

	"integrationhub.dev/hub/panics"
)

// Options describe the batches of items of type T that a destination accepts.
type Options[T any] struct {
	// Size is the maximum number of items in a batch.
	Size int
	// MaxBytes is the maximum total Weight of a batch; 0 means no limit. A heavier item is sent
	// alone.
	MaxBytes int
	Weight   func(T) int
	// Key returns the key of the record that an item changes; nil means that the order of items
	// does not matter. Items with the same key are sent one after the other, never in one batch,
	// so that the destination ends up with the last one.
	Key func(T) string
	// Concurrency is the maximum number of batches in flight; 0 means one.
	Concurrency int
	// Limiter delays each call: retries and the parts of a bisected batch too. nil means no rate
	// limit.
	Limiter *rate.Limiter
	// Retry decides which calls are made again: [Retry] for calls that can be repeated, [Once]
	// for calls that must not take effect twice. nil means none.
	Retry Policy
	// RetryItems decides which items of a [PartialError] are sent again, without the rest of
	// their batch. nil means that Retry decides.
	RetryItems Policy
	// StopOnError ends the delivery with the first batch that fails, for a destination to which
	// the other batches are useless then.
	StopOnError bool
	// BisectBudget is the maximum number of extra calls that find the items for which the
	// destination rejects whole batches without naming them; 0 means that a rejected batch fails
	// as a whole. A rejected call must have had no effect.
	BisectBudget int64
	// Then, unless nil, is called with the items of a batch that were accepted. Its error decides
	// whether they count as delivered, like the error of send. It is not retried.
	Then func(context.Context, []T) error
	// Outcome, unless nil, is called once for each item that was accepted or, with an error, failed
	// for good. index is the item's position in the source, in which rejected items count too. It is
	// called concurrently, and not for items that were left unsent when the delivery ended.
	Outcome func(index int, err error)
}

// Batches sends items in batches by send, which several goroutines call when Concurrency is
// above one.
//
// An error of send counts the whole batch as failed once Options allow no further call. Later
// batches are still sent unless [Stop] wraps the error. If the destination accepted a part of
// the batch, send returns [Partial]. An error that items yields counts one item as failed if
// [Reject] wraps it. Any other error ends the reading: what was read before is sent and counted,
// and [Result.Err] returns the error.
func Batches[T any](ctx context.Context, items iter.Seq2[T, error], o Options[T], send func(context.Context, []T) error) *Result {
	result, budget := &Result{}, &atomic.Int64{}
	budget.Store(o.BisectBudget)
	g, ctx := panics.WithContext(ctx)
	g.SetLimit(max(o.Concurrency, 1))
	keys := newKeyLock()
	var (
		next   batch[T]
		locked []string
	)
	weight := 0
	settle := func(index []int, err error) { o.settle(result, observer(ctx), index, err) }
	flush := func() {
		if len(next.items) == 0 {
			return
		}
		s := batchSender[T]{Options: o, settle: settle, call: send, budget: budget, abort: result.abort}
		b, held := next, locked
		next, locked, weight = batch[T]{make([]T, 0, o.Size), make([]int, 0, o.Size)}, nil, 0
		g.Run(func() error {
			defer keys.Unlock(held)
			return s.run(ctx, b)
		})
	}
	lock := func(key string) {
		if !keys.TryLock(key) {
			flush() // the earlier item may be in the batch
			keys.Lock(key)
		}
		locked = append(locked, key)
	}
	for item, err := range items {
		if rejected, ok := errors.AsType[rejectError](err); ok {
			settle([]int{result.read}, rejected.error)
			result.read++
			continue
		}
		if err == nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			result.abort(err)
		}
		if result.aborted() {
			break
		}
		w := 0
		if o.MaxBytes > 0 {
			if w = o.Weight(item); weight+w > o.MaxBytes {
				flush()
			}
		}
		if o.Key != nil {
			lock(o.Key(item))
		}
		weight += w
		next.add(item, result.read)
		result.read++
		if len(next.items) == o.Size {
			flush()
		}
	}
	flush()
	if err := panics.Of(g.Wait()); err != nil { // the result has every other error already
		result.abort(err)
	}
	return result
}

// settle counts the items with these indices as accepted or failed.
func (o Options[T]) settle(result *Result, observer Observer, index []int, err error) {
	result.count(len(index), err)
	observer.Items(len(index), err)
	if o.Outcome == nil {
		return
	}
	for _, i := range index {
		o.Outcome(i, err)
	}
}
