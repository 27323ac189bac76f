package integrations_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"integrationhub.dev/hub"
	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/token"
	"integrationhub.dev/icons"
	"integrationhub.dev/integrations"
)

// settings are what administrators set for the integrations that ask for something.
var settings = map[string]string{
	"ACTION_HUB_DEBUG_ENDPOINT": "yes",
	"AIRTABLE_CLIENT_ID":        "id",
	"AIRTABLE_CLIENT_SECRET":    "secret",
	"CHILD_TEST":                "true",
}

// list is what Looker is answered.
func list(t *testing.T) map[string]map[string]any {
	t.Helper()
	config := hub.Config{BaseURL: "BASE_URL", Label: "Golden Hub", Secret: "secret"}
	secrets, err := hub.LoadSecrets(config.Secret, nil)
	if err != nil {
		t.Fatal(err)
	}
	var entries []hub.Entry
	for _, e := range integrations.All() {
		entries = append(entries, hub.Entry(e))
	}
	log := slog.New(slog.DiscardHandler)
	catalog, err := hub.NewCatalog(entries, nil, config.BaseURL, action.Deps{Env: settings, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	s, err := hub.New(hub.Parts{Config: config, Catalog: catalog, Secrets: secrets, Log: log, Metrics: hub.NewMetrics(prometheus.NewRegistry())})
	if err != nil {
		t.Fatal(err)
	}
	minted, err := token.New([]byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
	req.Header.Set("Authorization", `Token token="`+minted+`"`)
	req.Header.Set("User-Agent", "LookerOutgoingWebhook/24.0.0")
	res := httptest.NewRecorder()
	s.Handler().ServeHTTP(res, req)
	var answer struct{ Integrations []map[string]any }
	if err := json.Unmarshal(res.Body.Bytes(), &answer); err != nil {
		t.Fatalf("%d %s: %v", res.Code, res.Body, err)
	}
	all := map[string]map[string]any{}
	for _, i := range answer.Integrations {
		name, _ := i["name"].(string)
		all[name] = i
	}
	return all
}

// Each definition is what the reference tells Looker 24.0.0 (testdata/definitions), so that
// schedules that exist go on working.
func TestDefinitions(t *testing.T) {
	t.Parallel()
	for name, got := range list(t) {
		text, err := os.ReadFile("testdata/definitions/" + name + ".json")
		if err != nil {
			t.Errorf("%s has no golden definition: %v", name, err)
			continue
		}
		var want map[string]any
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatal(err)
		}
		if icon, _ := got["icon_data_uri"].(string); !strings.HasPrefix(icon, "data:image/svg+xml;base64,") {
			t.Errorf("%s has no icon", name)
		}
		delete(got, "icon_data_uri")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-reference +ours):\n%s", name, diff)
		}
	}
}

// Every line of All has its folder, README and icon, and no folder is without a line.
func TestEveryLineIsComplete(t *testing.T) {
	t.Parallel()
	var names, packages []string
	for _, e := range integrations.All() {
		names = append(names, e.Name)
		folder := strings.ReplaceAll(e.Name, "_", "")
		packages = append(packages, folder)
		if _, err := os.Stat(folder + "/README.md"); err != nil {
			t.Errorf("%s: %v", e.Name, err)
		}
		if icons.DataURI(e.Name) == "" {
			t.Errorf("%s has no icon", e.Name)
		}
	}
	if !slices.IsSorted(names) {
		t.Errorf("not in order: %q", names)
	}
	folders, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range folders {
		if f.IsDir() && f.Name() != "internal" && f.Name() != "testdata" && !slices.Contains(packages, f.Name()) {
			t.Errorf("the folder %s has no line", f.Name())
		}
	}
}
