package hub

import (
	"cmp"
	"context"

	"integrationhub.dev/hub/watch"
)

// newWatches makes the pool in which integrations follow work that goes on after their
// deliveries were answered.
func newWatches(o Options, m *Metrics) *watch.Pool {
	return watch.New(watch.Options{
		Most: o.Config.MaxWatches, Longest: o.Config.WatchTimeout, Observer: watchCounter{m}, Log: o.Log,
	})
}

// watchCounter counts watches for the integration whose delivery began them.
type watchCounter struct{ *Metrics }

var _ watch.Observer = watchCounter{}

// WatchBegan implements [watch.Observer]. The counters begin at zero before they count: an
// increase is seen only of what was there.
func (c watchCounter) WatchBegan(ctx context.Context) {
	integration := integrationOf(ctx)
	c.watching.WithLabelValues(integration).Inc()
	for _, o := range []watch.Outcome{watch.Ended, watch.Failed, watch.TooLong, watch.GivenUp} {
		c.watches.WithLabelValues(integration, string(o))
	}
}

// WatchEnded implements [watch.Observer].
func (c watchCounter) WatchEnded(ctx context.Context, o watch.Outcome) {
	c.watching.WithLabelValues(integrationOf(ctx)).Dec()
	c.watches.WithLabelValues(integrationOf(ctx), string(o)).Inc()
}

// WatchRefused implements [watch.Observer].
func (c watchCounter) WatchRefused(ctx context.Context) {
	c.watches.WithLabelValues(integrationOf(ctx), "refused").Inc()
}

// integrationOf is whose request a context belongs to.
func integrationOf(ctx context.Context) string { return cmp.Or(recordFrom(ctx).integration, "none") }
