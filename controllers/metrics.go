package controllers

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
)

// ready is one series a hub. Prometheus itself uses the label namespace, for the manager's own.
var ready = prometheus.NewDesc("integrationhub_ready",
	"Whether Looker can use a hub: 1 where its condition Ready is true, and 0 otherwise.", []string{"hub_namespace", "hub"}, nil)

// Metrics tells how hubs fare at the moment when it is asked.
type Metrics struct {
	// Hubs is the manager's cache. While it has yet to fill there is nothing of hubs among the
	// manager's metrics; the others are told all the same.
	Hubs client.Reader
}

var _ prometheus.Collector = Metrics{}

// Describe implements [prometheus.Collector].
func (m Metrics) Describe(descriptions chan<- *prometheus.Desc) { descriptions <- ready }

// cacheTimeout bounds the wait for a cache that has yet to fill.
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
		value := 0.
		if meta.IsStatusConditionTrue(h.Status.Conditions, v1alpha1.Ready) {
			value = 1
		}
		metrics <- prometheus.MustNewConstMetric(ready, prometheus.GaugeValue, value, h.Namespace, h.Name)
	}
}
