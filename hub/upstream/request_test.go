package upstream_test

import (
	"crypto/x509"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"go.opentelemetry.io/otel/trace"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/config"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/hub/upstream"
)

// body is a request's body that notes whether it was read.
type body struct {
	io.Reader
	read, complete atomic.Bool
}

func (b *body) Read(p []byte) (int, error) {
	b.read.Store(true)
	n, err := b.Reader.Read(p)
	if err != nil {
		b.complete.Store(true)
	}
	return n, err
}

func (b *body) Complete() bool { return b.complete.Load() }
func (*body) Err() error       { return nil }

func request(text string) (upstream.Request, *body) {
	b := &body{Reader: strings.NewReader(text)}
	return upstream.Request{Integration: "rows", Header: http.Header{}, Body: b, Length: -1}, b
}

// The upstream continues the trace of Looker's request.
func TestTrace(t *testing.T) {
	t.Parallel()
	id, span := trace.TraceID{1, 2}, trace.SpanID{3, 4}
	h := newHub(t, serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got, want := r.Header.Get("Traceparent"), "00-"+id.String()+"-"+span.String()+"-01"; got != want {
			t.Errorf("traceparent %q, want %q", got, want)
		}
		_, _ = io.Copy(io.Discard, r.Body) // it is not looked at
		_, _ = io.WriteString(w, `{"looker":{"success":true}}`)
	})))
	ctx := trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{TraceID: id, SpanID: span, TraceFlags: trace.FlagsSampled}))
	r, _ := request("{}")
	if _, err := h.Execute(ctx, r); err != nil {
		t.Error(err)
	}
}

// An upstream that refuses a request by its header gets none of its data.
func TestRefusedBeforeTheData(t *testing.T) {
	t.Parallel()
	h := newHub(t, serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })))
	r, b := request(strings.Repeat(" ", 1<<20))
	_, err := h.Execute(t.Context(), r)
	if action.KindOf(err) != action.Unauthenticated || action.MessageOf(err) != "Action Hub legacy rejected this hub's token. Ask the hub's administrator." {
		t.Errorf("error %v", err)
	}
	if b.read.Load() {
		t.Error("the data was sent")
	}
}

// An upstream that ends in the middle of a request has not delivered it.
func TestKilledWithinTheRequest(t *testing.T) {
	t.Parallel()
	h := newHub(t, serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.CopyN(io.Discard, r.Body, 1<<20) // the rest never arrives
		panic(http.ErrAbortHandler)
	})))
	r, _ := request(strings.Repeat(" ", 64<<20))
	outcome, err := h.Execute(t.Context(), r)
	if outcome != nil || action.MessageOf(err) != "The connection to Action Hub legacy failed." {
		t.Errorf("outcome %s, error %v", outcome, err)
	}
}

// The egress policy applies to upstreams.
func TestEgressPolicy(t *testing.T) {
	t.Parallel()
	c := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request arrived") }))
	set, err := upstream.New(config.Upstreams{c}, upstream.Options{
		Roots: x509.NewCertPool(), Log: slog.New(slog.DiscardHandler),
		NewClient: func(roots *x509.CertPool) *http.Client { return outbound.NewClient(outbound.Options{Roots: roots}) },
	})
	if err != nil {
		t.Fatal(err)
	}
	h := set.Find("legacy")
	const want = "The hub's egress policy does not allow a connection to Action Hub legacy."
	if h.Refresh(t.Context()); h.State().Problem != want {
		t.Errorf("list: %q", h.State().Problem)
	}
	r, b := request("{}")
	if _, err := h.Execute(t.Context(), r); action.MessageOf(err) != want || b.read.Load() {
		t.Errorf("delivery: %v, data was read: %t", err, b.read.Load())
	}
	if _, err := h.Visit(t.Context(), upstream.Visit{Integration: "rows", Leg: "oauth", Query: "state=x"}); action.MessageOf(err) != want {
		t.Errorf("sign-in: %v", err)
	}
}
