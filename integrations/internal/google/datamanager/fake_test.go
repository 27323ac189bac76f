package datamanager_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/internal/google"
	"integrationhub.dev/integrations/internal/google/datamanager"
)

const state = `{"tokens":{"access_token":"a1","refresh_token":"r1"},"redirect":"https://hub/r"}`

// newClient returns a client that shares the sign-in of a Google Ads client, without its headers.
func newClient(t *testing.T, d *actiontest.Destination) *datamanager.Client {
	t.Helper()
	service := google.NewService("Google Ads", google.Credentials{ID: "client"}, []string{datamanager.Scope}, actiontest.Deps(t, d, nil))
	service.Reads.InitialBackoff, service.Reads.MaxBackoff = time.Millisecond, time.Millisecond
	service.Writes.InitialBackoff, service.Writes.MaxBackoff = time.Millisecond, time.Millisecond
	c := service.Open(state)
	c.Header = map[string][]string{"Developer-Token": {"dev"}}
	return datamanager.New(c)
}

// rejected is an error response in Google's format, as in
// https://developers.google.com/data-manager/api/devguides/quickstart/send-audience-members. Its
// descriptions quote data. violations are a field and a reason each.
func rejected(status int, reason string, violations ...string) actiontest.Reply {
	details := fmt.Sprintf(`{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":%q,"domain":"datamanager.googleapis.com"}`, reason)
	if len(violations) > 0 {
		var fields []string
		for i := 0; i < len(violations); i += 2 {
			fields = append(fields, fmt.Sprintf(`{"field":%q,"description":"s3cret@example.com is wrong.","reason":%q}`, violations[i],
				violations[i+1]))
		}
		details += `,{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[` + strings.Join(fields, ",") + `]}`
	}
	return actiontest.Reply{Status: status, Body: fmt.Sprintf(
		`{"error":{"code":%d,"message":"There was a problem with the request.","status":"X","details":[%s]}}`, status, details)}
}

// member is the field of a member.
func member(n int) string {
	return fmt.Sprintf("audience_members.audience_members[%d].composite_data.user_data.user_identifiers", n)
}

func members(n int) []datamanager.AudienceMember {
	all := make([]datamanager.AudienceMember, n)
	for i := range all {
		all[i].Mobile = &datamanager.MobileData{IDs: []string{fmt.Sprint(i)}}
	}
	return all
}

var list = datamanager.Destination{
	Login:     &datamanager.Account{Type: datamanager.GoogleAds, ID: "11"},
	Operating: datamanager.Account{Type: datamanager.GoogleAds, ID: "22"}, ID: "5",
}

// refreshed answers requests for a new access token.
func refreshed(r actiontest.Recorded) (actiontest.Reply, bool) {
	if r.Host != "oauth2.googleapis.com" {
		return actiontest.Reply{}, false
	}
	form, err := url.ParseQuery(string(r.Body))
	if err != nil || form.Get("refresh_token") != "r1" {
		return actiontest.Reply{Status: 400, Body: `{"error":"invalid_grant"}`}, true
	}
	return actiontest.Reply{Header: map[string]string{"Content-Type": "application/json"}, Body: `{"access_token":"a2"}`}, true
}
