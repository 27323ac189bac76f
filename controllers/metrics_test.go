package controllers_test

import (
	"context"
	"errors"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers"
)

// gauge returns a metric of the fixture's hub.
func (f *fixture) gauge(c client.Reader, name string) (value float64, exported bool) {
	f.t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(controllers.NewMetrics(c, ""))
	families, err := registry.Gather()
	if err != nil {
		f.t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.Metric {
			labels := map[string]string{}
			for _, l := range m.Label {
				labels[l.GetName()] = l.GetValue()
			}
			if family.GetName() == name && labels["hub_namespace"] == f.namespace && labels["hub"] == "hub" {
				return m.Gauge.GetValue(), true
			}
		}
	}
	return 0, false
}

// The metric of a hub exists from its creation to its deletion.
func TestReadinessMetric(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	want := func(value float64, exported bool) {
		t.Helper()
		if v, ok := f.gauge(api, "integrationhub_ready"); v != value || ok != exported {
			t.Errorf("exported: %v, value %v, want %v, %v", ok, v, exported, value)
		}
	}
	want(0, false)
	f.create(f.hub())
	want(0, true)
	f.ready()
	want(1, true)
	f.edit(func(s *v1alpha1.IntegrationHubSpec) { s.TLS.IssuerRef.Name = "missing" })
	f.reconcile()
	f.want(v1alpha1.Ready, metav1.ConditionFalse, v1alpha1.IssuerNotFound)
	want(0, true)
	if v, ok := f.gauge(api, "integrationhub_serving"); v != 1 || !ok {
		t.Errorf("a hub whose pods serve has the metric integrationhub_serving %v", v)
	}
	if err := api.Delete(t.Context(), get(f, "hub", &v1alpha1.IntegrationHub{})); err != nil {
		t.Fatal(err)
	}
	want(0, false)
	starting := interceptor.NewClient(api, interceptor.Funcs{
		List: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error {
			return errors.New("the cache is not started")
		},
	})
	if _, exported := f.gauge(starting, "integrationhub_ready"); exported {
		t.Error("a metric is exported before the cache is synced")
	}
}
