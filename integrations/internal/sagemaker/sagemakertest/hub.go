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
	"integrationhub.dev/hub/watch"
	"integrationhub.dev/integrations/internal/mail/mailtest"
)

// Hub is what an integration is made from: the fake, a mail server, and the hub's watches.
type Hub struct {
	AWS     *AWS
	Mail    *mailtest.Server
	Watches *watch.Pool

	mu       sync.Mutex
	outcomes []watch.Outcome
}

// NewHub makes a hub that follows so many jobs at once.
func NewHub(t testing.TB, most int) *Hub {
	t.Helper()
	h := &Hub{AWS: New(), Mail: mailtest.New(t, true)}
	h.Watches = watch.New(watch.Options{Most: most, Longest: 7 * 24 * time.Hour, Observer: h, Log: slog.New(slog.DiscardHandler)})
	return h
}

// Deps lead to the fakes.
func (h *Hub) Deps() action.Deps {
	deps := h.Mail.Deps(nil)
	deps.HTTP, deps.Watch = h.AWS.Client(), h.Watches.Watch
	return deps
}

// WatchBegan implements [watch.Observer].
func (*Hub) WatchBegan(context.Context) {}

// WatchRefused implements [watch.Observer].
func (*Hub) WatchRefused(context.Context) {}

// WatchEnded implements [watch.Observer].
func (h *Hub) WatchEnded(_ context.Context, o watch.Outcome) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.outcomes = append(h.outcomes, o)
}

// Outcomes returns what became of the watches.
func (h *Hub) Outcomes() []watch.Outcome {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]watch.Outcome(nil), h.outcomes...)
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
