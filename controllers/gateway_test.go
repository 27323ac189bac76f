package controllers_test

import (
	"cmp"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/resources"
)

func gatewayExposure() *v1alpha1.Exposure {
	return &v1alpha1.Exposure{Gateway: &v1alpha1.GatewayExposure{
		ParentRefs: []v1alpha1.ParentRef{{Name: "public", Namespace: "gateways", SectionName: "https", Port: new(int32(443))}, {Name: "internal"}},
		Hostnames:  []string{"hub.example.com"}, Annotations: map[string]string{"team": "data"}, CABundleRef: &v1alpha1.ConfigMapRef{Name: "ca"},
	}}
}

// What the spec can ask of the Gateway API and of the Prometheus operator is what their
// schemas have, to the field; and what is at rest is not written.
func TestSchemasOfOthers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.hub()
	h.Spec.BaseURL = "https://hub.example.com/actions"
	h.Spec.Exposure = gatewayExposure()
	h.Spec.Monitoring = &v1alpha1.Monitoring{
		ServiceMonitor: &v1alpha1.ServiceMonitor{Labels: map[string]v1alpha1.LabelValue{"release": "prometheus"}, Interval: "1m30s"},
		PrometheusRule: &v1alpha1.PrometheusRule{Labels: map[string]v1alpha1.LabelValue{"release": "prometheus"}},
	}
	f.create(h)
	strict := client.WithFieldValidation(api, metav1.FieldValidationStrict)
	for range 3 {
		if _, err := f.reconcileWith(strict); err != nil {
			t.Fatal(err)
		}
		f.issue()
	}
	kinds := []schema.GroupVersionKind{resources.HTTPRouteKind, resources.BackendTLSPolicyKind, resources.ServiceMonitorKind, resources.PrometheusRuleKind}
	for _, kind := range kinds {
		before := unstructuredObject(f, kind)
		f.reconcile()
		if v := unstructuredObject(f, kind).GetResourceVersion(); v != before.GetResourceVersion() {
			t.Errorf("%s is written though nothing changed", kind.Kind)
		}
	}
	f.edit(func(s *v1alpha1.IntegrationHubSpec) { s.Exposure, s.Monitoring = nil, nil })
	f.reconcile()
	f.issue()
	f.reconcile()
	for _, kind := range kinds {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(kind)
		if err := api.List(t.Context(), list, client.InNamespace(f.namespace)); err != nil || len(list.Items) > 0 {
			t.Errorf("%d of %s stayed: %v", len(list.Items), kind.Kind, err)
		}
	}
}

// unstructuredObject reads a child of a kind that has no type here.
func unstructuredObject(f *fixture, kind schema.GroupVersionKind) *unstructured.Unstructured {
	f.t.Helper()
	u := &unstructured.Unstructured{}
	u.SetGroupVersionKind(kind)
	return get(f, "hub", u)
}

// report is the condition that one Gateway reports for a generation of an object.
type report struct {
	gateway                   map[string]any
	condition, status, reason string
	behind                    int64 // how many generations the Gateway is behind
}

// answer simulates Gateways' controllers: it writes their reports into a list of the status.
func answer(f *fixture, kind schema.GroupVersionKind, list, ref string, all []report) {
	f.t.Helper()
	object := unstructuredObject(f, kind)
	answers := []any{}
	for _, s := range all {
		answers = append(answers, map[string]any{ref: s.gateway, "controllerName": "example.com/gateway", "conditions": []any{map[string]any{
			"type": s.condition, "status": s.status, "reason": cmp.Or(s.reason, "Some"), "message": "why",
			"lastTransitionTime": "2026-01-02T03:04:05Z", "observedGeneration": object.GetGeneration() - s.behind,
		}}})
	}
	object.Object["status"] = map[string]any{list: answers}
	if err := api.Status().Update(f.t.Context(), object); err != nil {
		f.t.Fatal(err)
	}
}

// Exposed reports what Gateways report for the route and for the policy.
func TestGateways(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.hub()
	h.Spec.Exposure = gatewayExposure()
	f.create(h)
	f.reconcile()
	f.issue()
	f.reconcile()
	f.runPods()
	public := map[string]any{"name": "public", "namespace": "gateways", "sectionName": "https", "port": int64(443)}
	internal := map[string]any{"name": "internal"}
	inside := f.namespace + "/internal"
	accepted := []report{{gateway: public, condition: "Accepted", status: "True"}, {gateway: internal, condition: "Accepted", status: "True"}}
	for _, tt := range []struct {
		name            string
		route, policy   []report
		reason, message string
	}{
		{name: "no Gateway reports", reason: v1alpha1.AddressPending, message: "Gateway gateways/public of spec.exposure.gateway.parentRefs reports no status"},
		{name: "one of two reports", route: accepted[:1], reason: v1alpha1.AddressPending, message: "Gateway " + inside},
		{
			name:   "one has not accepted it yet",
			route:  []report{accepted[0], {gateway: internal, condition: "Accepted", status: "Unknown"}},
			reason: v1alpha1.AddressPending, message: "Gateway " + inside + " has not accepted the current HTTPRoute hub yet",
		},
		{
			name:   "one reports an earlier generation",
			route:  []report{{gateway: public, condition: "Accepted", status: "False", reason: "NoMatchingParent", behind: 1}, accepted[1]},
			reason: v1alpha1.AddressPending, message: "Gateway gateways/public has not accepted the current HTTPRoute hub yet",
		},
		{
			name:   "one rejects it",
			route:  []report{accepted[0], {gateway: internal, condition: "Accepted", status: "False", reason: "NotAllowedByListeners"}},
			reason: v1alpha1.RouteNotAccepted, message: "Gateway " + inside + " rejected HTTPRoute hub: NotAllowedByListeners: why",
		},
		{
			name:   "one cannot find the Service",
			route:  []report{{gateway: public, condition: "ResolvedRefs", status: "False", reason: "BackendNotFound"}, accepted[1]},
			reason: v1alpha1.RouteNotAccepted, message: "BackendNotFound",
		},
		{name: "both accept it", route: accepted, reason: v1alpha1.Succeeded, message: "The hub is reachable at https://hub.example.com."},
		{
			name:   "one cannot verify the pods",
			route:  accepted,
			policy: []report{{gateway: internal, condition: "ResolvedRefs", status: "False", reason: "InvalidCACertificateRef"}},
			reason: v1alpha1.RouteNotAccepted, message: "A Gateway rejected BackendTLSPolicy hub, so it cannot use TLS to the pods: InvalidCACertificateRef: why",
		},
		{
			name:   "it could not verify an earlier generation",
			route:  accepted,
			policy: []report{{gateway: internal, condition: "ResolvedRefs", status: "False", behind: 1}},
			reason: v1alpha1.Succeeded, message: "The hub is reachable",
		},
	} {
		answer(f, resources.HTTPRouteKind, "parents", "parentRef", tt.route)
		answer(f, resources.BackendTLSPolicyKind, "ancestors", "ancestorRef", tt.policy)
		f.reconcile()
		c := meta.FindStatusCondition(get(f, "hub", &v1alpha1.IntegrationHub{}).Status.Conditions, v1alpha1.Exposed)
		if c.Reason != tt.reason || !strings.Contains(c.Message, tt.message) {
			t.Errorf("%s: %s %q, want %s %q", tt.name, c.Reason, c.Message, tt.reason, tt.message)
		}
	}
}
