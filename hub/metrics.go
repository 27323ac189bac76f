package hub

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Metrics are what the hub counts. Labels come from closed sets.
type Metrics struct {
	factory         promauto.Factory
	requests        *prometheus.CounterVec
	requestSeconds  *prometheus.HistogramVec
	deliveries      *prometheus.CounterVec
	deliverySeconds *prometheus.HistogramVec
	inFlight        *prometheus.GaugeVec
	refused         prometheus.Counter
	reloads         *prometheus.CounterVec
	certNotAfter    prometheus.Gauge
}

// NewMetrics registers the hub's metrics.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	f := promauto.With(reg)
	return &Metrics{
		factory: f,
		requests: f.NewCounterVec(prometheus.CounterOpts{
			Name: "integrationhub_requests_total", Help: "Requests, by route and status.",
		}, []string{"route", "status"}),
		requestSeconds: f.NewHistogramVec(prometheus.HistogramOpts{
			Name: "integrationhub_request_duration_seconds", Help: "Time from a request's headers to the end of its answer.",
			Buckets: []float64{.001, .005, .025, .1, .5, 2.5, 10, 60, 600},
		}, []string{"route"}),
		deliveries: f.NewCounterVec(prometheus.CounterOpts{
			Name: "integrationhub_deliveries_total", Help: `Deliveries, by integration and outcome: "delivered", or the kind of failure.`,
		}, []string{"integration", "outcome"}),
		deliverySeconds: f.NewHistogramVec(prometheus.HistogramOpts{
			Name: "integrationhub_delivery_duration_seconds", Help: "Time that an integration took for a delivery.",
			Buckets: []float64{.01, .1, .5, 2.5, 10, 60, 300, 1800},
		}, []string{"integration"}),
		inFlight: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "integrationhub_deliveries_in_flight", Help: "Deliveries that are under way.",
		}, []string{"integration"}),
		refused: f.NewCounter(prometheus.CounterOpts{
			Name: "integrationhub_deliveries_refused_total", Help: "Deliveries that were refused because too many were under way.",
		}),
		reloads: f.NewCounterVec(prometheus.CounterOpts{
			Name: "integrationhub_reloads_total", Help: "Reloads of changed files, by what and outcome.",
		}, []string{"what", "outcome"}),
		certNotAfter: f.NewGauge(prometheus.GaugeOpts{
			Name: "integrationhub_certificate_not_after_timestamp_seconds", Help: "When the certificate that is served now expires.",
		}),
	}
}

func (m *Metrics) watchQueue(queued func() int64) {
	m.factory.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "integrationhub_deliveries_queued", Help: "Deliveries that were taken in and wait for their turn or for their data.",
	}, func() float64 { return float64(queued()) })
}

func (m *Metrics) watchSpool(used func() int64) {
	m.factory.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "integrationhub_spool_bytes", Help: "Bytes of payloads in spool files.",
	}, func() float64 { return float64(used()) })
}
