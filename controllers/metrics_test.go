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

// readiness is what the metrics tell of the fixture's hub.
func (f *fixture) readiness(c client.Reader) (value float64, told bool) {
	f.t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(controllers.Metrics{Hubs: c})
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
			if family.GetName() == "integrationhub_ready" && labels["hub_namespace"] == f.namespace && labels["hub"] == "hub" {
				return m.Gauge.GetValue(), true
			}
		}
	}
	return 0, false
}

// Metrics say of each hub whether it is ready, from its first moment to its last.
func TestReadinessMetric(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	says := func(value float64, told bool) {
		t.Helper()
		if v, ok := f.readiness(api); v != value || ok != told {
			t.Errorf("told: %v, %v, want %v, %v", ok, v, told, value)
		}
	}
	says(0, false)
	f.create(f.hub())
	says(0, true)
	f.ready()
	says(1, true)
	f.edit(func(s *v1alpha1.IntegrationHubSpec) { s.TLS.IssuerRef.Name = "nobody" })
	f.reconcile()
	f.want(v1alpha1.Ready, metav1.ConditionFalse, v1alpha1.IssuerNotFound)
	says(0, true)
	if err := api.Delete(t.Context(), get(f, "hub", &v1alpha1.IntegrationHub{})); err != nil {
		t.Fatal(err)
	}
	says(0, false)
	starting := interceptor.NewClient(api, interceptor.Funcs{
		List: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error {
			return errors.New("the cache is not started")
		},
	})
	if _, told := f.readiness(starting); told {
		t.Error("a cache that is not filled tells of hubs")
	}
}
