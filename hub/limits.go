package hub

import (
	"context"
	"iter"
	"sync/atomic"

	"integrationhub.dev/hub/action"
)

// admission bounds the deliveries that this hub takes in: so many run at once, so many more
// wait for their turn, and the rest are refused before their data is read.
type admission struct {
	turns    chan struct{}
	admitted atomic.Int64
	most     int64
}

func newAdmission(running, waiting int) *admission {
	return &admission{turns: make(chan struct{}, running), most: int64(running + waiting)}
}

// enter admits a delivery unless there are too many. The caller calls leave at its end.
func (a *admission) enter() bool {
	if a.admitted.Add(1) > a.most {
		a.admitted.Add(-1)
		return false
	}
	return true
}

func (a *admission) leave() { a.admitted.Add(-1) }

// begin waits for the delivery's turn. The caller calls end after it.
func (a *admission) begin(ctx context.Context) error {
	select {
	case a.turns <- struct{}{}:
		return nil
	default:
	}
	select {
	case a.turns <- struct{}{}:
		return nil
	case <-ctx.Done():
		return action.Wrap(context.Cause(ctx), action.Unavailable, "The hub was too busy to begin the delivery in time. Try again later.")
	}
}

func (a *admission) end() { <-a.turns }

// queued is how many deliveries were admitted and do not run yet.
func (a *admission) queued() int64 { return max(0, a.admitted.Load()-int64(len(a.turns))) }

// rowLimit is data whose table ends in an error after so many rows.
type rowLimit struct {
	action.Data
	most int64
}

// Table implements [action.Data].
func (d rowLimit) Table(ctx context.Context) (*action.Table, error) {
	t, err := d.Data.Table(ctx)
	if err != nil {
		return nil, err
	}
	return t.WithRows(d.limit(t.Rows())), nil
}

func (d rowLimit) limit(rows iter.Seq2[action.Row, error]) iter.Seq2[action.Row, error] {
	return func(yield func(action.Row, error) bool) {
		n := int64(0)
		for row, err := range rows {
			if n++; n > d.most && err == nil {
				yield(action.Row{}, action.Errorf(action.TooLarge, "The result has more rows than this hub delivers (%d).", d.most))
				return
			}
			if !yield(row, err) {
				return
			}
		}
	}
}
