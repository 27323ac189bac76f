package webhook

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/message"
	"integrationhub.dev/integrations/internal/webhook"
)

// delivery is one payload on its way.
type delivery struct {
	// id stays the same however often the payload is sent.
	id string
	// name is what people call the receiver: its host, which is no secret.
	name     string
	method   string
	address  *url.URL
	header   http.Header
	keys     signingKeys
	expected statuses
	blob     action.Blob
}

func newDelivery(in input, address *url.URL, req *action.Request, blob action.Blob) delivery {
	d := delivery{
		id: "msg_" + rand.Text(), name: address.Hostname(),
		method:  string(cmp.Or(in.FixedMethod, in.Method, http.MethodPost)),
		address: address, header: http.Header{}, keys: in.SigningSecret, expected: in.ExpectedStatus, blob: blob,
	}
	for name, value := range in.Headers {
		d.header.Set(name, value)
	}
	switch {
	case in.BearerToken != "":
		d.header.Set("Authorization", "Bearer "+strings.TrimSpace(in.BearerToken.Reveal()))
	case in.Username != "":
		basic := http.Request{Header: d.header}
		basic.SetBasicAuth(in.Username, in.Password.Reveal())
	}
	d.header.Set("Content-Type", message.ContentType(req))
	d.header.Set("Webhook-Id", d.id)
	if v := mime.FormatMediaType("attachment", map[string]string{"filename": req.CompleteFilename()}); v != "" {
		d.header.Set("Content-Disposition", v)
	}
	return d
}

// repeatable says that the receiver takes the payload twice without doing its work twice: PUT
// promises so (RFC 9110, section 9.2.2), and so does whoever checks signatures, since the
// scheme has the receiver tell by webhook-id what it knows already.
func (d delivery) repeatable() bool { return d.method == http.MethodPut || len(d.keys) > 0 }

// again is for receivers that take a payload twice.
var again = deliver.Retry{MaxAttempts: 5, InitialBackoff: time.Second, MaxBackoff: 30 * time.Second, When: soonEnough}

// longestPause is the longest wait asked for by a receiver that is still kept.
const longestPause = 2 * time.Minute

func soonEnough(err error) bool {
	s, ok := errors.AsType[*outbound.StatusError](err)
	return action.KindOf(err).Retryable() && (!ok || s.RetryAfter <= longestPause)
}

func (i *Integration) deliver(ctx context.Context, d delivery) error {
	send := func(ctx context.Context) error { return i.send(ctx, d) }
	if d.repeatable() {
		return again.Do(ctx, send)
	}
	return deliver.Once{Name: d.name, MaybeDeliveredHint: "It may already have accepted the data. Check before retrying."}.Do(ctx, send)
}

// patience is how long a receiver may take for a payload: a minute, and a second more for each
// 128 KiB.
func patience(size int64) time.Duration { return time.Minute + time.Duration(size>>17)*time.Second }

// send sends the payload once. Its signature is of the time of sending: receivers refuse old ones.
func (i *Integration) send(ctx context.Context, d delivery) error {
	payload := func() io.Reader { return io.NewSectionReader(d.blob, 0, d.blob.Size()) }
	now := time.Now()
	d.header.Set("Webhook-Timestamp", strconv.FormatInt(now.Unix(), 10))
	if len(d.keys) > 0 {
		signature, err := d.keys.sign(d.id, now, payload())
		if err != nil {
			return err
		}
		d.header.Set("Webhook-Signature", signature)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, patience(d.blob.Size()), action.Errorf(action.Timeout, "%s did not answer in time.", d.name))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, d.method, d.address.String(), http.NoBody)
	if err != nil {
		return fmt.Errorf("preparing a delivery: %w", err)
	}
	req.Header, req.ContentLength = d.header.Clone(), d.blob.Size()
	status, err := webhook.Send(i.http, req, payload(), d.name)
	if err == nil && len(d.expected) > 0 && !slices.Contains(d.expected, status) {
		return action.Errorf(action.Invalid, "%s answered %d %s, which the action's settings do not expect.",
			d.name, status, http.StatusText(status))
	}
	return err
}
