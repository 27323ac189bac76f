package registration

import (
	"context"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
)

var readyMetric = prometheus.NewDesc("integrationhub_registration_ready",
	"Whether the LookerRegistration's condition Ready is true (1) or not (0).", []string{"registration_namespace", "registration"}, nil)

// Metrics exports the state of registrations at the time of a scrape, and counts the requests to Looker.
type Metrics struct {
	// Registrations is the manager's cache.
	Registrations client.Reader
	// Class is the spec.controllerClass of the registrations that the manager manages.
	Class string

	requests *prometheus.CounterVec
}

var _ prometheus.Collector = &Metrics{}

// NewMetrics returns the metrics of registrations.
func NewMetrics(registrations client.Reader, class string) *Metrics {
	return &Metrics{Registrations: registrations, Class: class, requests: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "integrationhub_looker_requests_total",
		Help: "Requests to Looker's API by operation and status code of the answer; none without an answer.",
	}, []string{"operation", "code"})}
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
	descriptions <- readyMetric
	m.requests.Describe(descriptions)
}

// cacheTimeout bounds the wait for a cache that is not synced.
const cacheTimeout = 5 * time.Second

// Collect implements [prometheus.Collector].
func (m *Metrics) Collect(metrics chan<- prometheus.Metric) {
	m.requests.Collect(metrics)
	ctx, cancel := context.WithTimeout(context.Background(), cacheTimeout)
	defer cancel()
	all := &v1alpha1.LookerRegistrationList{}
	if m.Registrations.List(ctx, all, client.UnsafeDisableDeepCopy) != nil {
		return
	}
	for i := range all.Items {
		l := &all.Items[i]
		if l.Spec.ControllerClass != m.Class {
			continue
		}
		value := 0.
		if meta.IsStatusConditionTrue(l.Status.Conditions, v1alpha1.Ready) {
			value = 1
		}
		metrics <- prometheus.MustNewConstMetric(readyMetric, prometheus.GaugeValue, value, l.Namespace, l.Name)
	}
}
