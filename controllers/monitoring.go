package controllers

import (
	"context"

	"integrationhub.dev/controllers/resources"
)

// monitoring applies the objects by which Prometheus discovers the pods.
func (r *Reconciler) monitoring(ctx context.Context, s *scope) error {
	return r.ensure(ctx, s.hub, resources.Monitoring(s.inputs)...)
}
