package doctor

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"integrationhub.dev/hub/cmd/hub/internal/looker"
)

// fakeHub answers as a hub does, apart from what a case changes.
type fakeHub struct {
	list, form string
	skew       time.Duration
}

const (
	offered = `{"label":"Fake","integrations":[{"name":"a","params":[{"name":"key","required":true}],"form_url":"x","url":"URL/actions/a/execute"},` +
		`{"name":"b","params":[],"form_url":"x","url":"URL/actions/b/execute","supported_action_types":["query"]}]}`
	someForm = `{"fields":[{"name":"url"}]}`
)

func (f fakeHub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", time.Now().Add(f.skew).UTC().Format(http.TimeFormat))
	switch {
	case r.Method == http.MethodHead:
	case r.Header.Get("Authorization") != `Token token="good"`:
		http.Error(w, `{"success":false,"error":"Invalid 'Authorization' header."}`, http.StatusForbidden)
	case r.URL.Path == "/":
		_, _ = w.Write([]byte(strings.ReplaceAll(f.list, "URL", "https://"+r.Host)))
	case r.URL.Path == "/actions/b/form":
		_, _ = w.Write([]byte(f.form))
	default:
		http.NotFound(w, r)
	}
}

func TestDoctor(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		hub    fakeHub
		adjust func(d *Doctor)
		// want is by check: the status and the beginning of the message or advice. Others are ok.
		want map[string]string
		// skipped begin with this check.
		skipped string
	}{
		{name: "healthy"},
		{
			name: "no scheme", adjust: func(d *Doctor) { d.options.URL = "localhost:1" },
			want: map[string]string{"address": "failed the hub's address needs https://: try https://localhost:1"}, skipped: "dns",
		},
		{
			name: "plain", adjust: func(d *Doctor) { d.options.URL = "http://localhost:1" },
			want: map[string]string{"address": "failed http://localhost:1 is plain HTTP: Looker requires https"}, skipped: "dns",
		},
		{
			name: "unknown name",
			adjust: func(d *Doctor) {
				d.options.URL = "https://hub.example.com"
				d.lookup = func(context.Context, string) ([]net.IPAddr, error) { return nil, errors.New("no such host") }
			},
			want: map[string]string{"dns": "failed hub.example.com does not resolve: add a DNS record"}, skipped: "connection",
		},
		{
			name: "public address", adjust: func(d *Doctor) {
				d.lookup = func(context.Context, string) ([]net.IPAddr, error) {
					return []net.IPAddr{{IP: net.IPv4(93, 184, 216, 34)}}, nil
				}
			},
			want: map[string]string{"dns": "ok 127.0.0.1 is 93.184.216.34"},
		},
		{
			name: "nothing there", adjust: func(d *Doctor) { d.options.URL = "https://127.0.0.1:1" },
			want: map[string]string{"connection": "failed nothing is listening at 127.0.0.1:1: check that the hub is running"}, skipped: "certificate",
		},
		{
			name: "unknown authority", adjust: func(d *Doctor) { d.options.CAFile = "" },
			want: map[string]string{"certificate": "failed the certificate is issued by O=Acme Co, which this machine does not trust: Looker requires"}, skipped: "clock",
		},
		{
			name: "missing authority", adjust: func(d *Doctor) { d.options.CAFile = "/nope.pem" },
			want: map[string]string{"certificate": "failed reading certificate authorities: open /nope.pem"}, skipped: "clock",
		},
		{
			name: "other name", adjust: func(d *Doctor) { d.options.URL = strings.Replace(d.options.URL, "127.0.0.1", "localhost", 1) },
			want: map[string]string{"dns": "warning localhost is", "certificate": "failed the hub's certificate is not for localhost, but for example.com"}, skipped: "clock",
		},
		{
			name: "expired", adjust: func(d *Doctor) { d.now = func() time.Time { return time.Now().AddDate(100, 0, 0) } },
			want: map[string]string{"certificate": "failed the hub's certificate is valid from 1970-01-01 00:00 to 2084-01-29 16:00 UTC only: renew it"}, skipped: "clock",
		},
		{
			name: "expires soon", adjust: func(d *Doctor) { d.now = func() time.Time { return time.Date(2084, 1, 20, 0, 0, 0, 0, time.UTC) } },
			want: map[string]string{"certificate": "warning issued by O=Acme Co, valid until 2084-01-29: renew it", "clock": "failed the hub's clock is"},
		},
		{
			name: "slow clock", hub: fakeHub{skew: -10 * time.Minute},
			want: map[string]string{"clock": "failed the hub's clock is 10m0s behind this machine's: synchronize both"},
		},
		{
			name: "fast clock", hub: fakeHub{skew: 10 * time.Minute},
			want: map[string]string{"clock": "failed the hub's clock is 9m59s ahead of this machine's: synchronize both"},
		},
		{
			name: "no token", adjust: func(d *Doctor) { d.options.Token = "" },
			want: map[string]string{"token": "failed no token is set: set HUB_TOKEN"}, skipped: "list",
		},
		{
			name: "wrong token", adjust: func(d *Doctor) { d.options.Token = "bad" },
			want: map[string]string{"token": "failed the hub rejected the token: HUB_TOKEN must be made from"}, skipped: "list",
		},
		{
			name: "nothing on offer", hub: fakeHub{list: `{"label":"Fake","integrations":[]}`},
			want: map[string]string{"list": "failed the hub has no integrations: enable integrations", "form": "skipped not checked: every form"},
		},
		{
			name: "other base URL", hub: fakeHub{list: strings.ReplaceAll(offered, "URL", "https://old.example.com")},
			want: map[string]string{"urls": "failed the hub's list sends deliveries to https://old.example.com/actions/a/execute: set ACTION_HUB_BASE_URL"},
		},
		{
			name: "broken form", hub: fakeHub{form: `{"error":"The vendor is down."}`},
			want: map[string]string{"form": "failed the form of b has an error: The vendor is down: see the hub's log"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.hub.list == "" {
				test.hub.list = offered
			}
			if test.hub.form == "" {
				test.hub.form = someForm
			}
			srv := httptest.NewTLSServer(test.hub)
			t.Cleanup(srv.Close)
			ca := filepath.Join(t.TempDir(), "ca.pem")
			if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o600); err != nil {
				t.Fatal(err)
			}
			d := New(looker.Options{URL: srv.URL, CAFile: ca, Token: "good"})
			if test.adjust != nil {
				test.adjust(d)
			}
			want := map[string]string{"dns": "warning 127.0.0.1 is 127.0.0.1, which is not a public address: a Looker instance in the same network can reach it"}
			maps.Copy(want, test.want)
			report, skipping := d.Run(t.Context()), false
			for _, c := range report {
				skipping = skipping || c.Name == test.skipped
				text, expected := want[c.Name]
				switch {
				case skipping:
					text = "skipped not checked: "
				case !expected:
					text = "ok "
				}
				if got := fmt.Sprintf("%s %s: %s", c.Status, c.Message, c.Advice); !strings.HasPrefix(got, text) {
					t.Errorf("%s: got %q, want %q", c.Name, got, text)
				}
			}
			if failing := strings.Contains(fmt.Sprint(test.want), "failed "); Healthy(report) == failing {
				t.Errorf("healthy: %v", !failing)
			}
			if len(report) != 9 {
				t.Errorf("got %d checks", len(report))
			}
		})
	}
}
