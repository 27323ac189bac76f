package actiontest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/hub/payload"
)

// Delivery is a delivery of an integration, for [Conform].
type Delivery struct {
	// Env is the hub's environment.
	Env map[string]string
	// Params and Form are the action's settings and the user's answers. They must be complete, so
	// that the delivery gets as far as the first request.
	Params, Form map[string]string
	// State is what Looker keeps for the user.
	State string
	// MIME, Extension and Data are the attachment.
	MIME, Extension, Data string
	// Secrets are texts that no error may contain after the hub's redaction.
	Secrets []string
	// Kinds are the error kinds of statuses that mean something special to the destination. Other
	// statuses have the kind of [action.KindOfStatus].
	Kinds map[int]action.Kind
	// Repeats says why requests that change something may be sent twice. If it is empty, they must
	// not be.
	Repeats string
	// ReadsFirst marks an integration that makes no request before it has read all of the data.
	ReadsFirst bool
	// OtherProtocol marks an integration that makes no HTTP request.
	OtherProtocol bool
}

// Conform checks what every integration promises, by deliveries to destinations that fail:
//
//   - an unsuccessful status becomes an error of the right kind, with a message for the user
//   - no error contains a secret, even if the destination repeats the request in its response
//   - every request names the hub in its User-Agent header
//   - cancellation ends the delivery
//   - data that breaks off is an error, before any request if all data is read first
//   - after a lost response, no request is sent twice that could have its effect twice
func Conform(t *testing.T, c action.Constructor, d Delivery) {
	t.Helper()
	t.Run("cancellation", func(t *testing.T) { t.Parallel(); synctest.Test(t, d.conform(c).cancellation) })
	t.Run("broken source", func(t *testing.T) { t.Parallel(); synctest.Test(t, d.conform(c).brokenSource) })
	if d.OtherProtocol {
		return
	}
	t.Run("status", func(t *testing.T) { t.Parallel(); synctest.Test(t, d.conform(c).statuses) })
	t.Run("secrets", func(t *testing.T) { t.Parallel(); synctest.Test(t, d.conform(c).secrets) })
	t.Run("sent once", func(t *testing.T) { t.Parallel(); synctest.Test(t, d.conform(c).sentOnce) })
}

func (d Delivery) conform(c action.Constructor) *conformance { return &conformance{d, c} }

type conformance struct {
	Delivery
	constructor action.Constructor
}

// integration makes the integration, with every connection led to a client.
func (c *conformance) integration(t *testing.T, client *http.Client) action.Integration {
	t.Helper()
	deps := Deps(t, nil, c.Env)
	deps.HTTP, deps.Identity = client, client
	deps.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	deps.StartJob = func(ctx context.Context, start func(context.Context) (action.Job, error)) error {
		_, err := start(ctx)
		return err
	}
	return New(t, c.constructor, deps)
}

func (c *conformance) request(t *testing.T) *action.Request {
	t.Helper()
	req := Query(c.Params, c.Form)
	req.State, req.InstanceID = c.State, "acme"
	return Inline(t, req, c.MIME, c.Extension, []byte(c.Data))
}

// deliver makes a delivery. Like the hub's, its context collects the credentials that requests
// carry.
func (c *conformance) deliver(ctx context.Context, i action.Integration, req *action.Request) error {
	ctx = outbound.WithSecrets(ctx)
	_, err := i.Execute(ctx, req)
	if err == nil {
		return nil
	}
	return scrubbedError{err, outbound.SecretsOf(ctx)}
}

// scrubbedError is an error as the hub logs and shows it.
type scrubbedError struct {
	error
	secrets *outbound.Secrets
}

// Error implements error.
func (e scrubbedError) Error() string {
	return e.secrets.Scrub(e.error.Error() + "\n" + action.MessageOf(e.error))
}

// Unwrap returns the error as the integration made it.
func (e scrubbedError) Unwrap() error { return e.error }

// checkError checks what holds for the errors of destinations.
func (c *conformance) checkError(t *testing.T, what string, err error) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error", what)
		return
	}
	if action.KindOf(err) == action.Internal {
		t.Errorf("%s: an error that is not classified: %v", what, err)
	}
	c.checkSecrets(t, what, err)
}

func (c *conformance) checkSecrets(t *testing.T, what string, err error) {
	t.Helper()
	for _, secret := range c.Secrets {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: an error contains the secret %q: %v", what, secret, err)
		}
	}
}

func (c *conformance) statuses(t *testing.T) {
	for _, status := range []int{302, 400, 401, 403, 404, 413, 429, 500, 503} {
		d := NewSocketless().Reply(Reply{Status: status})
		d.checkAtEnd(t)
		err := c.deliver(t.Context(), c.integration(t, d.client()), c.request(t))
		what := fmt.Sprintf("status %d", status)
		want, special := c.Kinds[status]
		if !special {
			want = action.KindOfStatus(status)
		}
		if got := action.KindOf(err); err == nil || got != want {
			t.Errorf("%s: an error of kind %s, want %s: %v", what, got, want, err)
		}
		if text := action.MessageOf(err); err != nil && !strings.HasSuffix(text, ".") {
			t.Errorf("%s: the message is not a sentence: %q", what, text)
		}
		c.checkRequests(t, d)
	}
}

