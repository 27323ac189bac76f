package hub

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/getsentry/sentry-go"

	"integrationhub.dev/hub/version"
)

// reporter tells Sentry of the hub's own faults: panics, and errors that nobody explained to
// Looker's user. What destinations, settings and data get wrong is no fault of the hub's.
//
// A report holds the error's text, the integration and Looker's webhook id: no request, no
// header, no environment and no address of anybody.
type reporter struct {
	client *sentry.Client // nil when nothing is reported
}

// newReporter reads SENTRY_DSN or, as the reference does, ACTION_HUB_RAVEN_DSN.
func newReporter(env map[string]string) (*reporter, error) {
	dsn := cmp.Or(env["SENTRY_DSN"], env["ACTION_HUB_RAVEN_DSN"])
	if dsn == "" {
		return &reporter{}, nil
	}
	client, err := sentry.NewClient(sentry.ClientOptions{
		Dsn: dsn, Environment: env["SENTRY_ENVIRONMENT"], Release: cmp.Or(env["SENTRY_RELEASE"], version.Current().Version),
		ServerName: "integration-hub",
		// They would add the machine, its modules and its environment.
		Integrations: func([]sentry.Integration) []sentry.Integration { return nil },
	})
	if err != nil {
		return nil, fmt.Errorf("preparing reports to Sentry (SENTRY_DSN): %w", err)
	}
	return &reporter{client}, nil
}

// report sends a fault; it does not wait.
func (r *reporter) report(ctx context.Context, fault string) {
	if r == nil || r.client == nil {
		return
	}
	rec := recordFrom(ctx)
	e := sentry.NewEvent()
	e.Level, e.Message = sentry.LevelError, fault
	e.Tags = map[string]string{"integration": rec.integration, "webhook_id": rec.webhookID, "request_id": rec.id}
	r.client.CaptureEvent(e, nil, nil)
}

// end sends what has not been sent yet.
func (r *reporter) end() {
	if r.client != nil {
		r.client.Flush(2 * time.Second)
	}
}
