package telemetry

import (
	"cmp"
	"context"
	"crypto/rand"
	"net/http"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
)

// Record is what is known about a request: who sent it and how it ended. It is the one value of
// the hub's own in a request's context, because a log line and an outbound call have nothing but
// their context to tell which request they belong to. It identifies; it never decides what the
// hub does.
type Record struct {
	ID          string
	Integration string
	WebhookID   string
	InstanceID  string
	// Queued is how long a delivery waited for a free slot.
	Queued time.Duration
	// Stats counts what a delivery does; nil for other requests and before it has started.
	Stats *DeliveryStats
	// Outcome is [Delivered] or the kind of the error; empty for requests that are no delivery.
	Outcome string
	Err     error
}

// Delivered is the outcome of a successful delivery.
const Delivered = "delivered"

func newRecord(header http.Header) *Record {
	return &Record{
		ID:        rand.Text(),
		WebhookID: clip(header.Get("X-Looker-Webhook-Id")), InstanceID: clip(header.Get("X-Looker-Instance")),
	}
}

// maxHeader limits what a header may add to a log line.
const maxHeader = 128

func clip(header string) string {
	return strings.ToValidUTF8(header[:min(len(header), maxHeader)], "")
}

// End records the outcome of a delivery.
func (r *Record) End(err error) {
	r.Err, r.Outcome = err, Delivered
	if err != nil {
		r.Outcome = action.KindOf(err).String()
	}
}

type recordKey struct{}

func withRecord(ctx context.Context, r *Record) context.Context {
	return context.WithValue(ctx, recordKey{}, r)
}

// FromContext returns a request's record. It never returns nil, so that callers outside a
// request need no special case.
func FromContext(ctx context.Context) *Record {
	if r, ok := ctx.Value(recordKey{}).(*Record); ok {
		return r
	}
	return &Record{}
}

// integrationOf returns the integration whose request a context belongs to.
func integrationOf(ctx context.Context) string {
	return cmp.Or(FromContext(ctx).Integration, "none")
}
