package telemetry

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/payload"
)

// DeliveryStats counts one delivery, in the metrics while it runs and for its log line.
type DeliveryStats struct {
	bytes, rowsRead        counter
	sent, rejected, failed counter
	retries                *prometheus.CounterVec
	retried                atomic.Int64
}

var (
	_ payload.Meter    = (*DeliveryStats)(nil)
	_ deliver.Observer = (*DeliveryStats)(nil)
)

// counter is a sum that is also added to a metric.
type counter struct {
	metric prometheus.Counter
	sum    atomic.Int64
}

func (c *counter) add(n int) {
	c.metric.Add(float64(n))
	c.sum.Add(int64(n))
}

// DeliveryStats starts to count a delivery of an integration.
func (m *Metrics) DeliveryStats(integration string) *DeliveryStats {
	s := &DeliveryStats{retries: m.retries.MustCurryWith(prometheus.Labels{"integration": integration})}
	s.bytes.metric = m.bytes.WithLabelValues(integration)
	s.rowsRead.metric = m.rowsRead.WithLabelValues(integration)
	s.sent.metric = m.rows.WithLabelValues(integration, "sent")
	s.rejected.metric = m.rows.WithLabelValues(integration, "rejected")
	s.failed.metric = m.rows.WithLabelValues(integration, "failed")
	return s
}

// Bytes implements [payload.Meter].
func (s *DeliveryStats) Bytes(n int) { s.bytes.add(n) }

// Row implements [payload.Meter].
func (s *DeliveryStats) Row() { s.rowsRead.add(1) }

// Items implements [deliver.Observer].
func (s *DeliveryStats) Items(n int, err error) {
	switch kind := action.KindOf(err); {
	case err == nil:
		s.sent.add(n)
	case kind == action.Invalid, kind == action.TooLarge:
		s.rejected.add(n)
	default:
		s.failed.add(n)
	}
}

// Retry implements [deliver.Observer].
func (s *DeliveryStats) Retry(err error) {
	s.retries.WithLabelValues(action.KindOf(err).String()).Inc()
	s.retried.Add(1)
}

// logAttrs returns the counts as attributes of a log line, without those that are zero.
func (s *DeliveryStats) logAttrs() []any {
	var attrs []any
	for _, a := range []struct {
		key string
		sum *atomic.Int64
	}{
		{"bytes", &s.bytes.sum},
		{"rows_read", &s.rowsRead.sum},
		{"rows_sent", &s.sent.sum},
		{"rows_rejected", &s.rejected.sum},
		{"rows_failed", &s.failed.sum},
		{"retries", &s.retried},
	} {
		if n := a.sum.Load(); n != 0 {
			attrs = append(attrs, a.key, n)
		}
	}
	return attrs
}
