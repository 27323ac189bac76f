package custom

import (
	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/conditions"
)

// NewMetrics returns the metrics of the HTTPIntegrations in a cache whose spec.controllerClass is class.
func NewMetrics(integrations client.Reader, class string) prometheus.Collector {
	return conditions.Metrics[*v1alpha1.HTTPIntegration]{
		Conditions: map[string]*prometheus.Desc{
			v1alpha1.Ready: prometheus.NewDesc("integrationhub_http_integration_ready",
				"Whether the HTTPIntegration's condition Ready is true (1) or not (0).", []string{"integration_namespace", "integration"}, nil),
		},
		Cache: integrations, List: &v1alpha1.HTTPIntegrationList{}, Class: class,
		Read: func(i *v1alpha1.HTTPIntegration) (string, []metav1.Condition) {
			return i.Spec.ControllerClass, i.Status.Conditions
		},
	}
}
