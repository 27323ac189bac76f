package controllers

import (
	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/conditions"
)

// NewMetrics returns the metrics of the hubs in a cache whose spec.controllerClass is class.
func NewMetrics(hubs client.Reader, class string) prometheus.Collector {
	labels := []string{"hub_namespace", "hub"}
	return conditions.Metrics[*v1alpha1.IntegrationHub]{
		Conditions: map[string]*prometheus.Desc{
			v1alpha1.Ready: prometheus.NewDesc("integrationhub_ready",
				"Whether the hub's condition Ready is true (1) or not (0).", labels, nil),
			v1alpha1.Serving: prometheus.NewDesc("integrationhub_serving",
				"Whether the hub's condition Serving is true (1) or not (0): at least one pod is ready.", labels, nil),
		},
		Cache: hubs, List: &v1alpha1.IntegrationHubList{}, Class: class,
		Read: func(h *v1alpha1.IntegrationHub) (string, []metav1.Condition) {
			return h.Spec.ControllerClass, h.Status.Conditions
		},
	}
}
