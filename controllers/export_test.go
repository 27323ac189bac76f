package controllers

import "time"

// SetClock replaces the clock of the intervals between polls.
func (r *Reconciler) SetClock(now func() time.Time) { r.polls.now = now }
