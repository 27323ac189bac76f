package outbound_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/hub/panics"
)

type crashing struct{}

func (crashing) Read([]byte) (int, error) { panic("a bug") }

// net/http reads a body on a goroutine of its own: a bug in a reader must not end the hub.
func TestBodyPanics(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	defer srv.Close()
	c := outbound.NewClient(outbound.Options{Policy: outbound.Policy{AllowLoopback: true}})
	for name, size := range map[string]int64{"streamed": -1, "of a known size": 10} {
		req, err := outbound.NewUpload(t.Context(), http.MethodPost, srv.URL, size, func() io.Reader { return crashing{} })
		if err != nil {
			t.Fatal(err)
		}
		_, err = outbound.Do(c, req, "there")
		if panics.Of(err) == nil || action.KindOf(err) != action.Internal {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
