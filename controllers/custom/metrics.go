package custom

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
)

var readyMetric = prometheus.NewDesc("integrationhub_http_integration_ready",
	"Whether the HTTPIntegration's condition Ready is true (1) or not (0).", []string{"integration_namespace", "integration"}, nil)

// Metrics exports the state of HTTPIntegrations at the time of a scrape.
type Metrics struct {
	// Integrations is the manager's cache.
	Integrations client.Reader
	// Class is the spec.controllerClass of the integrations that the manager manages.
	Class string
}

var _ prometheus.Collector = Metrics{}

// Describe implements [prometheus.Collector].
func (m Metrics) Describe(descriptions chan<- *prometheus.Desc) { descriptions <- readyMetric }

// cacheTimeout bounds the wait for a cache that is not synced.
const cacheTimeout = 5 * time.Second

// Collect implements [prometheus.Collector].
func (m Metrics) Collect(metrics chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), cacheTimeout)
	defer cancel()
	all := &v1alpha1.HTTPIntegrationList{}
	if m.Integrations.List(ctx, all, client.UnsafeDisableDeepCopy) != nil {
		return
	}
	for i := range all.Items {
		integration := &all.Items[i]
		if integration.Spec.ControllerClass != m.Class {
			continue
		}
		value := 0.
		if meta.IsStatusConditionTrue(integration.Status.Conditions, v1alpha1.Ready) {
			value = 1
		}
		metrics <- prometheus.MustNewConstMetric(readyMetric, prometheus.GaugeValue, value, integration.Namespace, integration.Name)
	}
}
