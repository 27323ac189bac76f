package controllers

import (
	"cmp"
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/resources"
)

// attached is the part of an HTTPRoute or a BackendTLSPolicy that the operator reads: the Gateways
// it is attached to, and the status that their controllers wrote
// (https://gateway-api.sigs.k8s.io/reference/spec/#routeparentstatus).
type attached struct {
	Metadata struct {
		Generation int64 `json:"generation"`
	} `json:"metadata"`
	Spec struct {
		ParentRefs []parentRef `json:"parentRefs"`
	} `json:"spec"`
	Status struct {
		Parents   []parentStatus `json:"parents"`   // of a route
		Ancestors []parentStatus `json:"ancestors"` // of a policy
	} `json:"status"`
}

// parentStatus is the status that one Gateway's controller wrote.
type parentStatus struct {
	ParentRef  parentRef          `json:"parentRef"`
	Conditions []metav1.Condition `json:"conditions"`
}

// parentRef names a Gateway or a listener of one.
type parentRef struct {
	Namespace   string `json:"namespace"`
	Name        string `json:"name"`
	SectionName string `json:"sectionName"`
	Port        int64  `json:"port"`
}

// in returns the reference with its namespace, which defaults to the route's own.
func (p parentRef) in(namespace string) parentRef {
	p.Namespace = cmp.Or(p.Namespace, namespace)
	return p
}

// checkGateways returns an error while a Gateway does not serve the hub's HTTPRoute, or refuses the
// policy for TLS to the pods.
func (r *Reconciler) checkGateways(ctx context.Context, hub *v1alpha1.IntegrationHub) error {
	route, err := r.attached(ctx, hub, resources.HTTPRouteKind)
	if err != nil {
		return err
	}
	for _, gateway := range route.Spec.ParentRefs {
		if err := route.checkParent(hub, gateway.in(hub.Namespace)); err != nil {
			return err
		}
	}
	if !resources.ServesTLS(hub) {
		return nil
	}
	policy, err := r.attached(ctx, hub, resources.BackendTLSPolicyKind)
	if err != nil {
		return err
	}
	for _, a := range policy.Status.Ancestors { // a Gateway without support for such policies reports nothing
		if c := a.refusal(policy.Metadata.Generation); c != nil {
			return stalled(v1alpha1.RouteNotAccepted, "A Gateway rejected BackendTLSPolicy %s, so it cannot use TLS to the pods: %s: %s",
				hub.Name, c.Reason, sanitize(c.Message))
		}
	}
	return nil
}

// checkParent returns an error while a Gateway does not serve the route.
func (a attached) checkParent(hub *v1alpha1.IntegrationHub, gateway parentRef) error {
	reported := false
	for _, status := range a.Status.Parents {
		if status.ParentRef.in(hub.Namespace) != gateway {
			continue
		}
		reported = true
		if c := status.refusal(a.Metadata.Generation); c != nil {
			return stalled(v1alpha1.RouteNotAccepted, "Gateway %s/%s rejected HTTPRoute %s: %s: %s",
				gateway.Namespace, gateway.Name, hub.Name, c.Reason, sanitize(c.Message))
		}
		if !status.accepts(a.Metadata.Generation) {
			return waiting(v1alpha1.AddressPending, "Gateway %s/%s has not accepted the current HTTPRoute %s yet.",
				gateway.Namespace, gateway.Name, hub.Name)
		}
	}
	if !reported {
		return waiting(v1alpha1.AddressPending,
			"Gateway %s/%s of spec.exposure.gateway.parentRefs reports no status. Check that it exists and that its controller is running. "+
				"(kubectl -n %s describe gateway %s)",
			gateway.Namespace, gateway.Name, gateway.Namespace, gateway.Name)
	}
	return nil
}

// accepts reports whether the Gateway accepted a generation of the route.
func (p parentStatus) accepts(generation int64) bool {
	c := meta.FindStatusCondition(p.Conditions, "Accepted")
	return c != nil && c.Status == metav1.ConditionTrue && c.ObservedGeneration >= generation
}

// refusal returns the condition that says why a generation is not served; nil if there is none.
func (p parentStatus) refusal(generation int64) *metav1.Condition {
	for _, kind := range []string{"Accepted", "ResolvedRefs"} {
		c := meta.FindStatusCondition(p.Conditions, kind)
		if c != nil && c.Status == metav1.ConditionFalse && c.ObservedGeneration >= generation {
			return c
		}
	}
	return nil
}

// attached reads an HTTPRoute or a BackendTLSPolicy.
func (r *Reconciler) attached(ctx context.Context, hub *v1alpha1.IntegrationHub, kind schema.GroupVersionKind) (attached, error) {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(kind)
	if err := r.APIReader.Get(ctx, client.ObjectKeyFromObject(hub), object); err != nil {
		return attached{}, fmt.Errorf("reading %s %s: %w", kind.Kind, hub.Name, err)
	}
	var a attached
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &a); err != nil {
		return attached{}, fmt.Errorf("reading %s %s: %w", kind.Kind, hub.Name, err)
	}
	return a, nil
}
