package integrations_test

import (
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations"
)

// notRequested are the versions that the first request, which is all that the test below sees, does
// not have.
var notRequested = map[string]string{
	"google_ads_customer_match Google Ads API":             "new schedules use the Data Manager API",
	"google_analytics_data_import Google Data Manager API": "the hub does not offer it by default",
	"google_sheets Google Sheets API":                      "the first request searches the file in Drive",
}

// The table of API versions has valid dates and sources, and the versions that requests have.
func TestAPIVersions(t *testing.T) {
	t.Parallel()
	for _, e := range integrations.All() {
		for _, a := range e.APIs {
			if a.Name == "" || a.Version == "" {
				t.Errorf("%s: an API has no name or no version: %+v", e.Name, a)
			}
			if !strings.HasPrefix(a.Source, "https://") {
				t.Errorf("%s: the source of %s is %q", e.Name, a.Name, a.Source)
			}
			if _, known := a.End(); a.EndOfLife != "" && !known {
				t.Errorf("%s: the end of life of %s is %q, want a date such as 2027-08-31", e.Name, a.Name, a.EndOfLife)
			}
			if end, known := a.End(); known && end.Before(time.Now()) {
				t.Errorf("%s: %s %s was retired on %s", e.Name, a.Name, a.Version, a.EndOfLife)
			}
		}
	}
}

func TestAPIVersionsAreRequested(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var (
			mu    sync.Mutex
			calls []string
		)
		record := func(call string) string {
			mu.Lock()
			defer mu.Unlock()
			calls = append(calls, call)
			return `{"access_token":"a","expires_in":3600}`
		}
		h := newHubWith(t, slog.New(slog.DiscardHandler), secretSettings(), echo{200, record, "application/json"})
		all := requests(t)
		for _, e := range integrations.All() {
			if len(e.APIs) == 0 {
				continue
			}
			calls = nil
			ask(t, h, "24.20.41", "/actions/"+e.Name+"/execute", all[e.Name].body())
			for _, a := range e.APIs {
				found := slices.ContainsFunc(calls, func(call string) bool { return hasVersion(call, a) })
				if notRequested[e.Name+" "+a.Name] == "" && !found {
					t.Errorf("%s: version %s of %s is not in the requests:\n%.600s", e.Name, a.Version, a.Name, strings.Join(calls, "\n"))
				}
			}
		}
	})
}

// hasVersion reports whether a request names a version: in its path, in a header or in a parameter.
func hasVersion(call string, a action.API) bool {
	return slices.ContainsFunc([]string{"/" + a.Version + "/", "/v" + a.Version + "/", "ersion: " + a.Version, "ersion=" + a.Version},
		func(text string) bool { return strings.Contains(call, text) })
}
