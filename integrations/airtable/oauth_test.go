package airtable_test

import (
	"fmt"
	"net/url"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
)

// rotating is Airtable with refresh tokens that can be used once: r1 is replaced by r2, r2 by r3, and so on. It accepts
// only the access token of the last replacement.
type rotating struct {
	mu   sync.Mutex
	next int
}

func (a *rotating) handle(r actiontest.Recorded) actiontest.Reply {
	a.mu.Lock()
	defer a.mu.Unlock()
	if r.Path != "/oauth2/v1/token" {
		if r.Header.Get("Authorization") != fmt.Sprintf("Bearer a%d", a.next) {
			return actiontest.Reply{Status: 401, Body: `{"error":{"type":"AUTHENTICATION_REQUIRED"}}`}
		}
		return created(r)
	}
	form, err := url.ParseQuery(string(r.Body))
	if err != nil || form.Get("refresh_token") != fmt.Sprintf("r%d", a.next) {
		return actiontest.Reply{Status: 400, Header: map[string]string{"Content-Type": "application/json"}, Body: `{"error":"invalid_grant"}`}
	}
	a.next++
	return actiontest.Reply{
		Header: map[string]string{"Content-Type": "application/json"},
		Body:   fmt.Sprintf(`{"access_token":"a%d","refresh_token":"r%d","token_type":"Bearer"}`, a.next, a.next),
	}
}

// Two schedules that begin at the same time come with the same tokens, which only one of them can renew. Both deliver,
// and both give Looker the new tokens. So does one that begins later, but with the old tokens.
func TestParallelSchedules(t *testing.T) {
	t.Parallel()
	airtable := &rotating{next: 1}
	d := actiontest.NewDestination(t).Handle(airtable.handle)
	i := resolved(t, d)
	expired := `{"tokens":{"refresh_token":"r1","access_token":"a0"},"redirect":"https://hub/r"}`
	deliver := func() {
		res, err := i.Execute(t.Context(), actiontest.JSONDetail(t, request(expired), result(12)))
		if err != nil {
			t.Errorf("error %v", err)
			return
		}
		want := &action.Response{Message: "12 records added.", State: &action.State{Data: fresh}}
		if diff := cmp.Diff(want, res); diff != "" {
			t.Errorf("response (-want +got):\n%s", diff)
		}
	}
	var schedules sync.WaitGroup
	for range 2 {
		schedules.Go(deliver)
	}
	schedules.Wait()
	deliver()
	renewals := 0
	for _, r := range d.Requests() {
		if r.Path == "/oauth2/v1/token" {
			renewals++
		}
	}
	if renewals != 1 {
		t.Errorf("the refresh token was used %d times, want once", renewals)
	}
}

// Only the end of a sign-in names its reasons.
func TestSignInEnded(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(airtableAPI("a2", created))
	state := `{"tokens":{"refresh_token":"gone","access_token":"a1"},"redirect":"https://hub/r"}`
	_, err := resolved(t, d).Execute(t.Context(), actiontest.JSONDetail(t, request(state), result(1)))
	const want = "The sign-in at Airtable is missing or no longer valid. Open the form in Looker and log in again. " +
		"Airtable revokes it after 60 days without use."
	if action.MessageOf(err) != want || action.KindOf(err) != action.Unauthenticated {
		t.Errorf("error %v (%v)", err, action.KindOf(err))
	}
}
