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

// Hub provides the dependencies of an integration: the fake, a mail server, and the hub's jobs.
type Hub struct {
	AWS  *AWS
	Mail *mailtest.Server
	Jobs *jobs.Pool

	mu       sync.Mutex
	outcomes []jobs.Outcome
}

// NewHub returns a hub that follows at most maxJobs jobs.
func NewHub(t testing.TB, maxJobs int) *Hub {
	t.Helper()
	h := &Hub{AWS: New(), Mail: mailtest.New(t, true)}
	h.Jobs = jobs.New(jobs.Options{MaxJobs: maxJobs, Timeout: 7 * 24 * time.Hour, Observer: h, Log: slog.New(slog.DiscardHandler)})
	return h
}

// Deps returns dependencies that use the fakes.
func (h *Hub) Deps() action.Deps {
	deps := h.Mail.Deps(nil)
	deps.HTTP, deps.StartJob = h.AWS.Client(), h.Jobs.Start
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

// Outcomes returns the outcomes of the jobs.
func (h *Hub) Outcomes() []jobs.Outcome {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]jobs.Outcome(nil), h.outcomes...)
}

// Request returns a request with a result and valid settings and answers, except for the changed ones.
func Request(t testing.TB, csv string, form, change map[string]string) *action.Request {
	t.Helper()
	params := map[string]string{
		"accessKeyId": AccessKey, "secretAccessKey": SecretKey, "roleArn": Role, "region": "eu-west-1", "user_email": "ann@example.com",
		"smtpHost": "example.com", "smtpPort": "465", "smtpFrom": "Looker <looker@example.com>",
		"smtpUser": mailtest.Username, "smtpPass": mailtest.Password,
	}
	form = maps.Clone(form)
	for name, value := range change {
		if _, isParam := params[name]; isParam {
			params[name] = value
		} else {
			form[name] = value
		}
	}
	return actiontest.Inline(t, actiontest.Query(params, form), "text/csv", "csv", []byte(csv))
}
