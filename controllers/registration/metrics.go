package registration

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/conditions"
)

// Metrics exports the state of registrations at the time of a scrape, and counts the requests to Looker.
type Metrics struct {
	registrations prometheus.Collector
	requests      *prometheus.CounterVec
}

var _ prometheus.Collector = &Metrics{}

// NewMetrics returns the metrics of the registrations in a cache whose spec.controllerClass is class.
func NewMetrics(registrations client.Reader, class string) *Metrics {
	return &Metrics{
		registrations: conditions.Metrics[*v1alpha1.LookerRegistration]{
			Conditions: map[string]*prometheus.Desc{
				v1alpha1.Ready: prometheus.NewDesc("integrationhub_registration_ready",
					"Whether the LookerRegistration's condition Ready is true (1) or not (0).", []string{"registration_namespace", "registration"}, nil),
			},
			Cache: registrations, List: &v1alpha1.LookerRegistrationList{}, Class: class,
			Read: func(l *v1alpha1.LookerRegistration) (string, []metav1.Condition) {
				return l.Spec.ControllerClass, l.Status.Conditions
			},
		},
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "integrationhub_looker_requests_total",
			Help: "Requests to Looker's API by operation and status code of the response; none without a response.",
		}, []string{"operation", "code"}),
	}
}

// Observe counts a request; status is 0 without an answer.
func (m *Metrics) Observe(operation string, status int) {
	code := "none"
	if status != 0 {
		code = strconv.Itoa(status)
	}
	m.requests.WithLabelValues(operation, code).Inc()
}

// Describe implements [prometheus.Collector].
func (m *Metrics) Describe(descriptions chan<- *prometheus.Desc) {
	m.registrations.Describe(descriptions)
	m.requests.Describe(descriptions)
}

// Collect implements [prometheus.Collector].
func (m *Metrics) Collect(metrics chan<- prometheus.Metric) {
	m.requests.Collect(metrics)
	m.registrations.Collect(metrics)
}
