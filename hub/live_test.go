package hub_test

import (
	"crypto/tls"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"integrationhub.dev/hub"
	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/config"
)

// watch serves a hub.
func watch(t *testing.T, s *hub.Server) *server {
	t.Helper()
	srv := httptest.NewServer(s.Handler())
	t.Cleanup(srv.Close)
	return &server{srv, t}
}

func TestLiveState(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "spool")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	h := newHub(t, with(map[string]string{"ACTION_HUB_SPOOL_DIR": dir}, public), hub.Parts{})
	s := watch(t, h)
	is := func(state string) {
		t.Helper()
		_, body := s.awaitLive(func(l liveStatus) bool { return l.State == state })
		if strings.Contains(body, dir) || strings.Contains(body, "certificate") {
			t.Error(body)
		}
	}
	is("ready")
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	is("not_ready")
	if _, html := s.get("/", "Accept", browserAccept); !strings.Contains(html, `<p class="badge not_ready" data-state>`) || !strings.Contains(html, "Not ready") {
		t.Error(html)
	}
	h.Drain()
	is("draining")
}

// Ends that are near are shown: the certificate's, and those of API versions.
func TestLiveEnds(t *testing.T) {
	t.Parallel()
	cert := selfSigned(t, "localhost")
	loaded, err := tls.X509KeyPair([]byte(cert.cert), []byte(cert.key))
	if err != nil {
		t.Fatal(err)
	}
	day := func(n int) string { return time.Now().AddDate(0, 0, n).Format(time.DateOnly) }
	acme := entry(&fake{definition: definition("acme")})
	acme.APIs = []action.API{
		{Name: "Near API", Version: "v1", EndOfLife: day(50)},
		{Name: "Far API", Version: "v2", EndOfLife: day(70)},
		{Name: "Past API", Version: "v3", EndOfLife: day(-1)},
		{Name: "Open API", Version: "v4"},
	}
	absent := lacking("zapier", "ZAPIER_KEY")
	absent.APIs = acme.APIs
	s := watch(t, newHub(t, public, hub.Parts{Certificate: config.NewCertificate(loaded)}, acme, absent))
	_, body := s.get("/status/live")
	leaf := loaded.Leaf.NotAfter.UTC()
	for _, want := range []string{
		`"apis_near_end":[{"integration":"acme","api":"Near API","version":"v1","end_of_life":"` + day(50) + `"},` +
			`{"integration":"acme","api":"Past API","version":"v3","end_of_life":"` + day(-1) + `"}]`,
		`"certificate_not_after":"` + leaf.Format(time.RFC3339) + `"`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("%s is not in %s", want, body)
		}
	}
	if soon := strings.Contains(body, `"certificate_expires_soon":true`); soon != (time.Until(leaf) < 7*24*time.Hour) {
		t.Errorf("the certificate ends at %s: %s", leaf, body)
	}
	_, html := s.get("/", "Accept", browserAccept)
	if !strings.Contains(html, "Near API v1, retired on "+day(50)) || strings.Contains(html, "Far API") || !strings.Contains(html, leaf.Format("2006-01-02 15:04 UTC")) {
		t.Error(html)
	}
}
