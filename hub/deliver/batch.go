// Package deliver sends rows in batches and keeps the account of what became of them.
package deliver

import (
	"context"
	"iter"
	"sync"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"
)

// Options say how batches are made and sent.
type Options struct {
	// Size is the number of items in a batch.
	Size int
	// Concurrency is how many batches are under way at once; 0 means one.
	Concurrency int
	// Limiter paces the calls by the destination's published limit; nil does not.
	Limiter *rate.Limiter
	// Retry says how often a failed call is tried again.
	Retry Retry
}

// Batches reads items, sends them in batches and counts what became of each. send is called
// by several goroutines when Concurrency is above one.
//
// An error of send counts the whole batch as failed, after the retries that Options allow;
// the batches after it are still sent, unless [Stop] wraps the error. An error of items
// ends the reading: what was read before it is sent and counted, and the error is returned
// by [Account.Err].
func Batches[T any](ctx context.Context, items iter.Seq2[T, error], o Options, send func(context.Context, []T) error) *Account {
	a := &Account{}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(max(o.Concurrency, 1))
	batch := make([]T, 0, o.Size)
	flush := func() {
		if len(batch) == 0 {
			return
		}
		b := batch
		batch = make([]T, 0, o.Size)
		g.Go(func() error {
			err := o.Retry.Do(ctx, func(ctx context.Context) error {
				if o.Limiter != nil {
					if err := o.Limiter.Wait(ctx); err != nil {
						return err
					}
				}
				return send(ctx, b)
			})
			a.count(len(b), err)
			observer(ctx).Items(len(b), err)
			return stopped(err)
		})
	}
	for item, err := range items {
		if err != nil {
			a.broke(err)
			break
		}
		if ctx.Err() != nil {
			a.broke(context.Cause(ctx))
			break
		}
		a.read++
		if batch = append(batch, item); len(batch) == o.Size {
			flush()
		}
	}
	flush()
	_ = g.Wait() // a stop is in the account already
	return a
}

// Account says what became of the items of a delivery.
type Account struct {
	mu      sync.Mutex
	read    int
	sent    int
	failed  int
	reasons []error
	source  error
}
