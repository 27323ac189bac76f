package controllers

import (
	"context"
	"strings"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/resources"
)

// checkPolicy checks the spec against the manager's policy before anything is created from it.
func (r *Reconciler) checkPolicy(_ context.Context, s *scope) error {
	refusals := r.Policy.For(s.hub.Namespace).Check(s.hub, r.HubImage)
	if len(refusals) > 0 {
		return stalled(v1alpha1.NotAllowed, "%s Running pods are left unchanged.", strings.Join(refusals, " "))
	}
	// After the check: which keys are inherited is the choice of the operator's administrator.
	resources.InheritMetadata(s.hub, r.InheritedKeys)
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
