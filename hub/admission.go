package hub

import (
	"context"
	"sync/atomic"

	"integrationhub.dev/hub/action"
)

// admission limits how many deliveries or forms the hub accepts: some run, some more wait for a
// free slot, and the rest are refused before their data is read.
type admission struct {
	slots       chan struct{}
	admitted    atomic.Int64
	maxAdmitted int64
}

func newAdmission(maxRunning, maxQueued int) *admission {
	return &admission{slots: make(chan struct{}, maxRunning), maxAdmitted: int64(maxRunning + maxQueued)}
}

// admit accepts a request unless there are too many. The caller calls leave when it has ended.
func (a *admission) admit() bool {
	if a.admitted.Add(1) > a.maxAdmitted {
		a.admitted.Add(-1)
		return false
	}
	return true
}

func (a *admission) leave() { a.admitted.Add(-1) }

// acquire waits for a free slot. The caller releases it.
func (a *admission) acquire(ctx context.Context) error {
	select {
	case a.slots <- struct{}{}:
		return nil
	default:
	}
	select {
	case a.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return action.Wrap(context.Cause(ctx), action.Unavailable,
			"The hub was too busy to start the delivery before its timeout. Try again later.")
	}
}

func (a *admission) release() { <-a.slots }

// queued returns how many admitted deliveries are not running yet.
func (a *admission) queued() int64 { return max(0, a.admitted.Load()-int64(len(a.slots))) }
