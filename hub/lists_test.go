package hub_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"integrationhub.dev/hub"
	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/catalog"
	"integrationhub.dev/hub/config"
	"integrationhub.dev/hub/telemetry"
)

// The list is compressed for whoever accepts it, and the same either way.
func TestListCompressed(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil, entry(&fake{definition: definition("a")}), entry(&fake{definition: definition("b")}))
	_, plain := s.post("/", "{}", "Accept-Encoding", "identity")
	for accept, compressed := range map[string]bool{
		"gzip": true, "gzip;q=1.0,deflate;q=0.6,identity;q=0.3": true, "deflate, GZIP ; q=0.5": true,
		"gzip;q=0": false, "gzip;q=0.000": false, "deflate": false, "": false, "xgzip": false,
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", `Token token="`+goodToken+`"`)
		req.Header.Set("User-Agent", "LookerOutgoingWebhook/24.20.41")
		req.Header.Set("Accept-Encoding", accept)
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if got := res.Header.Get("Content-Encoding") == "gzip"; got != compressed {
			t.Errorf("Accept-Encoding %q: compressed %v", accept, got)
			continue
		}
		if res.ContentLength != int64(len(body)) {
			t.Errorf("Accept-Encoding %q: Content-Length %d for %d bytes", accept, res.ContentLength, len(body))
		}
		if compressed {
			r, err := gzip.NewReader(bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			if body, err = io.ReadAll(r); err != nil {
				t.Fatal(err)
			}
		}
		if string(body) != plain {
			t.Errorf("Accept-Encoding %q: %s", accept, body)
		}
	}
}

// A client that invents versions makes the hub neither work nor grow.
func BenchmarkList(b *testing.B) {
	cfg := config.Config{BaseURL: "https://hub.example.com", Label: "Hub", Secret: serviceSecret}
	secrets, err := config.LoadSecrets(cfg.Secret, nil)
	if err != nil {
		b.Fatal(err)
	}
	var entries []action.Registration
	for i := range 40 {
		d := definition(fmt.Sprintf("action_%02d", i))
		if i%4 == 0 {
			d.FormatsFor = func(action.Version) []action.Format { return []action.Format{action.JSONDetail} }
		}
		entries = append(entries, entry(&fake{definition: d}))
	}
	log := slog.New(slog.DiscardHandler)
	available, err := catalog.New(entries, cfg, action.Deps{Log: log})
	if err != nil {
		b.Fatal(err)
	}
	s, err := hub.New(hub.Parts{Config: cfg, Catalog: available, Secrets: secrets, Telemetry: telemetry.New(log, prometheus.NewRegistry())})
	if err != nil {
		b.Fatal(err)
	}
	handler := s.Handler()
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		req := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/", nil)
		req.Header.Set("Authorization", `Token token="`+goodToken+`"`)
		req.Header.Set("User-Agent", fmt.Sprintf("LookerOutgoingWebhook/24.0.%d", i))
		res := httptest.NewRecorder()
		handler.ServeHTTP(res, req)
		if res.Code != http.StatusOK {
			b.Fatal(res.Code, res.Body)
		}
	}
}
