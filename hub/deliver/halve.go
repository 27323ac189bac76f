package deliver

import (
	"context"
	"errors"
	"sync/atomic"

	"integrationhub.dev/hub/action"
)

// Halver finds the items for which a destination refuses batches as a whole without naming
// them: it sends such a batch again in halves, and the halves of those, until what is refused
// is alone and everything else is taken. A call that was refused did nothing, so nothing is
// doubled.
type Halver struct {
	left atomic.Int64
}

// NewHalver makes a halver for one delivery, which makes at most so many calls beyond those
// of the batches themselves: where every item is refused, their number would be twice that of
// the items. Past it, a batch that is refused fails as a whole.
func NewHalver(calls int64) *Halver {
	h := &Halver{}
	h.left.Store(calls)
	return h
}

// Halve sends a batch, as the send of [Batches] does, whose errors it returns: [RefusedError]
// where some of the batch was taken. Calls that are to be tried again are so by send, each by
// itself: a part of a batch that meets a limit says nothing about the other parts.
func Halve[T any](ctx context.Context, h *Halver, batch []T, send func(context.Context, []T) error) error {
	err := send(ctx, batch)
	if kind := action.KindOf(err); kind != action.Invalid && kind != action.TooLarge || len(batch) == 1 || stopped(err) != nil {
		return err
	}
	if h.left.Add(-2) < 0 {
		return err
	}
	middle := len(batch) / 2
	refused := RefusedError{}
	refused.add(Halve(ctx, h, batch[:middle], send), 0, middle)
	refused.add(Halve(ctx, h, batch[middle:], send), middle, len(batch))
	return refused
}

// add notes how the call with the items in these places ended.
func (r RefusedError) add(err error, from, to int) {
	if err == nil {
		return
	}
	part, named := errors.AsType[RefusedError](err)
	for i := from; i < to; i++ {
		switch why, refused := part[i-from]; {
		case !named:
			r[i] = err
		case refused:
			r[i] = why
		}
	}
}
