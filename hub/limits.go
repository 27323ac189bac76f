package hub

import (
	"context"
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
