// Package deliver sends rows in batches and keeps the account of what became of them.
package deliver

import (
	"context"
	"errors"
	"iter"

	"golang.org/x/time/rate"

	"integrationhub.dev/hub/panics"
)

// Options say how batches of items of type T are made and sent.
type Options[T any] struct {
	// Size is the largest number of items in a batch.
	Size int
	// Bytes is the largest sum of the items' Weight in a batch; 0 means no limit. An item that
	// is heavier than that goes alone.
	Bytes  int
	Weight func(T) int
	// Key names what an item is about; nil leaves the items' order to chance. Items of one key
	// are neither in one batch nor under way at once: what came last in the source is what the
	// destination has at the end.
	Key func(T) string
	// Concurrency is how many batches are under way at once; 0 means one.
	Concurrency int
	// Limiter paces the calls by the destination's published limit; nil does not.
	Limiter *rate.Limiter
	// Retry says how often a failed call is tried again, and [RefusedError] items with it.
	Retry Retry
}

// Batches reads items, sends them in batches and counts what became of each. send is called
// by several goroutines when Concurrency is above one.
//
// An error of send counts the whole batch as failed, after the retries that Options allow;
// the batches after it are still sent, unless [Stop] wraps the error. Where the destination
// took a part of the batch, send returns [RefusedError]. An error of items counts one item as
// failed when [Reject] wraps it; any other ends the reading: what was read before it is
// sent and counted, and the error is returned by [Account.Err].
func Batches[T any](ctx context.Context, items iter.Seq2[T, error], o Options[T], send func(context.Context, []T) error) *Account {
	a := &Account{}
	g, ctx := panics.WithContext(ctx)
	g.SetLimit(max(o.Concurrency, 1))
	keys := newOrder()
	var (
		batch   []T
		claimed []string
	)
	weight := 0
	flush := func() {
		if len(batch) == 0 {
			return
		}
		s := shipment[T]{Options: o, account: a, observer: observer(ctx), send: send, left: batch}
		settled := claimed
		batch, claimed, weight = make([]T, 0, o.Size), nil, 0
		g.Run(func() error {
			defer keys.leave(settled)
			return stopped(s.ship(ctx))
		})
	}
	claim := func(key string) {
		if !keys.enter(key) {
			flush() // the earlier item may be in the batch
			keys.wait(key)
		}
		claimed = append(claimed, key)
	}
	for item, err := range items {
		if rejected, ok := errors.AsType[rejectError](err); ok {
			a.read++
			a.count(1, rejected.error)
			observer(ctx).Items(1, rejected.error)
			continue
		}
		if err != nil {
			a.broke(err)
			break
		}
		if ctx.Err() != nil {
			a.broke(context.Cause(ctx))
			break
		}
		a.read++
		w := 0
		if o.Bytes > 0 {
			if w = o.Weight(item); weight+w > o.Bytes {
				flush()
			}
		}
		if o.Key != nil {
			claim(o.Key(item))
		}
		weight += w
		if batch = append(batch, item); len(batch) == o.Size {
			flush()
		}
	}
	flush()
	if err := panics.Of(g.Wait()); err != nil { // a stop is in the account already
		a.broke(err)
	}
	return a
}

// shipment is a batch under way.
type shipment[T any] struct {
	Options[T]
	account  *Account
	observer Observer
	send     func(context.Context, []T) error
	// left are the items that the destination has not taken yet, and why, if it said so of
	// each.
	left []T
	why  []error
}

// ship sends the batch, and again what of it may be sent again, until each item is counted.
func (s *shipment[T]) ship(ctx context.Context) error {
	err := s.Retry.Do(ctx, func(ctx context.Context) error {
		if s.Limiter != nil {
			if err := Pace(ctx, s.Limiter); err != nil {
				return err
			}
		}
		return s.sort(panics.Catch(func() error { return s.send(ctx, s.left) }))
	})
	if len(s.left) > 0 && s.why == nil {
		s.count(len(s.left), err)
		return err
	}
	for _, reason := range s.why {
		s.count(1, reason)
	}
	return err
}

// sort counts what a call has settled and leaves the rest for another. It returns the error
// that stands for the rest.
func (s *shipment[T]) sort(err error) error {
	refused, ok := errors.AsType[RefusedError](err)
	if !ok {
		s.why = nil
		return err
	}
	var (
		left  []T
		why   []error
		taken int
	)
	for i, item := range s.left {
		switch reason, ok := refused[i]; {
		case !ok:
			taken++
		case s.Retry.again(reason):
			left, why = append(left, item), append(why, reason)
		default:
			s.count(1, reason)
		}
	}
	s.left, s.why = left, why
	if taken > 0 {
		s.count(taken, nil)
	}
	if len(why) == 0 {
		return nil
	}
	return why[0]
}

func (s *shipment[T]) count(n int, err error) {
	s.account.count(n, err)
	s.observer.Items(n, err)
}
