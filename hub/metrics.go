package hub

import (
	"context"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/config"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/hub/payload"
)

// Metrics are what the hub counts. Labels come from closed sets.
type Metrics struct {
	factory          promauto.Factory
	requests         *prometheus.CounterVec
	requestSeconds   *prometheus.HistogramVec
	deliveries       *prometheus.CounterVec
	deliverySeconds  *prometheus.HistogramVec
	inFlight         *prometheus.GaugeVec
	refused          prometheus.Counter
	abandoned        *prometheus.CounterVec
	abandonedRunning *prometheus.GaugeVec
	acceptErrors     prometheus.Counter
	bytes            *prometheus.CounterVec
	rowsRead         *prometheus.CounterVec
	rows             *prometheus.CounterVec
	retries          *prometheus.CounterVec
	calls            *prometheus.CounterVec
	callSeconds      *prometheus.HistogramVec
	jobsInFlight     *prometheus.GaugeVec
	jobs             *prometheus.CounterVec
	reloads          *prometheus.CounterVec
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
		abandoned: f.NewCounterVec(prometheus.CounterOpts{
			Name: "integrationhub_abandoned_total", Help: "Deliveries and forms whose integration did not return after their timeout.",
		}, []string{"integration"}),
		abandonedRunning: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "integrationhub_abandoned_running", Help: "Abandoned deliveries and forms whose integration has not returned yet.",
		}, []string{"integration"}),
		acceptErrors: f.NewCounter(prometheus.CounterOpts{
			Name: "integrationhub_accept_errors_total", Help: "Connections that could not be accepted, for want of file descriptors for example.",
		}),
		bytes: f.NewCounterVec(prometheus.CounterOpts{
			Name: "integrationhub_data_bytes_total", Help: "Bytes of decoded data that integrations took to deliver them.",
		}, []string{"integration"}),
		rowsRead: f.NewCounterVec(prometheus.CounterOpts{
			Name: "integrationhub_rows_read_total", Help: "Rows of results that integrations took to deliver them.",
		}, []string{"integration"}),
		rows: f.NewCounterVec(prometheus.CounterOpts{
			Name: "integrationhub_rows_total",
			Help: `Rows, or messages or records made from them, by what became of them: "sent", "rejected" as they are, or "failed" for another reason.`,
		}, []string{"integration", "outcome"}),
		retries: f.NewCounterVec(prometheus.CounterOpts{
			Name: "integrationhub_retries_total", Help: "Calls that were made again, by the kind of failure before.",
		}, []string{"integration", "reason"}),
		calls: f.NewCounterVec(prometheus.CounterOpts{
			Name: "integrationhub_outbound_requests_total",
			Help: `Requests of the hub, by integration, peer ("destination" or "looker") and outcome: "ok", or the kind of failure.`,
		}, []string{"integration", "peer", "outcome"}),
		callSeconds: f.NewHistogramVec(prometheus.HistogramOpts{
			Name: "integrationhub_outbound_request_duration_seconds", Help: "Time from a request of the hub to the headers of its answer, sending included.",
			Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 10, 60, 600},
		}, []string{"integration", "peer"}),
		jobsInFlight: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "integrationhub_jobs_in_flight", Help: "Jobs at destinations that the hub currently follows.",
		}, []string{"integration"}),
		jobs: f.NewCounterVec(prometheus.CounterOpts{
			Name: "integrationhub_jobs_total",
			Help: `Jobs by outcome: "completed", "failed", "timed_out", "interrupted" by a shutdown, or "refused".`,
		}, []string{"integration", "outcome"}),
		reloads: f.NewCounterVec(prometheus.CounterOpts{
			Name: "integrationhub_reloads_total", Help: "Reloads of changed files, by what and outcome.",
		}, []string{"what", "outcome"}),
	}
}

// outbound counts the exchanges with a peer for the integration whose request they serve.
func (m *Metrics) outbound(peer string) outbound.Observer {
	return func(ctx context.Context, outcome string, took time.Duration) {
		integration := integrationOf(ctx)
		m.calls.WithLabelValues(integration, peer, outcome).Inc()
		m.callSeconds.WithLabelValues(integration, peer).Observe(took.Seconds())
	}
}

func (m *Metrics) build(version string) {
	m.factory.NewGauge(prometheus.GaugeOpts{
		Name: "integrationhub_build_info", Help: "Which build is running; always 1.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()},
	}).Set(1)
}

// expect counts from 0 whatever may become of the integrations' deliveries: an alert sees the
// first failure only if there was a 0 before
// (https://prometheus.io/docs/practices/instrumentation/#avoid-missing-metrics).
func (m *Metrics) expect(integrations []string) {
	for _, name := range integrations {
		m.deliveries.WithLabelValues(name, delivered)
		m.abandoned.WithLabelValues(name)
		m.abandonedRunning.WithLabelValues(name)
		for _, kind := range action.Kinds() {
			m.deliveries.WithLabelValues(name, kind.String())
		}
	}
}

func (m *Metrics) watchQueue(queued func() int64) {
	m.factory.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "integrationhub_deliveries_queued", Help: "Deliveries that were taken in and wait for their turn or for their data.",
	}, func() float64 { return float64(queued()) })
}

func (m *Metrics) watchSpool(spool *payload.Spool) {
	m.factory.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "integrationhub_spool_bytes", Help: "Bytes of payloads in spool files.",
	}, func() float64 { return float64(spool.Used()) })
	m.factory.NewGauge(prometheus.GaugeOpts{
		Name: "integrationhub_spool_limit_bytes", Help: "Bytes that spool files may take at any one time; 0 means no limit.",
	}).Set(float64(spool.Limit))
}

func (m *Metrics) watchCertificate(c *config.Certificate) {
	m.factory.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "integrationhub_certificate_not_after_timestamp_seconds", Help: "When the certificate that is served now expires.",
	}, func() float64 { return float64(c.Leaf().NotAfter.Unix()) })
}
