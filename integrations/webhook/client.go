package webhook

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/hub/standardwebhooks"
	"integrationhub.dev/integrations/internal/message"
	"integrationhub.dev/integrations/internal/pasted"
	"integrationhub.dev/integrations/internal/webhook"
)

// delivery is a payload and its request.
type delivery struct {
	// id stays the same if the request is repeated.
	id string
	// name is the receiver's name in messages: its host, which is not a secret.
	name     string
	method   string
	address  *url.URL
	header   http.Header
	keys     standardwebhooks.Keys
	expected statuses
	blob     action.Blob
}

func newDelivery(in input, address *url.URL, req *action.Request, blob action.Blob) delivery {
	d := delivery{
		id: "msg_" + rand.Text(), name: address.Hostname(),
		method:  string(cmp.Or(in.FixedMethod, in.Method, http.MethodPost)),
		address: address, header: http.Header{}, keys: in.SigningSecret.Keys, expected: in.ExpectedStatus, blob: blob,
	}
	for name, value := range in.Headers {
		d.header.Set(name, value)
	}
	switch {
	case in.BearerToken != "":
		d.header.Set("Authorization", "Bearer "+pasted.Token(in.BearerToken.Reveal()))
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

// repeatable reports whether the request is idempotent. PUT is (RFC 9110, section 9.2.2). A signed
// request is too, because the scheme requires the receiver to ignore a repeated Webhook-Id.
func (d delivery) repeatable() bool { return d.method == http.MethodPut || len(d.keys) > 0 }

// retry is for idempotent requests.
var retry = deliver.Retry{MaxAttempts: 5, InitialBackoff: time.Second, MaxBackoff: 30 * time.Second, When: canRetry}

// maxRetryAfter is the longest wait requested by a receiver that is accepted.
const maxRetryAfter = 2 * time.Minute

func canRetry(err error) bool {
	return action.KindOf(err).Retryable() && outbound.RetryAfter(err) <= maxRetryAfter
}

func (i *Integration) deliver(ctx context.Context, d delivery) error {
	send := func(ctx context.Context) error { return i.send(ctx, d) }
	if d.repeatable() {
		return retry.Do(ctx, send)
	}
	return deliver.Once{Name: d.name, MaybeDeliveredHint: "It may already have accepted the data. Check before retrying."}.Do(ctx, send)
}

// timeout is one minute, and one second more for each 128 KiB.
func timeout(size int64) time.Duration { return time.Minute + time.Duration(size>>17)*time.Second }

// send sends the payload once. It signs each attempt anew, since receivers reject old signatures.
func (i *Integration) send(ctx context.Context, d delivery) error {
	payload := func() io.Reader { return io.NewSectionReader(d.blob, 0, d.blob.Size()) }
	now := time.Now()
	d.header.Set("Webhook-Timestamp", strconv.FormatInt(now.Unix(), 10))
	if len(d.keys) > 0 {
		signature, err := d.keys.Sign(d.id, now, payload())
		if err != nil {
			return err
		}
		d.header.Set("Webhook-Signature", signature)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout(d.blob.Size()), action.Errorf(action.Timeout, "%s did not respond in time.", d.name))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, d.method, d.address.String(), http.NoBody)
	if err != nil {
		return fmt.Errorf("preparing a delivery: %w", err)
	}
	req.Header, req.ContentLength = d.header.Clone(), d.blob.Size()
	status, err := webhook.Send(i.http, req, payload(), d.name)
	if err == nil && len(d.expected) > 0 && !slices.Contains(d.expected, status) {
		return action.Errorf(action.Invalid, "%s returned %d %s, which the action's settings do not expect.",
			d.name, status, http.StatusText(status))
	}
	return webhook.Explain(err, d.name, webhook.Limits{})
}
