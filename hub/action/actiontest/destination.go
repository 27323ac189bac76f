package actiontest

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"

	"integrationhub.dev/hub/outbound"
)

// Destination is a fake of the other side. It records every request, and answers from a
// script: the replies in their order, then the last one again, or what Handle says.
// Nothing is asserted while a request is served; the test compares the record afterwards.
type Destination struct {
	server *httptest.Server

	mu       sync.Mutex
	requests []Recorded
	replies  []Reply
	handle   func(Recorded) Reply
	checked  bool
}

// Recorded is one request as it arrived.
type Recorded struct {
	Method string
	Host   string
	Path   string
	Query  url.Values
	Header http.Header
	Body   []byte
	// Broken is set when the client broke off before the body was complete.
	Broken bool
}

// Reply is one answer. The zero value is 200 without a body.
type Reply struct {
	Status int
	Header map[string]string
	Body   string
	// Reset cuts the connection in place of an answer.
	Reset bool
}

// NewDestination starts a destination that ends with the test.
func NewDestination(t testing.TB) *Destination {
	t.Helper()
	d := &Destination{}
	d.checkAtEnd(t) // runs after the server is closed
	d.server = httptest.NewUnstartedServer(http.HandlerFunc(d.serve))
	d.server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug) // connections are cut on purpose
	d.server.StartTLS()
	t.Cleanup(d.server.Close)
	return d
}

// Reply adds answers to the script.
func (d *Destination) Reply(replies ...Reply) *Destination {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.replies = append(d.replies, replies...)
	return d
}

// Handle answers by what was asked. It is called for one request at a time.
func (d *Destination) Handle(f func(Recorded) Reply) *Destination {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.handle = f
	return d
}

// Requests returns what has arrived so far.
func (d *Destination) Requests() []Recorded {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]Recorded(nil), d.requests...)
}

// Complete returns those requests whose body arrived whole.
func (d *Destination) Complete() []Recorded {
	var whole []Recorded
	for _, r := range d.Requests() {
		if !r.Broken {
			whole = append(whole, r)
		}
	}
	return whole
}

func (d *Destination) serve(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	rec := Recorded{
		Method: req.Method, Host: req.Host, Path: req.URL.EscapedPath(), Query: req.URL.Query(),
		Header: req.Header.Clone(), Body: bytes.Clone(body), Broken: err != nil,
	}
	reply := d.record(rec)
	if reply.Reset {
		panic(http.ErrAbortHandler)
	}
	for k, v := range reply.Header {
		w.Header().Set(k, v)
	}
	if reply.Status != 0 {
		w.WriteHeader(reply.Status)
	}
	_, _ = io.WriteString(w, reply.Body)
}

func (d *Destination) record(rec Recorded) Reply {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.requests = append(d.requests, rec)
	switch {
	case d.handle != nil:
		return d.handle(rec)
	case len(d.replies) == 0:
		return Reply{}
	case len(d.replies) == 1:
		return d.replies[0]
	}
	reply := d.replies[0]
	d.replies = d.replies[1:]
	return reply
}

// client leads every connection to the destination, over TLS, and like the hub's own
// follows no redirects.
func (d *Destination) client() *http.Client {
	if d.server == nil {
		return &http.Client{Transport: outbound.NewTransport(socketless{d}, nil), CheckRedirect: lastResponse}
	}
	address := d.server.Listener.Addr().String()
	return &http.Client{
		Transport: outbound.NewTransport(&http.Transport{
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, address)
			},
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // any name leads here, none can be verified
		}, nil),
		CheckRedirect: lastResponse,
	}
}

// plainClient leads there too what goes in clear text elsewhere.
func (d *Destination) plainClient() *http.Client {
	c := d.client()
	c.Transport = encrypted{c.Transport}
	return c
}

type encrypted struct{ next http.RoundTripper }

func (e encrypted) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.URL.Scheme = "https"
	return e.next.RoundTrip(req)
}

func lastResponse(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
