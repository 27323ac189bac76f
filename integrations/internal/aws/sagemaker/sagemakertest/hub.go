package sagemakertest

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"testing"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/hub/jobs"
	"integrationhub.dev/integrations/internal/mail/mailtest"
)

// Hub is what an integration is made from: the fake, a mail server, and the hub's watches.
type Hub struct {
	AWS     *AWS
	Mail    *mailtest.Server
	Watches *jobs.Pool

	mu       sync.Mutex
	outcomes []jobs.Outcome
}

// NewHub makes a hub that follows so many jobs at once.
func NewHub(t testing.TB, most int) *Hub {
	t.Helper()
	h := &Hub{AWS: New(), Mail: mailtest.New(t, true)}
	h.Watches = jobs.New(jobs.Options{MaxJobs: most, Timeout: 7 * 24 * time.Hour, Observer: h, Log: slog.New(slog.DiscardHandler)})
	return h
}

// Deps lead to the fakes.
func (h *Hub) Deps() action.Deps {
	deps := h.Mail.Deps(nil)
	deps.HTTP, deps.StartJob = h.AWS.Client(), h.Watches.Start
	return deps
}

// JobStarted implements [jobs.Observer].
func (*Hub) JobStarted(context.Context) {}

// JobRefused implements [jobs.Observer].
func (*Hub) JobRefused(context.Context) {}

// JobEnded implements [jobs.Observer].
func (h *Hub) JobEnded(_ context.Context, o jobs.Outcome) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.outcomes = append(h.outcomes, o)
}

// Outcomes returns what became of the watches.
func (h *Hub) Outcomes() []jobs.Outcome {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]jobs.Outcome(nil), h.outcomes...)
}

// Request is a request with a result, whose settings and answers are good but for a change.
func Request(t testing.TB, csv string, form, change map[string]string) *action.Request {
	t.Helper()
	params := map[string]string{
		"accessKeyId": AccessKey, "secretAccessKey": SecretKey, "roleArn": Role, "region": "eu-west-1", "user_email": "ann@example.com",
		"smtpHost": "example.com", "smtpPort": "465", "smtpFrom": "Looker <looker@example.com>", "smtpUser": mailtest.Username, "smtpPass": mailtest.Password,
	}
	form = maps.Clone(form)
	for name, value := range change {
		if _, is := params[name]; is {
			params[name] = value
		} else {
			form[name] = value
		}
	}
	return actiontest.Inline(t, actiontest.Query(params, form), "text/csv", "csv", []byte(csv))
}
