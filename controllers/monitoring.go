package controllers

import (
	"context"

	"integrationhub.dev/controllers/resources"
)

// monitoring shows the pods to Prometheus. Looker does not need it.
func (r *Reconciler) monitoring(ctx context.Context, rd *round) (outcome, error) {
	if err := r.ensure(ctx, rd.hub, resources.Monitoring(rd.inputs)...); err != nil {
		return outcome{}, err
	}
	if rd.hub.Spec.Monitoring == nil {
		return outcome{}, nil
	}
	return done("Prometheus can find the hub."), nil
}
