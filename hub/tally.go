package hub

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/payload"
)

// tally counts one delivery: in the metrics while it runs, and for its own line in the log.
type tally struct {
	bytes, rowsRead        running
	sent, rejected, failed running
	retries                *prometheus.CounterVec
	retried                atomic.Int64
}

var (
	_ payload.Meter    = (*tally)(nil)
	_ deliver.Observer = (*tally)(nil)
)

// running is a sum that a metric follows.
type running struct {
	metric prometheus.Counter
	sum    atomic.Int64
}

func (r *running) add(n int) {
	r.metric.Add(float64(n))
	r.sum.Add(int64(n))
}

func (m *Metrics) tally(integration string) *tally {
	t := &tally{retries: m.retries.MustCurryWith(prometheus.Labels{"integration": integration})}
	t.bytes.metric = m.bytes.WithLabelValues(integration)
	t.rowsRead.metric = m.rowsRead.WithLabelValues(integration)
	t.sent.metric = m.rows.WithLabelValues(integration, "sent")
	t.rejected.metric = m.rows.WithLabelValues(integration, "rejected")
	t.failed.metric = m.rows.WithLabelValues(integration, "failed")
	return t
}

// Bytes implements [payload.Meter].
func (t *tally) Bytes(n int) { t.bytes.add(n) }

// Row implements [payload.Meter].
func (t *tally) Row() { t.rowsRead.add(1) }

// Items implements [deliver.Observer].
func (t *tally) Items(n int, err error) {
	switch kind := action.KindOf(err); {
	case err == nil:
		t.sent.add(n)
	case kind == action.Invalid, kind == action.TooLarge:
		t.rejected.add(n)
	default:
		t.failed.add(n)
	}
}

// Retry implements [deliver.Observer].
func (t *tally) Retry(err error) {
	t.retries.WithLabelValues(action.KindOf(err).String()).Inc()
	t.retried.Add(1)
}

// sums are what the delivery came to, as attributes of a log line. What did not occur is left
// out.
func (t *tally) sums() []any {
	var attrs []any
	for _, a := range []struct {
		key string
		sum *atomic.Int64
	}{
		{"bytes", &t.bytes.sum},
		{"rows_read", &t.rowsRead.sum},
		{"rows_sent", &t.sent.sum},
		{"rows_rejected", &t.rejected.sum},
		{"rows_failed", &t.failed.sum},
		{"retries", &t.retried},
	} {
		if n := a.sum.Load(); n != 0 {
			attrs = append(attrs, a.key, n)
		}
	}
	return attrs
}
