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
	result   *Result
	observer Observer
	call     func(context.Context, []T) error
	// budget is shared by all batches of the delivery.
	budget *atomic.Int64
	// accepted are the items for Then.
	accepted []T
}

// run sends the batch until each item is counted. Its error ends the delivery at once.
func (s *batchSender[T]) run(ctx context.Context, items []T) error {
	err := s.send(ctx, items)
	if len(s.accepted) > 0 {
		thenErr := panics.Catch(func() error { return s.Then(ctx, s.accepted) })
		s.countEach(len(s.accepted), thenErr)
		if Stopped(thenErr) {
			err = thenErr
		}
	}
	if _, ok := errors.AsType[deadlineError](err); ok {
		s.result.abort(err) // calls in flight or with a turn before the timeout may still succeed
		return nil
	}
	return stopped(err)
}

// send makes the calls for some items of the batch. Its error is one that ends the delivery.
func (s *batchSender[T]) send(ctx context.Context, items []T) error {
	p := part[T]{left: items}
	call := func(ctx context.Context) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return panics.Catch(func() error { return s.call(ctx, p.left) })
	}
	err := s.retry(ctx, call, func(err error) error { return s.applyPartial(&p, err) })
	if err != nil && s.StopOnError {
		err = Stop(err)
	}
	switch {
	case p.errs != nil:
		for _, itemErr := range p.errs {
			s.count(1, itemErr)
		}
	case len(p.left) == 0:
	case s.mayBisect(p.left, err):
		return s.bisect(ctx, p.left)
	case err == nil:
		s.accept(p.left)
	default:
		s.count(len(p.left), err)
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
	left []T
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
		left, accepted []T
		errs           []error
	)
	policy := s.itemPolicy()
	for i, item := range p.left {
		switch itemErr, ok := failed[i]; {
		case !ok:
			accepted = append(accepted, item)
		case policy.retryable(itemErr):
			left, errs = append(left, item), append(errs, itemErr)
		default:
			s.count(1, itemErr)
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
func (s *batchSender[T]) mayBisect(items []T, err error) bool {
	kind := action.KindOf(err)
	return err != nil && (kind == action.Invalid || kind == action.TooLarge) && len(items) > 1 && !Stopped(err) &&
		s.BisectBudget > 0 && s.budget.Add(-2) >= 0
}

// bisect sends the halves of a rejected batch. Each half has retries of its own: that one of
// them meets a rate limit says nothing about the other.
func (s *batchSender[T]) bisect(ctx context.Context, items []T) error {
	middle := len(items) / 2
	if err := s.send(ctx, items[:middle]); err != nil {
		s.count(len(items)-middle, err)
		return err
	}
	return s.send(ctx, items[middle:])
}

// accept counts items as delivered, or leaves that to Then.
func (s *batchSender[T]) accept(items []T) {
	switch {
	case len(items) == 0:
	case s.Then != nil:
		s.accepted = append(s.accepted, items...)
	default:
		s.count(len(items), nil)
	}
}

// countEach counts n items by the error of the call that settled them.
func (s *batchSender[T]) countEach(n int, err error) {
	failed, ok := errors.AsType[PartialError](err)
	if !ok {
		s.count(n, err)
		return
	}
	delivered := 0
	for i := range n {
		if itemErr, ok := failed[i]; ok {
			s.count(1, itemErr)
		} else {
			delivered++
		}
	}
	if delivered > 0 {
		s.count(delivered, nil)
	}
}

func (s *batchSender[T]) count(n int, err error) {
	s.result.count(n, err)
	s.observer.Items(n, err)
}
