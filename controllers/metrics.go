package controllers

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
)

// stateMetrics have one series per hub each. Prometheus sets the label namespace to the manager's own.
var stateMetrics = map[string]*prometheus.Desc{
	v1alpha1.Ready: prometheus.NewDesc("integrationhub_ready",
		"Whether the hub's condition Ready is true (1) or not (0).", []string{"hub_namespace", "hub"}, nil),
	v1alpha1.Serving: prometheus.NewDesc("integrationhub_serving",
		"Whether the hub's condition Serving is true (1) or not (0): at least one pod is ready.", []string{"hub_namespace", "hub"}, nil),
}

// Metrics exports the state of hubs at the time of a scrape.
type Metrics struct {
	// Hubs is the manager's cache. Until it is synced, the manager's metrics contain none of hubs.
	Hubs client.Reader
	// Class is the spec.controllerClass of the hubs that the manager manages.
	Class string
}

var _ prometheus.Collector = Metrics{}

// Describe implements [prometheus.Collector].
func (m Metrics) Describe(descriptions chan<- *prometheus.Desc) {
	for _, d := range stateMetrics {
		descriptions <- d
	}
}

// cacheTimeout bounds the wait for a cache that is not synced.
const cacheTimeout = 5 * time.Second

// Collect implements [prometheus.Collector].
func (m Metrics) Collect(metrics chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), cacheTimeout)
	defer cancel()
	hubs := &v1alpha1.IntegrationHubList{}
	if m.Hubs.List(ctx, hubs) != nil {
		return
	}
	for i := range hubs.Items {
		h := &hubs.Items[i]
		if h.Spec.ControllerClass != m.Class {
			continue
		}
		for condition, d := range stateMetrics {
			value := 0.
			if meta.IsStatusConditionTrue(h.Status.Conditions, condition) {
				value = 1
			}
			metrics <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, h.Namespace, h.Name)
		}
	}
}
