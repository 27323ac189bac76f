package hub

import (
	"context"
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/hub/tally"
	"integrationhub.dev/hub/version"
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
	rows            *prometheus.CounterVec
	bytes           *prometheus.CounterVec
	retries         *prometheus.CounterVec
	calls           *prometheus.CounterVec
	callSeconds     *prometheus.HistogramVec
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
		rows: f.NewCounterVec(prometheus.CounterOpts{
			Name: "integrationhub_rows_total", Help: `Rows, by integration and outcome: "read" from Looker's results, "delivered" to destinations, or "failed".`,
		}, []string{"integration", "outcome"}),
		bytes: f.NewCounterVec(prometheus.CounterOpts{
			Name: "integrationhub_delivery_bytes_total", Help: "Bytes of results that integrations took as files.",
		}, []string{"integration"}),
		retries: f.NewCounterVec(prometheus.CounterOpts{
			Name: "integrationhub_retries_total", Help: "Calls to destinations that were made again.",
		}, []string{"integration"}),
		calls: f.NewCounterVec(prometheus.CounterOpts{
			Name: "integrationhub_outbound_requests_total", Help: `HTTP calls, by integration, side ("destination" or "looker") and answer: the status's class, or "none".`,
		}, []string{"integration", "side", "answer"}),
		callSeconds: f.NewHistogramVec(prometheus.HistogramOpts{
			Name: "integrationhub_outbound_request_duration_seconds", Help: "Time from an HTTP call to its answer's headers.",
			Buckets: []float64{.005, .025, .1, .5, 2.5, 10, 60, 600},
		}, []string{"integration", "side"}),
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

// observeCalls counts a client's calls. side says whom it calls.
func (m *Metrics) observeCalls(c *http.Client, side string) {
	outbound.Observe(c, func(ctx context.Context, call outbound.Call) {
		answer := "none"
		if call.Status > 0 {
			answer = strconv.Itoa(call.Status/100) + "xx"
		}
		integration := recordFrom(ctx).integration
		m.calls.WithLabelValues(integration, side, answer).Inc()
		m.callSeconds.WithLabelValues(integration, side).Observe(call.Took.Seconds())
	})
}

// add adds a delivery's count.
func (m *Metrics) add(integration string, t *tally.Tally) {
	for outcome, n := range map[string]int64{"read": t.RowsRead.Load(), "delivered": t.Delivered.Load(), "failed": t.Failed.Load()} {
		if n > 0 {
			m.rows.WithLabelValues(integration, outcome).Add(float64(n))
		}
	}
	m.bytes.WithLabelValues(integration).Add(float64(t.Bytes.Load()))
	m.retries.WithLabelValues(integration).Add(float64(t.Retries.Load()))
}

// buildInfo tells which build runs.
func (m *Metrics) buildInfo(b version.Info) {
	m.factory.NewGaugeVec(prometheus.GaugeOpts{
		Name: "integrationhub_build_info", Help: "Always 1; its labels tell the build.",
	}, []string{"version", "commit"}).WithLabelValues(b.Version, b.Commit).Set(1)
}

func (m *Metrics) watchSpool(used func() int64, limit int64) {
	m.factory.NewGauge(prometheus.GaugeOpts{
		Name: "integrationhub_spool_limit_bytes", Help: "Bytes that spool files may take; 0 means no bound.",
	}).Set(float64(limit))
	m.factory.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "integrationhub_spool_bytes", Help: "Bytes of payloads in spool files.",
	}, func() float64 { return float64(used()) })
}
