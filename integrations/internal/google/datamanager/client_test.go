package datamanager_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/internal/google/datamanager"
)

// The requests. The destination compares them with Google's description, too.
func TestWire(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Reply(actiontest.Reply{Body: `{"requestId":"q1",` +
		`"fieldWarnings":[{"reason":"WARNING_REASON_GENERIC","field":"x"}]}`})
	c := newClient(t, d)
	user := datamanager.UserData{Identifiers: []datamanager.UserIdentifier{
		{Email: "e"}, {Phone: "p"}, {Address: &datamanager.Address{GivenName: "g", FamilyName: "f", RegionCode: "US", PostalCode: "1"}},
	}}
	person := datamanager.AudienceMember{Composite: &datamanager.CompositeData{User: user}}
	got, err := c.IngestAudienceMembers(t.Context(), datamanager.IngestAudienceMembers{
		Destinations: []datamanager.Destination{list}, Members: []datamanager.AudienceMember{person}, Encoding: datamanager.Hex,
		Consent: &datamanager.Consent{AdUserData: datamanager.ConsentGranted},
		Terms:   &datamanager.TermsOfService{CustomerMatch: datamanager.TermsAccepted},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := datamanager.Accepted{RequestID: "q1", Warnings: []datamanager.Warning{{Reason: "WARNING_REASON_GENERIC", Field: "x"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("response (-want +got):\n%s", diff)
	}
	if _, err := c.RemoveAudienceMembers(t.Context(), datamanager.RemoveAudienceMembers{
		Destinations: []datamanager.Destination{list}, Members: members(1),
	}); err != nil {
		t.Error(err)
	}
	before := time.Date(2026, time.November, 23, 13, 30, 0, 0, time.FixedZone("", 3600))
	if _, err := c.RemoveOlderMembers(t.Context(), list, before); err != nil {
		t.Error(err)
	}
	const destinations = `{"destinations":[{"loginAccount":{"accountType":"GOOGLE_ADS","accountId":"11"},` +
		`"operatingAccount":{"accountType":"GOOGLE_ADS","accountId":"22"},"productDestinationId":"5"}]`
	var calls []string
	for _, r := range d.Requests() {
		calls = append(calls, r.Method+" "+r.Host+r.Path+" "+string(r.Body))
		if got, want := r.Header.Get("Authorization"), "Bearer a1"; got != want {
			t.Errorf("authorization %q, want %q", got, want)
		}
		if got := r.Header.Get("Developer-Token"); got != "" {
			t.Errorf("the developer token %q was sent to another API", got)
		}
	}
	if diff := cmp.Diff([]string{
		`POST datamanager.googleapis.com/v1/audienceMembers:ingest ` + destinations +
			`,"audienceMembers":[{"compositeData":{"userData":{"userIdentifiers":[{"emailAddress":"e"},{"phoneNumber":"p"},` +
			`{"address":{"givenName":"g","familyName":"f","regionCode":"US","postalCode":"1"}}]}}}],` +
			`"consent":{"adUserData":"CONSENT_GRANTED"},"encoding":"HEX","termsOfService":{"customerMatchTermsOfServiceStatus":"ACCEPTED"}}`,
		`POST datamanager.googleapis.com/v1/audienceMembers:remove ` + destinations + `,"audienceMembers":[{"mobileData":{"mobileIds":["0"]}}]}`,
		`POST datamanager.googleapis.com/v1/audienceMembers:removeAll ` + destinations + `,"removeAsOfTime":"2026-11-23T12:30:00Z"}`,
	}, calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}
