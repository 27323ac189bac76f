package telemetry

import (
	"context"
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/config"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/hub/payload"
)

// Metrics are the hub's Prometheus metrics. All label values come from fixed sets, so that no
// client can create series.
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
	apiEnds          *prometheus.GaugeVec
	upstreamLists    *prometheus.GaugeVec
}

// newMetrics registers the hub's metrics.
func newMetrics(reg prometheus.Registerer) *Metrics {
	f := promauto.With(reg)
	return &Metrics{
		factory: f,
		requests: f.NewCounterVec(prometheus.CounterOpts{
			Name: "integrationhub_requests_total", Help: "Requests, by route and status.",
		}, []string{"route", "status"}),
		requestSeconds: f.NewHistogramVec(prometheus.HistogramOpts{
			Name: "integrationhub_request_duration_seconds", Help: "Time from a request's headers to the end of its response.",
			Buckets: []float64{.001, .005, .025, .1, .5, 2.5, 10, 60, 600},
		}, []string{"route"}),
		deliveries: f.NewCounterVec(prometheus.CounterOpts{
			Name: "integrationhub_deliveries_total", Help: `Deliveries, by integration and outcome: "delivered" or the error kind.`,
		}, []string{"integration", "outcome"}),
		deliverySeconds: f.NewHistogramVec(prometheus.HistogramOpts{
			Name: "integrationhub_delivery_duration_seconds", Help: "Time that an integration took to deliver.",
			Buckets: []float64{.01, .1, .5, 2.5, 10, 60, 300, 1800},
		}, []string{"integration"}),
		inFlight: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "integrationhub_deliveries_in_flight", Help: "Running deliveries.",
		}, []string{"integration"}),
		refused: f.NewCounter(prometheus.CounterOpts{
			Name: "integrationhub_deliveries_refused_total", Help: "Deliveries rejected because the hub was at its limit.",
		}),
		abandoned: f.NewCounterVec(prometheus.CounterOpts{
			Name: "integrationhub_abandoned_total", Help: "Deliveries and forms whose integration did not return after its timeout.",
		}, []string{"integration"}),
		abandonedRunning: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "integrationhub_abandoned_running", Help: "Abandoned deliveries and forms whose integration has not returned yet.",
		}, []string{"integration"}),
		acceptErrors: f.NewCounter(prometheus.CounterOpts{
			Name: "integrationhub_accept_errors_total",
			Help: "Connections that could not be accepted, for example because no file descriptors were left.",
		}),
		bytes: f.NewCounterVec(prometheus.CounterOpts{
			Name: "integrationhub_data_bytes_total", Help: "Bytes of decoded data read by integrations.",
		}, []string{"integration"}),
		rowsRead: f.NewCounterVec(prometheus.CounterOpts{
			Name: "integrationhub_rows_read_total", Help: "Rows of results read by integrations.",
		}, []string{"integration"}),
		rows: f.NewCounterVec(prometheus.CounterOpts{
			Name: "integrationhub_rows_total",
			Help: `Rows, or messages or records made from them, by outcome: "sent", "rejected" by the destination, or "failed" for another reason.`,
		}, []string{"integration", "outcome"}),
		retries: f.NewCounterVec(prometheus.CounterOpts{
			Name: "integrationhub_retries_total", Help: "Retried requests, by the error kind of the previous attempt.",
		}, []string{"integration", "reason"}),
		calls: f.NewCounterVec(prometheus.CounterOpts{
			Name: "integrationhub_outbound_requests_total",
			Help: `Outbound requests, by integration, peer ("destination", "looker" or "upstream") and outcome: "ok" or the error kind.`,
		}, []string{"integration", "peer", "outcome"}),
		callSeconds: f.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "integrationhub_outbound_request_duration_seconds",
			Help:    "Time from an outbound request to the headers of its response, including the upload.",
			Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 10, 60, 600},
		}, []string{"integration", "peer"}),
		jobsInFlight: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "integrationhub_jobs_in_flight", Help: "Jobs at destinations that the hub is monitoring.",
		}, []string{"integration"}),
		jobs: f.NewCounterVec(prometheus.CounterOpts{
			Name: "integrationhub_jobs_total",
			Help: `Jobs by outcome: "completed", "failed", "timed_out", "interrupted" by a shutdown, or "refused".`,
		}, []string{"integration", "outcome"}),
		reloads: f.NewCounterVec(prometheus.CounterOpts{
			Name: "integrationhub_reloads_total", Help: "Reloads of mounted files, by file and outcome.",
		}, []string{"what", "outcome"}),
		apiEnds: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "integrationhub_api_end_of_life_timestamp_seconds",
			Help: "Time at which the vendor retires the API version that an available integration calls.",
		}, []string{"integration", "api", "version"}),
		upstreamLists: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "integrationhub_upstream_list_timestamp_seconds",
			Help: "Time at which the list of an upstream was last fetched; 0 if never.",
		}, []string{"upstream"}),
	}
}

