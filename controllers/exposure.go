package controllers

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/resources"
)

// exposure applies the objects that route Looker's requests to the pods. While pods run an earlier
// configuration it does not run, because the route may not fit them.
func (r *Reconciler) exposure(ctx context.Context, s *scope) error {
	if s.outdated() {
		return errNotRun
	}
	if err := r.ensure(ctx, s.hub, resources.Exposure(s.inputs)...); err != nil {
		return err
	}
	if resources.IsLoadBalancer(s.hub) {
		if err := r.checkLoadBalancer(ctx, s.hub); err != nil {
			return err
		}
	}
	if e := s.hub.Spec.Exposure; e != nil && e.Gateway != nil {
		return r.checkGateways(ctx, s.hub)
	}
	return nil
}

func (r *Reconciler) checkLoadBalancer(ctx context.Context, hub *v1alpha1.IntegrationHub) error {
	service := &corev1.Service{}
	if err := r.APIReader.Get(ctx, client.ObjectKeyFromObject(hub), service); err != nil {
		return fmt.Errorf("reading the Service: %w", err)
	}
	if len(service.Status.LoadBalancer.Ingress) > 0 {
		return nil
	}
	return waiting(v1alpha1.AddressPending,
		"The load balancer of Service %s has no address yet. Is a load balancer controller installed? (kubectl -n %s describe service %s)",
		hub.Name, hub.Namespace, hub.Name)
}
