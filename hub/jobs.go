package hub

import (
	"cmp"
	"context"

	"integrationhub.dev/hub/jobs"
)

// newJobPool creates the pool that follows work which destinations continue after their
// deliveries have been answered.
func newJobPool(o Options, m *Metrics) *jobs.Pool {
	return jobs.New(jobs.Options{
		MaxJobs: o.Config.MaxJobs, Timeout: o.Config.JobTimeout, Observer: jobCounter{m}, Log: o.Log,
	})
}

// jobCounter counts jobs for the integration whose delivery started them.
type jobCounter struct{ *Metrics }

var _ jobs.Observer = jobCounter{}

// JobStarted implements [jobs.Observer]. It creates the outcome series at zero, because
// increase() does not see the first increment of a new series.
func (c jobCounter) JobStarted(ctx context.Context) {
	integration := integrationOf(ctx)
	c.jobsInFlight.WithLabelValues(integration).Inc()
	for _, o := range []jobs.Outcome{jobs.Completed, jobs.Failed, jobs.TimedOut, jobs.Interrupted} {
		c.jobs.WithLabelValues(integration, string(o))
	}
}

// JobEnded implements [jobs.Observer].
func (c jobCounter) JobEnded(ctx context.Context, o jobs.Outcome) {
	c.jobsInFlight.WithLabelValues(integrationOf(ctx)).Dec()
	c.jobs.WithLabelValues(integrationOf(ctx), string(o)).Inc()
}

// JobRefused implements [jobs.Observer].
func (c jobCounter) JobRefused(ctx context.Context) {
	c.jobs.WithLabelValues(integrationOf(ctx), "refused").Inc()
}

// integrationOf returns the integration whose request a context belongs to.
func integrationOf(ctx context.Context) string { return cmp.Or(recordFrom(ctx).integration, "none") }
