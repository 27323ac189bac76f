package datamanager_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/internal/google/datamanager"
)

func ingest(t *testing.T, c *datamanager.Client, all []datamanager.AudienceMember) error {
	t.Helper()
	_, err := c.IngestAudienceMembers(t.Context(), datamanager.IngestAudienceMembers{
		Destinations: []datamanager.Destination{list}, Members: all,
	})
	return err
}

func TestErrors(t *testing.T) {
	t.Parallel()
	daily := rejected(429, "RESOURCE_EXHAUSTED")
	daily.Body = strings.Replace(daily.Body, `"domain"`, `"metadata":{"quota_limit":"IngestionMutateRequestsPerDayPerProject"},"domain"`, 1)
	for name, tt := range map[string]struct {
		reply   actiontest.Reply
		kind    action.Kind
		message string
		items   int
	}{
		"no access": {
			reply: rejected(403, "PERMISSION_DENIED"), kind: action.Forbidden,
			message: "The Google user cannot access the account or the list, or not through this login account.",
		},
		"rate limit": {
			reply: rejected(429, "RESOURCE_EXHAUSTED"), kind: action.RateLimited,
			message: "Google Data Manager is rate limiting requests. Try again later.",
		},
		"daily quota, which no retry can help": {
			reply: daily, kind: action.Forbidden, message: "The daily quota of the Data Manager API is used up. Try again tomorrow.",
		},
		"API not enabled": {
			reply: rejected(403, "SERVICE_DISABLED"), kind: action.Internal,
			message: "The API is not enabled in the Google Cloud project of the hub's OAuth client. The hub's administrator must enable it.",
		},
		"terms": {
			reply: rejected(400, "INVALID_ARGUMENT", "terms_of_service", "TERMS_AND_CONDITIONS_NOT_SIGNED"), kind: action.Forbidden,
			message: "The account has not accepted the customer data terms of Google. Accept them in Google Ads, under Data manager.",
		},
		"items": {
			reply: rejected(400, "INVALID_ARGUMENT", member(1), "INVALID_SHA256_FORMAT", member(1), "X", member(2), "Y"), kind: action.Invalid,
			message: "A value is not a SHA-256 hash.", items: 2,
		},
		"the destination, and items": {
			reply: rejected(400, "INVALID_ARGUMENT", member(1), "INVALID_SHA256_FORMAT", "destinations.destinations[0]", "INVALID_USER_LIST_ID"),
			kind:  action.NotFound, message: "The list does not exist in the Google Ads account.",
		},
		"an unknown reason": {
			reply: rejected(400, "INVALID_ARGUMENT", member(0), "NEW_REASON"), kind: action.Invalid,
			message: "Google Data Manager did not accept the data. (NEW_REASON)", items: 1,
		},
		"a reason that is none": {
			reply: rejected(400, "INVALID_ARGUMENT", member(0), "s3cret@example.com"), kind: action.Invalid,
			message: "Google Data Manager did not accept the data.", items: 1,
		},
		"no details": {
			reply: actiontest.Reply{Status: 400, Body: `{"error":{"message":"Odd."}}`}, kind: action.Invalid,
			message: "Google Data Manager returned 400: Odd.",
		},
		"no request ID": {
			reply: actiontest.Reply{Body: `{}`}, kind: action.Unavailable,
			message: "Unexpected response from Google Data Manager. Google Data Manager may already have accepted the request. Check " +
				"before retrying.",
		},
		"a web page": {
			reply: actiontest.Reply{Status: 503, Body: `<html>`}, kind: action.Unavailable,
			message: "Google Data Manager returned 503 Service Unavailable.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := ingest(t, newClient(t, actiontest.NewDestination(t).Reply(tt.reply)), members(3))
			if got := action.MessageOf(err); got != tt.message {
				t.Errorf("message %q, want %q", got, tt.message)
			}
			if got := action.KindOf(err); got != tt.kind {
				t.Errorf("kind %s, want %s", got, tt.kind)
			}
			items := 0
			if e, ok := errors.AsType[*datamanager.ItemsError](err); ok {
				items = len(e.Items)
			}
			if items != tt.items {
				t.Errorf("%d items, want %d", items, tt.items)
			}
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the error quotes data: %v", err)
			}
		})
	}
}

// A user who signed in before the hub asked for the scope must log in again, but the sign-in stays valid for the API that it is for.
func TestMissingScope(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Reply(actiontest.Reply{Status: 403, Body: `{"error":{"code":403,"message":"Request had ` +
		`insufficient authentication ` +
		`scopes.","status":"PERMISSION_DENIED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":` +
		`"ACCESS_TOKEN_SCOPE_INSUFFICIENT","domain":"googleapis.com"}]}}`})
	err := ingest(t, newClient(t, d), members(1))
	if !datamanager.IsMissingScope(err) || action.KindOf(err) != action.Forbidden {
		t.Errorf("error %v (%s)", err, action.KindOf(err))
	}
	if n := len(d.Requests()); n != 1 {
		t.Errorf("%d requests: a new access token was asked for", n)
	}
}

func TestExpiredToken(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(func(r actiontest.Recorded) actiontest.Reply {
		if reply, ok := refreshed(r); ok {
			return reply
		}
		if r.Header.Get("Authorization") != "Bearer a2" {
			return rejected(http.StatusUnauthorized, "ACCESS_TOKEN_EXPIRED")
		}
		return actiontest.Reply{Body: `{"requestId":"q"}`}
	})
	if err := ingest(t, newClient(t, d), members(1)); err != nil {
		t.Error(err)
	}
}
