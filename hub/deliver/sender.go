package deliver

import (
	"context"
	"errors"
	"sync/atomic"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/panics"
)

// batchSender sends one batch.
type batchSender[T any] struct {
	Options[T]
	// settle counts the items with these indices as accepted or failed.
	settle func(index []int, err error)
	// abort ends the reading of items.
	abort func(error)
	call  func(context.Context, []T) error
	// budget is shared by all batches of the delivery.
	budget *atomic.Int64
	// accepted are the items for Then.
	accepted batch[T]
}

// batch is items and their positions in the source.
type batch[T any] struct {
	items []T
	index []int
}

func (b *batch[T]) add(item T, index int) {
	b.items, b.index = append(b.items, item), append(b.index, index)
}

func (b batch[T]) halves() (first, second batch[T]) {
	middle := len(b.items) / 2
	return batch[T]{b.items[:middle], b.index[:middle]}, batch[T]{b.items[middle:], b.index[middle:]}
}

// run sends the batch until each item is counted. Its error ends the delivery at once.
func (s *batchSender[T]) run(ctx context.Context, b batch[T]) error {
	err := s.send(ctx, b)
	if len(s.accepted.items) > 0 {
		thenErr := panics.Catch(func() error { return s.Then(ctx, s.accepted.items) })
		s.settleEach(s.accepted.index, thenErr)
		if Stopped(thenErr) {
			err = thenErr
		}
	}
	if _, ok := errors.AsType[deadlineError](err); ok {
		s.abort(err) // calls in flight or with a turn before the timeout may still succeed
		return nil
	}
	return stopped(err)
}

// send makes the calls for some items of the batch. Its error is one that ends the delivery.
func (s *batchSender[T]) send(ctx context.Context, b batch[T]) error {
	p := part[T]{left: b}
	call := func(ctx context.Context) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return panics.Catch(func() error { return s.call(ctx, p.left.items) })
	}
	err := s.retry(ctx, call, func(err error) error { return s.applyPartial(&p, err) })
	if err != nil && s.StopOnError {
		err = Stop(err)
	}
	switch {
	case p.errs != nil:
		for n, itemErr := range p.errs {
			s.settle(p.left.index[n:n+1], itemErr)
		}
	case len(p.left.items) == 0:
	case s.mayBisect(p.left, err):
		return s.bisect(ctx, p.left)
	case err == nil:
		s.accept(p.left)
	default:
		s.settle(p.left.index, err)
	}
	if Stopped(err) {
		return err
	}
	return nil
}

// retry makes a call until neither policy asks for another. apply settles what a call did.
func (s *batchSender[T]) retry(ctx context.Context, call func(context.Context) error, apply func(error) error) error {
	if s.RetryItems == nil {
		return Call(ctx, s.Limiter, s.Retry, func(ctx context.Context) error { return apply(call(ctx)) })
	}
	return s.RetryItems.do(ctx, nil, func(ctx context.Context) error { return apply(Call(ctx, s.Limiter, s.Retry, call)) })
}

// itemPolicy decides which items are sent again.
func (s *batchSender[T]) itemPolicy() Policy {
	switch {
	case s.RetryItems != nil:
		return s.RetryItems
	case s.Retry != nil:
		return s.Retry
	}
	return Retry{}
}

// part is what is left to do of a batch or of a part of it.
type part[T any] struct {
	// left are the items that were not accepted yet, and errs why, if the destination said so
	// for each.
	left batch[T]
	errs []error
}

// applyPartial counts the items that a call settled and leaves the rest for a retry. It returns
// the error that stands for the rest.
func (s *batchSender[T]) applyPartial(p *part[T], err error) error {
	failed, ok := errors.AsType[PartialError](err)
	if !ok {
		p.errs = nil
		return err
	}
	var (
		left, accepted batch[T]
		errs           []error
	)
	policy := s.itemPolicy()
	for i, item := range p.left.items {
		index := p.left.index[i]
		switch itemErr, ok := failed[i]; {
		case !ok:
			accepted.add(item, index)
		case policy.retryable(itemErr):
			left.add(item, index)
			errs = append(errs, itemErr)
		default:
			s.settle([]int{index}, itemErr)
		}
	}
	p.left, p.errs = left, errs
	s.accept(accepted)
	if len(errs) == 0 {
		return nil
	}
	return errs[0]
}

// mayBisect reports whether some of the items may be accepted without the others, and takes the
// two calls that this needs from the budget.
func (s *batchSender[T]) mayBisect(b batch[T], err error) bool {
	kind := action.KindOf(err)
	return err != nil && (kind == action.Invalid || kind == action.TooLarge) && len(b.items) > 1 && !Stopped(err) &&
		s.BisectBudget > 0 && s.budget.Add(-2) >= 0
}

// bisect sends the halves of a rejected batch. Each half has retries of its own: that one of
// them meets a rate limit says nothing about the other.
func (s *batchSender[T]) bisect(ctx context.Context, b batch[T]) error {
	first, second := b.halves()
	if err := s.send(ctx, first); err != nil {
		s.settle(second.index, err)
		return err
	}
	return s.send(ctx, second)
}

// accept counts items as delivered, or leaves that to Then.
func (s *batchSender[T]) accept(b batch[T]) {
	switch {
	case len(b.items) == 0:
	case s.Then != nil:
		for i, item := range b.items {
			s.accepted.add(item, b.index[i])
		}
	default:
		s.settle(b.index, nil)
	}
}

// settleEach counts items by the error of the call that settled them.
func (s *batchSender[T]) settleEach(index []int, err error) {
	failed, ok := errors.AsType[PartialError](err)
	if !ok {
		s.settle(index, err)
		return
	}
	var delivered []int
	for n, i := range index {
		if itemErr, ok := failed[n]; ok {
			s.settle([]int{i}, itemErr)
		} else {
			delivered = append(delivered, i)
		}
	}
	if len(delivered) > 0 {
		s.settle(delivered, nil)
	}
}
