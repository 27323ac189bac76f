package outbound

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// belowChain is what a client's requests pass after [NewTransport]'s own round trippers.
func belowChain(c *http.Client) http.RoundTripper {
	return c.Transport.(userAgent).next.(collector).next.(tracer).next.(bodyGuard).next
}

// Every request names the hub, in front of an SDK's own name, and the caller's request stays
// as it was.
func TestUserAgent(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, given, want string }{
		{name: "none", given: "", want: product()},
		{name: "an SDK's", given: "aws-sdk-go-v2/1.2", want: product() + " aws-sdk-go-v2/1.2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got string
			srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header.Get("User-Agent") }))
			t.Cleanup(srv.Close)
			c := NewClient(Options{Policy: Policy{AllowLoopback: true}})
			t.Cleanup(c.CloseIdleConnections)
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			if tt.given != "" {
				req.Header.Set("User-Agent", tt.given)
			}
			res, err := c.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			if got != tt.want || !strings.HasPrefix(got, "IntegrationHub/") {
				t.Errorf("User-Agent %q, want %q", got, tt.want)
			}
			if h := req.Header.Get("User-Agent"); h != tt.given {
				t.Errorf("the caller's request has the User-Agent %q", h)
			}
		})
	}
}
