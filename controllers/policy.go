package controllers

import (
	"context"
	"strings"

	"integrationhub.dev/api/v1alpha1"
)

// checkPolicy checks the spec against the manager's policy before anything is created from it.
func (r *Reconciler) checkPolicy(_ context.Context, s *scope) error {
	refusals := r.Policy.For(s.hub.Namespace).Check(s.hub, r.HubImage)
	if len(refusals) > 0 {
		return stalled(v1alpha1.NotAllowed, "%s Running pods are left unchanged.", strings.Join(refusals, " "))
	}
	return nil
}

// ifAccepted makes a step do nothing while the policy refuses the spec.
func ifAccepted(run stepFunc) stepFunc {
	return func(ctx context.Context, s *scope) error {
		if !s.accepted() {
			return errNotRun
		}
		return run(ctx, s)
	}
}
