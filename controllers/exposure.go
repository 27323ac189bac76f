package controllers

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/resources"
)

// exposure leads Looker to the pods. It changes no more than the pods did, so that what runs
// is still reached; but a hub whose pods have yet to start gets its address meanwhile.
func (r *Reconciler) exposure(ctx context.Context, rd *round) (outcome, error) {
	hub := rd.hub
	rd.status.URL = resources.BaseURL(hub)
	if rd.running && !rd.applied {
		return unchanged(rd, v1alpha1.Exposed), nil
	}
	if err := r.ensure(ctx, hub, resources.Exposure(rd.inputs)...); err != nil {
		return outcome{}, err
	}
	if resources.IsLoadBalancer(hub) {
		s := &corev1.Service{}
		if err := r.APIReader.Get(ctx, client.ObjectKeyFromObject(hub), s); err != nil {
			return outcome{}, fmt.Errorf("reading the service: %w", err)
		}
		if len(s.Status.LoadBalancer.Ingress) == 0 {
			return notDone(v1alpha1.AddressPending, "The load balancer of Service %s has no address yet: does the cluster have something that makes load balancers? (kubectl -n %s describe service %s)", hub.Name, hub.Namespace, hub.Name), nil
		}
	}
	if e := hub.Spec.Exposure; e != nil && e.Gateway != nil {
		return r.gateways(ctx, rd)
	}
	return reached(rd), nil
}

// reached is what is said of a hub that nothing is in the way of.
func reached(rd *round) outcome { return done("The hub is reached at " + rd.status.URL + ".") }
