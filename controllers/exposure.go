package controllers

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
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
		if err := r.Live.Get(ctx, client.ObjectKeyFromObject(hub), s); err != nil {
			return outcome{}, fmt.Errorf("reading the service: %w", err)
		}
		if len(s.Status.LoadBalancer.Ingress) == 0 {
			return notDone(v1alpha1.AddressPending, "The load balancer of Service %s has no address yet (kubectl describe service %s).", hub.Name, hub.Name), nil
		}
	}
	if e := hub.Spec.Exposure; e != nil && e.Gateway != nil {
		return r.route(ctx, rd)
	}
	return done("The hub is reached at " + rd.status.URL + "."), nil
}

// route tells whether the Gateways took the hub's HTTPRoute.
func (r *Reconciler) route(ctx context.Context, rd *round) (outcome, error) {
	route := &unstructured.Unstructured{}
	route.SetGroupVersionKind(resources.HTTPRouteKind)
	if err := r.Live.Get(ctx, client.ObjectKeyFromObject(rd.hub), route); err != nil {
		return outcome{}, fmt.Errorf("reading the route: %w", err)
	}
	parents, _, err := unstructured.NestedSlice(route.Object, "status", "parents")
	if err != nil {
		return outcome{}, fmt.Errorf("reading the route's status: %w", err)
	}
	if len(parents) == 0 {
		return notDone(v1alpha1.AddressPending, "No Gateway has answered for HTTPRoute %s yet: is there one of the name in spec.exposure.gateway.parentRefs?", rd.hub.Name), nil
	}
	for _, p := range parents {
		for _, want := range []string{"Accepted", "ResolvedRefs"} {
			c, err := parentCondition(p, want)
			if err != nil {
				return outcome{}, err
			}
			if c != nil && c.Status == metav1.ConditionFalse && c.ObservedGeneration >= route.GetGeneration() {
				return notDone(v1alpha1.RouteNotAccepted, "A Gateway says of HTTPRoute %s: %s: %s", rd.hub.Name, c.Reason, short(c.Message)), nil
			}
		}
	}
	return done("The hub is reached at " + rd.status.URL + "."), nil
}

// parentCondition finds a condition in a parent's part of a route's status; nil where there
// is none.
func parentCondition(parent any, kind string) (*metav1.Condition, error) {
	status, ok := parent.(map[string]any)
	if !ok {
		return nil, errors.New("reading the route's status: a parent is no object")
	}
	list, _, err := unstructured.NestedSlice(status, "conditions")
	if err != nil {
		return nil, fmt.Errorf("reading the route's status: %w", err)
	}
	var conditions []metav1.Condition
	for _, c := range list {
		object, ok := c.(map[string]any)
		if !ok {
			continue
		}
		text := func(name string) string { s, _, _ := unstructured.NestedString(object, name); return s }
		generation, _, _ := unstructured.NestedInt64(object, "observedGeneration")
		conditions = append(conditions, metav1.Condition{
			Type: text("type"), Status: metav1.ConditionStatus(text("status")), Reason: text("reason"), Message: text("message"), ObservedGeneration: generation,
		})
	}
	return meta.FindStatusCondition(conditions, kind), nil
}
