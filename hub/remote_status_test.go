package hub_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/catalog"
)

// The status and the pages show other hubs, their integrations, and what is wrong with them.
func TestRemoteStatus(t *testing.T) {
	t.Parallel()
	up := newReference(t)
	c := upstreamConfig(t, up.Server, upstreamToken)
	taken := c
	taken.Name, taken.Integrations = "second", []string{"rows", "none"}
	s := before(t, map[string]string{"ACTION_HUB_STATUS_PAGE": "public"}, c, taken)
	var got struct {
		Integrations struct{ On []string }
		Upstreams    []struct {
			Name, URL, Problem string
			Integrations       []string
			Refused            []catalog.Refusal
		}
	}
	_, text := s.ask(http.MethodGet, "/status", "")
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Integrations.On) > 0 {
		t.Errorf("other hubs' integrations are among the hub's own: %v", got.Integrations.On)
	}
	if len(got.Upstreams) != 2 || got.Upstreams[0].Name != "legacy" || got.Upstreams[0].URL != up.URL || got.Upstreams[0].Problem != "" ||
		!slices.Equal(got.Upstreams[0].Integrations, []string{"old_files", "old_rows"}) || len(got.Upstreams[0].Refused) > 0 {
		t.Fatalf("upstreams %+v", got.Upstreams)
	}
	if diff := cmp.Diff([]catalog.Refusal{
		{Name: "old_none", Reason: "It is not in the list of Action Hub second."},
		{Name: "old_rows", Reason: "The name is already used by an integration of the upstream legacy. Set a prefix."},
	}, got.Upstreams[1].Refused); diff != "" {
		t.Errorf("refused (-want +got):\n%s", diff)
	}
	if strings.Contains(text, upstreamToken) || strings.Contains(text, c.TokenFile) {
		t.Errorf("the status has the token or its file: %s", text)
	}
	page := func(path string) string {
		_, text := s.ask(http.MethodGet, path, "", "Accept", "text/html")
		return text
	}
	for _, want := range []string{
		`href="/integrations/old_files"`, "Action Hub legacy",
		"Integrations of Action Hub second are not available: old_none (It is not in the list of Action Hub second), old_rows (The name is already used by an integration of the upstream legacy. Set a prefix).",
	} {
		if text := page("/"); !strings.Contains(text, want) {
			t.Errorf("the index lacks %s", want)
		}
	}
	for _, want := range []string{"forwarded to the upstream <code>legacy</code>", "named <code>files</code>", "Each user signs in once"} {
		if text := page("/integrations/old_files"); !strings.Contains(text, want) {
			t.Errorf("the page of an integration lacks %s", want)
		}
	}
	if text := page("/integrations/old_files"); strings.Contains(text, "kubectl") {
		t.Error("the page of an integration says how to enable it here")
	}
}

// An upstream that fails keeps its integrations, and the page says since when.
func TestRemoteStatusOfAProblem(t *testing.T) {
	t.Parallel()
	up := newReference(t)
	h := runHub(t, map[string]string{
		"ACTION_HUB_STATUS_PAGE": "public",
		"ACTION_HUB_UPSTREAMS":   `[{"name":"gone","url":"https://127.0.0.1:1","tokenFile":"` + upstreamConfig(t, up.Server, upstreamToken).TokenFile + `"}]`,
	})
	_, text := h.ask(http.MethodGet, "/status", "")
	for _, want := range []string{`"upstreams":[{"name":"gone"`, `"problem":"The connection to Action Hub gone failed."`, `"failing_since":"`} {
		if !strings.Contains(text, want) {
			t.Errorf("the status lacks %s: %s", want, text)
		}
	}
	if _, text := h.ask(http.MethodGet, "/", "", "Accept", "text/html"); !strings.Contains(text, "The connection to Action Hub gone failed. None of its integrations are available.") {
		t.Errorf("the page does not show the problem")
	}
}
