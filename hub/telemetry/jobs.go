package telemetry

import (
	"context"

	"integrationhub.dev/hub/jobs"
)

// JobObserver returns the observer that counts jobs for the integration whose delivery started
// them.
func (m *Metrics) JobObserver() jobs.Observer { return jobCounter{m} }

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