func (c *conformance) checkRequests(t *testing.T, d *Destination) {
	t.Helper()
	if len(d.Requests()) == 0 {
		t.Error("the delivery made no request")
	}
	for _, r := range d.Requests() {
		if name := r.Header.Get("User-Agent"); !strings.HasPrefix(name, "IntegrationHub/") {
			t.Errorf("the User-Agent of a request to %s is %q", r.Host, name)
		}
	}
}

// echo repeats a request in the places where APIs put their messages.
func echo(r Recorded) string {
	var header strings.Builder
	_ = r.Header.Write(&header) // a strings.Builder never fails
	text, err := json.Marshal(r.Method + " " + r.Path + "?" + r.Query.Encode() + " " + header.String() + " " + string(r.Body))
	if err != nil {
		panic(err) // a text can be encoded
	}
	const format = `{"message":%[1]s,"detail":%[1]s,"error_summary":%[1]s,"error":{"message":%[1]s},` +
		`"errors":[%[1]s],"errorMessages":[%[1]s]}`
	return fmt.Sprintf(format, text)
}

func (c *conformance) secrets(t *testing.T) {
	for _, status := range []int{200, 400, 401, 403, 409, 500} {
		d := NewSocketless().Handle(func(r Recorded) Reply { return Reply{Status: status, Body: echo(r)} })
		d.checkAtEnd(t)
		err := c.deliver(t.Context(), c.integration(t, d.client()), c.request(t))
		if err != nil {
			c.checkSecrets(t, fmt.Sprintf("status %d", status), err)
		}
	}
}

// maxCancel is the longest time that a delivery may take to end after its cancellation. It leaves
// time to remove what is incomplete at the destination.
const maxCancel = time.Minute

func (c *conformance) cancellation(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(time.Second, cancel)
	start := time.Now()
	if err := c.deliver(ctx, c.integration(t, Late()), c.request(t)); err == nil {
		t.Error("a delivery that was canceled succeeded")
	}
	if took := time.Since(start); took > maxCancel {
		t.Errorf("the delivery ended %v after its cancellation", took)
	}
}

const brokenDownload = "The download from Looker ended before the data was complete."

var errBrokenSource = errors.New("the source broke off")

// brokenSource serves the beginning of the data.
type brokenSource struct{ data string }

// RoundTrip implements [http.RoundTripper].
func (b brokenSource) RoundTrip(req *http.Request) (*http.Response, error) {
	body := io.MultiReader(strings.NewReader(b.data), failingReader{})
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(body), ContentLength: -1, Request: req}, nil
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, errBrokenSource }

func (c *conformance) brokenSource(t *testing.T) {
	d := NewSocketless()
	d.checkAtEnd(t)
	req := c.request(t)
	e := payload.NewEnvelope((&payload.Spool{Dir: t.TempDir()}).Share(t.Context()))
	e.Plan.DownloadURL = "https://looker.example.com/downloads/x"
	client := &http.Client{Transport: brokenSource{c.Data[:len(c.Data)/2]}}
	req.Data = e.Data(&payload.Downloader{Client: client, Timeout: 5 * time.Second})
	err := c.deliver(t.Context(), c.integration(t, d.client()), req)
	if err == nil {
		t.Error("a delivery whose data broke off succeeded")
	}
	if !c.ReadsFirst {
		return
	}
	if n := len(d.Requests()); n != 0 {
		t.Errorf("%d requests were made for data that broke off", n)
	}
	if got := action.MessageOf(err); got != brokenDownload {
		t.Errorf("the message is %q, want %q", got, brokenDownload)
	}
}

// sentOnce loses every response.
func (c *conformance) sentOnce(t *testing.T) {
	d := NewSocketless().Reply(Reply{Reset: true})
	d.checkAtEnd(t)
	c.checkError(t, "a lost response", c.deliver(t.Context(), c.integration(t, d.client()), c.request(t)))
	seen, repeated := map[string]bool{}, false
	for _, r := range d.Requests() {
		if r.Method == http.MethodGet || r.Method == http.MethodHead || strings.Contains(string(r.Body), "grant_type=") {
			continue // it changes nothing, or asks for an access token
		}
		request := r.Method + " " + r.Host + r.Path + "?" + r.Query.Encode() + " " + string(r.Body)
		if repeated = repeated || seen[request]; seen[request] && c.Repeats == "" {
			t.Errorf("sent twice: %s %s%s", r.Method, r.Host, r.Path)
		}
		seen[request] = true
	}
	if c.Repeats != "" && !repeated {
		t.Error("nothing was sent twice: Repeats is not needed")
	}
}
