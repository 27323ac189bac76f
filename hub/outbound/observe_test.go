package outbound_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
)

// brokenBody is a source that ends with an error.
type brokenBody struct{ err error }

func (b brokenBody) Read([]byte) (int, error) { return 0, b.err }

func TestObserve(t *testing.T) {
	t.Parallel()
	type key struct{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		switch r.URL.Path {
		case "/moved":
			w.WriteHeader(http.StatusFound)
		case "/missing":
			w.WriteHeader(http.StatusNotFound)
		case "/cut":
			panic(http.ErrAbortHandler)
		}
	}))
	t.Cleanup(srv.Close)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		name, url string
		ctx       context.Context //nolint:containedctx // a row of the table
		body      io.Reader
		want      string
	}{
		{name: "well", url: srv.URL, want: "ok"},
		{name: "moved", url: srv.URL + "/moved", want: "ok"},
		{name: "refused", url: srv.URL + "/missing", want: "not_found"},
		{name: "cut off", url: srv.URL + "/cut", want: "unavailable"},
		{name: "no listener", url: "http://127.0.0.1:1", want: "unavailable"},
		{name: "forbidden by the policy", url: "http://169.254.169.254", want: "forbidden"},
		{name: "given up", url: srv.URL, ctx: cancelled, want: "unavailable"},
		{name: "source broken", url: srv.URL, body: brokenBody{action.Errorf(action.Timeout, "Too slow.")}, want: "timeout"},
		{name: "source broken by a bug", url: srv.URL, body: brokenBody{errors.New("x")}, want: "unavailable"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			c := outbound.NewClient(outbound.Options{
				Policy: outbound.Policy{AllowLoopback: true},
				Observe: func(ctx context.Context, outcome string, took time.Duration) {
					if ctx.Value(key{}) != tt.name || took <= 0 {
						t.Errorf("told of %v after %v", ctx.Value(key{}), took)
					}
					got = append(got, outcome)
				},
			})
			t.Cleanup(c.CloseIdleConnections)
			ctx := tt.ctx
			if ctx == nil {
				ctx = t.Context()
			}
			req, err := http.NewRequestWithContext(context.WithValue(ctx, key{}, tt.name), http.MethodPost, tt.url, tt.body)
			if err != nil {
				t.Fatal(err)
			}
			if res, err := c.Do(req); err == nil {
				res.Body.Close()
			}
			if len(got) != 1 || got[0] != tt.want {
				t.Errorf("told %v, want %s", got, tt.want)
			}
		})
	}
}
