package controllers

import (
	"context"
	"time"
)

// SetClock replaces the clock of the intervals between polls.
func (r *Reconciler) SetClock(now func() time.Time) { r.polls.now = now }

// PendingRollouts returns the names of the hubs that are reconciled when a rollout ends.
func (r *Reconciler) PendingRollouts(limit int) []string {
	var names []string
	for _, request := range r.pendingRollouts(limit)(context.Background(), nil) {
		names = append(names, request.Name)
	}
	return names
}
