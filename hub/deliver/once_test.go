package deliver_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
)

// markWritten does what the HTTP client does when it has written a request.
func markWritten(ctx context.Context) { httptrace.ContextClientTrace(ctx).WroteHeaders() }

func TestOnce(t *testing.T) {
	t.Parallel()
	limited := func(wait time.Duration) error {
		return action.Wrap(&outbound.StatusError{Code: 429, RetryAfter: wait}, action.RateLimited, "Busy.")
	}
	down := action.Wrap(errors.New("refused"), action.Unavailable, "No connection.")
	for _, tt := range []struct {
		name    string
		sent    bool    // whether each call gets as far as sending
		errs    []error // of each call, then of all others
		calls   int
		took    time.Duration // the minimum; 0 means no wait
		kind    action.Kind
		message string
	}{
		{name: "at once", sent: true, errs: []error{nil}, calls: 1},
		{name: "rejected for its rate", sent: true, errs: []error{limited(0), limited(20 * time.Second), nil}, calls: 3, took: 20 * time.Second},
		{name: "rejected for its rate for good", sent: true, errs: []error{limited(0)}, calls: 4, took: time.Second, kind: action.RateLimited, message: "Busy."},
		{name: "asked to wait for long", sent: true, errs: []error{limited(time.Hour)}, calls: 1, kind: action.RateLimited, message: "Busy."},
		{name: "no connection at first", errs: []error{down, nil}, calls: 2, took: time.Millisecond},
		{name: "no connection", errs: []error{down}, calls: 4, took: time.Second, kind: action.Unavailable, message: "No connection."},
		{name: "a connection that breaks", sent: true, errs: []error{down}, calls: 1, kind: action.Unavailable, message: "No connection. It may be there."},
		{name: "rejected", sent: true, errs: []error{action.Errorf(action.Invalid, "Bad.")}, calls: 1, kind: action.Invalid, message: "Bad."},
		{name: "not allowed", errs: []error{action.Errorf(action.Forbidden, "No.")}, calls: 1, kind: action.Forbidden, message: "No."},
		{name: "a bug", errs: []error{errors.New("x")}, calls: 1, kind: action.Internal, message: "Internal server error."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				calls, start := 0, time.Now()
				once := deliver.Once{Name: "Them", Timeout: time.Minute, MaybeDeliveredHint: "It may be there."}
				err := once.Do(t.Context(), func(ctx context.Context) error {
					if tt.sent {
						markWritten(ctx)
					}
					calls++
					return tt.errs[min(calls, len(tt.errs))-1]
				})
				took := time.Since(start)
				if calls != tt.calls {
					t.Errorf("%d calls, want %d", calls, tt.calls)
				}
				if took < tt.took || tt.took == 0 && took != 0 {
					t.Errorf("it took %v, want at least %v, and no time without a wait", took, tt.took)
				}
				if tt.message == "" {
					if err != nil {
						t.Error(err)
					}
					return
				}
				if got := action.MessageOf(err); got != tt.message {
					t.Errorf("error %q, want %q", got, tt.message)
				}
				if got := action.KindOf(err); got != tt.kind {
					t.Errorf("kind %q, want %q", got, tt.kind)
				}
			})
		})
	}
}

func TestOnceEnds(t *testing.T) {
	t.Parallel()
	late := func(ctx context.Context) error {
		markWritten(ctx)
		<-ctx.Done()
		return fmt.Errorf("calling: %w", context.Cause(ctx))
	}
	t.Run("an answer that does not come", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			err := deliver.Once{Name: "Them", Timeout: time.Minute, MaybeDeliveredHint: "It may be there."}.Do(t.Context(), late)
			if got, want := action.MessageOf(err), "Them did not respond in time. It may be there."; got != want || action.KindOf(err) != action.Timeout {
				t.Errorf("error %v (%v), want %q", err, action.KindOf(err), want)
			}
		})
	})
	t.Run("a delivery that is cancelled", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			err := deliver.Once{Name: "Them", MaybeDeliveredHint: "It may be there."}.Do(ctx, late)
			if got, want := action.MessageOf(err), "The delivery was cancelled before it was complete. It may be there."; got != want || !errors.Is(err, context.Canceled) {
				t.Errorf("error %v, want %q", err, want)
			}
		})
	})
}

// The trace of the HTTP client says whether the request was written.
func TestOnceByHTTP(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		dial    func() (net.Conn, error)
		dials   int
		message string
	}{
		{"no connection", func() (net.Conn, error) { return nil, errors.New("refused") }, 4, "The connection to Them failed."},
		{"a connection that breaks", func() (net.Conn, error) {
			ours, theirs := net.Pipe()
			go func() {
				_, _ = theirs.Read(make([]byte, 1))
				_ = theirs.Close()
			}()
			return ours, nil
		}, 1, "The connection to Them failed. It may be there."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dials := 0
				client := &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
					dials++
					return tt.dial()
				}}}
				err := deliver.Once{Name: "Them", MaybeDeliveredHint: "It may be there."}.Do(t.Context(), func(ctx context.Context) error {
					req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://them.example.com/", strings.NewReader("x"))
					if err != nil {
						return err
					}
					return outbound.JSON(client, req, "Them", nil)
				})
				if got := action.MessageOf(err); got != tt.message || dials != tt.dials {
					t.Errorf("%d connections and %q, want %d and %q", dials, got, tt.dials, tt.message)
				}
			})
		})
	}
}

// A server that closes idle connections causes no doubt: the call uses a fresh connection with HTTP/1.1.
func TestOnceIsFresh(t *testing.T) {
	t.Parallel()
	protocol := make(chan string, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { protocol <- r.Proto }))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	client := outbound.NewClient(outbound.Options{Policy: outbound.Policy{AllowLoopback: true}, Roots: roots})
	defer client.CloseIdleConnections()
	err := deliver.Once{Name: "the peer"}.Do(t.Context(), func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL, strings.NewReader("data"))
		if err != nil {
			return err
		}
		res, err := outbound.Do(client, req, "the peer")
		if err != nil {
			return err
		}
		return res.Body.Close()
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := <-protocol; got != "HTTP/1.1" {
		t.Errorf("the call came by %s", got)
	}
}
