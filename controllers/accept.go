package controllers

import (
	"context"
	"strings"

	"integrationhub.dev/api/v1alpha1"
)

// accept checks the spec against the manager's policy before anything is made from it.
func (r *Reconciler) accept(_ context.Context, rd *round) (outcome, error) {
	refusals := r.Policy.For(rd.hub.Namespace).Check(rd.hub, r.HubImage)
	if len(refusals) == 0 {
		return done("The operator's policy allows the spec."), nil
	}
	rd.refused = true
	return notDone(v1alpha1.NotAllowed, "%s Running pods are left as they are.", strings.Join(refusals, " ")), nil
}

// keep repeats what a step's condition said before, for a step that does not run.
func (rd *round) keep(s step) {
	if !s.aside {
		rd.set(s.condition, unchanged(rd, s.condition))
	}
}