// Outbound observes the hub's requests to a peer, for the integration whose request they serve.
func (m *Metrics) Outbound(peer string) outbound.Observer {
	return func(ctx context.Context, outcome string, took time.Duration) {
		integration := integrationOf(ctx)
		m.calls.WithLabelValues(integration, peer, outcome).Inc()
		m.callSeconds.WithLabelValues(integration, peer).Observe(took.Seconds())
	}
}

func (m *Metrics) setBuildInfo(version string) {
	m.factory.NewGauge(prometheus.GaugeOpts{
		Name: "integrationhub_build_info", Help: "Build information; always 1.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()},
	}).Set(1)
}

// InitSeries creates the outcome series of the integrations at zero. increase() does not see
// the first increment of a new series, so an alert would miss the first failure
// (https://prometheus.io/docs/practices/instrumentation/#avoid-missing-metrics).
func (m *Metrics) InitSeries(integrations []string) {
	for _, name := range integrations {
		m.deliveries.WithLabelValues(name, Delivered)
		m.abandoned.WithLabelValues(name)
		m.abandonedRunning.WithLabelValues(name)
		for _, kind := range action.Kinds() {
			m.deliveries.WithLabelValues(name, kind.String())
		}
	}
}

// ExportQueue exports the number of queued deliveries.
func (m *Metrics) ExportQueue(queued func() int64) {
	m.factory.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "integrationhub_deliveries_queued", Help: "Deliveries waiting for a free slot or for their data.",
	}, func() float64 { return float64(queued()) })
}

// ExportSpool exports the usage and the limit of a spool.
func (m *Metrics) ExportSpool(spool *payload.Spool) {
	m.factory.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "integrationhub_spool_bytes", Help: "Bytes of payloads in spool files.",
	}, func() float64 { return float64(spool.Used()) })
	m.factory.NewGauge(prometheus.GaugeOpts{
		Name: "integrationhub_spool_limit_bytes", Help: "Maximum bytes in spool files; 0 means no limit.",
	}).Set(float64(spool.Limit))
}

// ExportCertificate exports the expiry of the served certificate.
func (m *Metrics) ExportCertificate(c *config.Certificate) {
	m.factory.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "integrationhub_certificate_not_after_timestamp_seconds", Help: "Expiry of the served certificate.",
	}, func() float64 { return float64(c.Leaf().NotAfter.Unix()) })
}

// ExportAPIs exports when the APIs that an integration calls are retired. An API without a known end
// has no series: 0 would be in the past.
func (m *Metrics) ExportAPIs(integration string, apis []action.API) {
	for _, a := range apis {
		if end, known := a.End(); known {
			m.apiEnds.WithLabelValues(integration, a.Name, a.Version).Set(float64(end.Unix()))
		}
	}
}

// UpstreamListed exports when the list of an upstream was last fetched; never if the time is zero.
func (m *Metrics) UpstreamListed(upstream string, at time.Time) {
	seconds := 0.0
	if !at.IsZero() {
		seconds = float64(at.Unix())
	}
	m.upstreamLists.WithLabelValues(upstream).Set(seconds)
}

func (m *Metrics) request(route string, status int, seconds float64) {
	m.requests.WithLabelValues(route, strconv.Itoa(status)).Inc()
	m.requestSeconds.WithLabelValues(route).Observe(seconds)
}

// DeliveryRefused counts a delivery that was refused because of the limits.
func (m *Metrics) DeliveryRefused() { m.refused.Inc() }

// DeliveryStarted counts a running delivery until the function that it returns is called.
func (m *Metrics) DeliveryStarted(integration string) (ended func()) {
	start := time.Now()
	inFlight := m.inFlight.WithLabelValues(integration)
	inFlight.Inc()
	return func() {
		inFlight.Dec()
		m.deliverySeconds.WithLabelValues(integration).Observe(time.Since(start).Seconds())
	}
}

// DeliveryEnded counts a delivery by its outcome.
func (m *Metrics) DeliveryEnded(integration, outcome string) {
	m.deliveries.WithLabelValues(integration, outcome).Inc()
}

// Abandoned counts a call to an integration that did not return in time, and as running until
// the function that it returns is called.
func (m *Metrics) Abandoned(integration string) (returned func()) {
	m.abandoned.WithLabelValues(integration).Inc()
	running := m.abandonedRunning.WithLabelValues(integration)
	running.Inc()
	return running.Dec
}

// AcceptError counts a connection that could not be accepted.
func (m *Metrics) AcceptError() { m.acceptErrors.Inc() }

// InitReloads creates the reload series of a file at zero.
func (m *Metrics) InitReloads(what string) {
	m.reloads.WithLabelValues(what, "ok")
	m.reloads.WithLabelValues(what, "failed")
}

// Reloaded counts a reload of a file.
func (m *Metrics) Reloaded(what string, err error) {
	outcome := "ok"
	if err != nil {
		outcome = "failed"
	}
	m.reloads.WithLabelValues(what, outcome).Inc()
}
