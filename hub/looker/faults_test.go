package looker_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/looker"
	"integrationhub.dev/hub/looker/api"
)

// A fault replaces the answer of matching requests, as often as it should.
func TestFaults(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault  looker.Fault
		status int
		want   string
	}{
		"401": {looker.Fault{Status: 401}, 401, "Unauthorized"},
		"403": {looker.Fault{Status: 403, Message: "You may not."}, 403, "You may not."},
		"404": {looker.Fault{Status: 404}, 404, "Not Found"},
		"422": {
			looker.Fault{Status: 422, Errors: []api.ValidationErrorDetail{{Field: new("url"), Code: new("invalid"), Message: new("No."), DocumentationURL: new("https://x/")}}},
			422, `"errors":[{"code":"invalid"`,
		},
		"429":                 {looker.Fault{Status: 429, RetryAfter: "7"}, 429, "Too Many Requests"},
		"500":                 {looker.Fault{Status: 500}, 500, "Internal Server Error"},
		"503":                 {looker.Fault{Status: 503, RetryAfter: "7"}, 503, "Service Unavailable"},
		"hang up":             {looker.Fault{HangUp: looker.HangUpBefore}, 0, "EOF"},
		"hang up afterwards":  {looker.Fault{HangUp: looker.HangUpAfter}, 0, "EOF"},
		"only another path":   {looker.Fault{Path: "/api/4.0/integrations*", Status: 500}, 200, "id"},
		"only another method": {looker.Fault{Method: "PATCH", Status: 500}, 200, "id"},
		"a delay":             {looker.Fault{Delay: looker.Duration(time.Millisecond)}, 200, "id"},
		"a pattern":           {looker.Fault{Method: "POST", Path: "/api/4.0/integration_*", Status: 500}, 500, "Internal"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newInstance(t, nil)
			tt.fault.Times = 2
			if err := i.InjectFault(tt.fault); err != nil {
				t.Fatal(err)
			}
			for n := range 3 {
				hub := respond(t, 200, `{"label":"x","integrations":[]}`)
				status, header, text := i.send("POST", "/integration_hubs", `{"url":"`+hub.URL+`"}`, i.token)
				want, contains := tt.status, tt.want
				if n == 2 {
					want, contains = 200, "id"
				}
				if status != want || !strings.Contains(text, contains) {
					t.Errorf("request %d: %d %s, want %d %s", n, status, text, want, contains)
				}
				if status >= 400 && header.Get("Retry-After") != tt.fault.RetryAfter {
					t.Errorf("Retry-After: %q", header.Get("Retry-After"))
				}
			}
			created := 1
			if tt.status == 200 || tt.fault.HangUp == looker.HangUpAfter {
				created = 3 // the requests had their effect
			}
			if got := len(i.Hubs()); got != created {
				t.Errorf("%d hubs, want %d", got, created)
			}
		})
	}
}

// Faults last until they are cleared, and are in the journal.
func TestClearFaults(t *testing.T) {
	t.Parallel()
	i := newInstance(t, nil)
	if err := i.InjectFault(looker.Fault{Status: 500}); err != nil {
		t.Fatal(err)
	}
	if err := i.InjectFault(looker.Fault{HangUp: looker.HangUpBefore}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		i.ask("GET", "/integration_hubs", "", 500) // the first fault counts
	}
	if got := len(i.Faults()); got != 2 {
		t.Errorf("%d faults", got)
	}
	i.ClearFaults()
	i.ask("GET", "/integration_hubs", "", 200)
	var faults []bool
	for _, r := range i.Requests(0)[1:] { // the first is the login
		faults = append(faults, r.Fault)
	}
	if diff := cmp.Diff([]bool{true, true, true, false}, faults); diff != "" {
		t.Error(diff)
	}
}

func TestFaultsAreChecked(t *testing.T) {
	t.Parallel()
	i := newInstance(t, nil)
	for _, f := range []looker.Fault{
		{},
		{Status: 200},
		{Status: 600},
		{Path: "[", Status: 500},
		{HangUp: "now"},
		{HangUp: looker.HangUpBefore, Status: 500},
		{Status: 500, Times: -1},
		{Delay: -1},
	} {
		if err := i.InjectFault(f); err == nil {
			t.Errorf("%+v was accepted", f)
		}
	}
}

// A client that gives up does not keep the simulator waiting.
func TestDelayEndsWithTheClient(t *testing.T) {
	t.Parallel()
	i := newInstance(t, nil)
	if err := i.InjectFault(looker.Fault{Path: "/api/4.0/integration_hubs", Delay: looker.Duration(time.Hour), Times: 1}); err != nil {
		t.Fatal(err)
	}
	i.Client().Timeout = 50 * time.Millisecond
	if status, _, text := i.send("GET", "/integration_hubs", "", i.token); status != 0 {
		t.Errorf("%d %s", status, text)
	}
	i.Client().Timeout = 0
	// Closing the server at the end of the test waits for all requests.
	i.ask("GET", "/integration_hubs", "", 200)
}
