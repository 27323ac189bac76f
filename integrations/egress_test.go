package integrations_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"integrationhub.dev/hub/outbound"
)

// blocked is a way out that the egress policy closes.
type blocked struct{}

func (blocked) RoundTrip(req *http.Request) (*http.Response, error) {
	return nil, fmt.Errorf("dialing %s: %w", req.URL.Hostname(), outbound.ErrForbiddenAddress)
}

// makesNoCalls are those that make no HTTP calls: a delivery of theirs fails for other reasons.
var makesNoCalls = []string{"debug", "email", "queue_action", "sftp"}

// An egress policy that blocks a destination is what the user is told, and not that the
// credentials are wrong.
func TestEgressPolicyIsNamed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHubWith(t, slog.New(slog.DiscardHandler), secretSettings(), blocked{})
		for name, r := range requests(t) {
			if slices.Contains(makesNoCalls, name) {
				continue
			}
			_, text := ask(t, h, "24.20.41", "/actions/"+name+"/execute", r.body())
			if !strings.Contains(string(text), "egress policy does not allow a connection to") {
				t.Errorf("%s: %s", name, text)
			}
			_, text = ask(t, h, "24.20.41", "/actions/"+name+"/form", r.body())
			if strings.HasPrefix(string(text), `{"error"`) && !strings.Contains(string(text), "egress policy does not allow a connection to") {
				t.Errorf("%s's form: %s", name, text)
			}
		}
	})
}
