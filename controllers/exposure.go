package controllers

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/resources"
)

// exposure applies the objects that route Looker's requests to the pods. While the pods run an earlier
// configuration, the routes are those that fit them.
func (r *Reconciler) exposure(ctx context.Context, s *scope) error {
	in := s.exposed()
	// A route to another owner's Service would hand Looker's requests to it.
	if err := r.ensureInOrder(ctx, s.hub, resources.ServiceChild(in)); err != nil {
		return err
	}
	if err := r.checkHost(ctx, in.Hub); err != nil {
		return err
	}
	if err := r.ensure(ctx, s.hub, resources.Routes(in)...); err != nil {
		return err
	}
	if resources.IsLoadBalancer(in.Hub) {
		if err := r.checkLoadBalancer(ctx, in.Hub); err != nil {
			return err
		}
	}
	e := in.Hub.Spec.Exposure
	switch {
	case e != nil && e.Gateway != nil:
		return r.checkGateways(ctx, in.Hub)
	case e != nil && e.Ingress != nil:
		return r.checkIngress(ctx, in.Hub)
	}
	return nil
}

// exposedOutcome returns the error of the step exposure, or what is not known yet: nothing answers
// before a pod is ready.
func (s *scope) exposedOutcome() error {
	err := s.results[v1alpha1.Exposed]
	if err == nil && !s.serving() {
		return &unknownError{reason: v1alpha1.Pending, message: "The Service and the routes exist, but no pod is ready."}
	}
	return err
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

// checkHost returns an error if an older hub is exposed in the same way at the same host and path: the
// proxy would send Looker's requests to either of the two.
func (r *Reconciler) checkHost(ctx context.Context, hub *v1alpha1.IntegrationHub) error {
	if !resources.HasRoutes(hub) {
		return nil
	}
	hubs := &v1alpha1.IntegrationHubList{}
	if err := r.List(ctx, hubs, client.UnsafeDisableDeepCopy); err != nil { // they are only read
		return fmt.Errorf("listing hubs: %w", err)
	}
	for i := range hubs.Items {
		other := &hubs.Items[i]
		if other.UID == hub.UID || !other.DeletionTimestamp.IsZero() || !isOlder(other, hub) ||
			!meta.IsStatusConditionTrue(other.Status.Conditions, v1alpha1.Accepted) { // a refused hub has no route
			continue
		}
		if host := resources.SharedHost(hub, other); host != "" {
			return &stalledError{
				reason: v1alpha1.HostTaken,
				message: fmt.Sprintf("IntegrationHub %s/%s, which is older, is already exposed at %s. Change the host or the path of one of them.",
					other.Namespace, other.Name, host),
				requeueAfter: pollInterval,
			}
		}
	}
	return nil
}

// isOlder reports which of two hubs keeps a host that both want.
func isOlder(a, b *v1alpha1.IntegrationHub) bool {
	if a.CreationTimestamp.Equal(&b.CreationTimestamp) {
		return a.Namespace+"/"+a.Name < b.Namespace+"/"+b.Name
	}
	return a.CreationTimestamp.Before(&b.CreationTimestamp)
}

// isUnknown reports whether an error only says that a part was not checked.
func isUnknown(err error) bool { _, ok := errors.AsType[*unknownError](err); return ok }
