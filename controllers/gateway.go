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

// attached is what is read of an HTTPRoute or a BackendTLSPolicy: what it is attached to, and
// what the Gateways' controllers say of it
// (https://gateway-api.sigs.k8s.io/reference/spec/#routeparentstatus).
type attached struct {
	Metadata struct {
		Generation int64 `json:"generation"`
	} `json:"metadata"`
	Spec struct {
		ParentRefs []parentRef `json:"parentRefs"`
	} `json:"spec"`
	Status struct {
		Parents   []answer `json:"parents"`   // of a route
		Ancestors []answer `json:"ancestors"` // of a policy
	} `json:"status"`
}

// answer is one Gateway's.
type answer struct {
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

// in is the reference with its namespace written out, which is the route's own by default.
func (p parentRef) in(namespace string) parentRef {
	p.Namespace = cmp.Or(p.Namespace, namespace)
	return p
}

// gateways tell whether they took the hub's HTTPRoute, and the policy for TLS to the pods.
func (r *Reconciler) gateways(ctx context.Context, rd *round) (outcome, error) {
	route, err := r.attached(ctx, rd.hub, resources.HTTPRouteKind)
	if err != nil {
		return outcome{}, err
	}
	for _, want := range route.Spec.ParentRefs {
		want = want.in(rd.hub.Namespace)
		answered := false
		for _, a := range route.Status.Parents {
			if a.ParentRef.in(rd.hub.Namespace) != want {
				continue
			}
			answered = true
			if o := a.ofRoute(rd.hub.Name, want, route.Metadata.Generation); o.reason != "" {
				return o, nil
			}
		}
		if !answered {
			return notDone(v1alpha1.AddressPending,
				"Nobody has answered for the Gateway %s/%s of spec.exposure.gateway.parentRefs yet. Does it exist, and does its controller run? (kubectl -n %s describe gateway %s)",
				want.Namespace, want.Name, want.Namespace, want.Name), nil
		}
	}
	if !resources.ServesTLS(rd.hub) {
		return reached(rd), nil
	}
	policy, err := r.attached(ctx, rd.hub, resources.BackendTLSPolicyKind)
	if err != nil {
		return outcome{}, err
	}
	for _, a := range policy.Status.Ancestors { // a Gateway that has no such policies says nothing
		if c := a.refusal(policy.Metadata.Generation); c != nil {
			return notDone(v1alpha1.RouteNotAccepted, "A Gateway does not take BackendTLSPolicy %s, so it cannot speak TLS to the pods: %s: %s", rd.hub.Name, c.Reason, short(c.Message)), nil
		}
	}
	return reached(rd), nil
}

// ofRoute is what keeps a Gateway from serving the route of a generation; nothing where it does.
func (a answer) ofRoute(route string, gateway parentRef, generation int64) outcome {
	if c := a.refusal(generation); c != nil {
		return notDone(v1alpha1.RouteNotAccepted, "The Gateway %s/%s does not take HTTPRoute %s: %s: %s", gateway.Namespace, gateway.Name, route, c.Reason, short(c.Message))
	}
	accepted := meta.FindStatusCondition(a.Conditions, "Accepted")
	if accepted == nil || accepted.Status != metav1.ConditionTrue || accepted.ObservedGeneration < generation {
		return notDone(v1alpha1.AddressPending, "The Gateway %s/%s has not taken HTTPRoute %s yet, or not as it is now.", gateway.Namespace, gateway.Name, route)
	}
	return outcome{}
}

// refusal is the condition that says why a generation is not served; nil where none does.
func (a answer) refusal(generation int64) *metav1.Condition {
	for _, kind := range []string{"Accepted", "ResolvedRefs"} {
		c := meta.FindStatusCondition(a.Conditions, kind)
		if c != nil && c.Status == metav1.ConditionFalse && c.ObservedGeneration >= generation {
			return c
		}
	}
	return nil
}

// attached reads a child that is attached to Gateways.
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
