package googleadsconversions_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
)

const (
	kept    = `{"tokens":{"access_token":"a1","refresh_token":"r1"},"redirect":"https://hub/r"}`
	renewed = `{"tokens":{"access_token":"a2","refresh_token":"r1"},"redirect":"https://hub/r"}`
)

// ingestRequest is IngestEventsRequest, as far as the hub sends it:
// https://developers.google.com/data-manager/api/reference/rest/v1/events/ingest
type ingestRequest struct {
	Destinations []struct {
		Login     account `json:"loginAccount"`
		Operating account `json:"operatingAccount"`
		Product   string  `json:"productDestinationId"`
	} `json:"destinations"`
	Encoding string  `json:"encoding"`
	Events   []event `json:"events"`
}

type account struct {
	Type string `json:"accountType"`
	ID   string `json:"accountId"`
}

type event struct {
	Transaction string `json:"transactionId"`
	Time        string `json:"eventTimestamp"`
	Source      string `json:"eventSource"`
	Click       struct {
		Gclid  string `json:"gclid"`
		Gbraid string `json:"gbraid"`
		Wbraid string `json:"wbraid"`
	} `json:"adIdentifiers"`
	UserData struct {
		Identifiers []struct {
			Email   string `json:"emailAddress"`
			Phone   string `json:"phoneNumber"`
			Address *struct {
				Given  string `json:"givenName"`
				Family string `json:"familyName"`
				Region string `json:"regionCode"`
				Postal string `json:"postalCode"`
			} `json:"address"`
		} `json:"userIdentifiers"`
	} `json:"userData"`
	Value    *float64          `json:"conversionValue"`
	Currency string            `json:"currency"`
	Consent  map[string]string `json:"consent"`
}

// violation is an entry of google.rpc.BadRequest.
type violation struct {
	Field       string `json:"field"`
	Description string `json:"description"`
	Reason      string `json:"reason"`
}

// sources are those that Google documents for offline conversions.
var sources = []string{"WEB", "APP", "IN_STORE", "PHONE", "MESSAGE", "OTHER"}

// check returns what the Data Manager API rejects before it processes anything. Descriptions quote values.
func (r ingestRequest) check() (all []violation) {
	add := func(field, reason string) { all = append(all, violation{field, "s3cret@example.com", reason}) }
	for n, d := range r.Destinations {
		if d.Operating.Type != "GOOGLE_ADS" || d.Operating.ID != "22" {
			add(fmt.Sprintf("destinations[%d].operating_account.account_id", n), "INVALID_DESTINATION")
		}
		if d.Product != "777" {
			add(fmt.Sprintf("destinations[%d].product_destination_id", n), "INVALID_CONVERSION_ACTION_ID")
		}
	}
	if len(r.Events) == 0 || len(r.Events) > 2000 {
		add("events", "TOO_MANY_EVENTS")
	}
	for n, e := range r.Events {
		for _, reason := range e.check() {
			add(fmt.Sprintf("events.events[%d].x", n), reason)
		}
	}
	return all
}

func (e event) check() (reasons []string) {
	if _, err := time.Parse(time.RFC3339, e.Time); err != nil {
		reasons = append(reasons, "INVALID_FORMAT")
	}
	if !slices.Contains(sources, e.Source) {
		reasons = append(reasons, "REQUIRED_FIELD_MISSING")
	}
	if e.Click.Gclid+e.Click.Gbraid+e.Click.Wbraid == "" && len(e.UserData.Identifiers) == 0 {
		reasons = append(reasons, "NO_IDENTIFIERS_PROVIDED")
	}
	if len(e.UserData.Identifiers) > 10 {
		reasons = append(reasons, "TOO_MANY_USER_IDENTIFIERS")
	}
	if e.Currency == "XTS" { // a code of ISO 4217 for tests
		reasons = append(reasons, "INVALID_CURRENCY_CODE")
	}
	for _, i := range e.UserData.Identifiers {
		hashes := []string{i.Email + i.Phone}
		if i.Address != nil {
			hashes = []string{i.Address.Given, i.Address.Family}
		}
		for _, h := range hashes {
			if b, err := hex.DecodeString(h); err != nil || len(b) != 32 {
				reasons = append(reasons, "INVALID_SHA256_FORMAT")
			}
		}
	}
	return reasons
}

// badRequest is the response to a rejected call:
// https://developers.google.com/data-manager/api/devguides/concepts/understand-errors
func badRequest(all []violation) string {
	text, err := json.Marshal(map[string]any{"error": map[string]any{
		"code": 400, "message": "There was a problem with the request.", "status": "INVALID_ARGUMENT", "details": []any{
			map[string]any{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "INVALID_ARGUMENT"},
			map[string]any{"@type": "type.googleapis.com/google.rpc.RequestInfo", "requestId": "t-1"},
			map[string]any{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": all},
		},
	}})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// dataManager accepts the access token "good", and exchanges "r1" for "a2". It has the account 22 with the
// conversion action 777.
func dataManager(good string) func(actiontest.Recorded) actiontest.Reply {
	return func(r actiontest.Recorded) actiontest.Reply {
		if r.Host == "oauth2.googleapis.com" {
			form, err := url.ParseQuery(string(r.Body))
			if err != nil || form.Get("refresh_token") != "r1" && form.Get("code") != "good" {
				return actiontest.Reply{Status: http.StatusBadRequest, Body: `{"error":"invalid_grant"}`}
			}
			return actiontest.Reply{
				Header: map[string]string{"Content-Type": "application/json"}, Body: `{"access_token":"a2","refresh_token":"r1"}`,
			}
		}
		if r.Header.Get("Authorization") != "Bearer "+good {
			return actiontest.Reply{Status: http.StatusUnauthorized, Body: `{"error":{"code":401,"message":"no","status":"UNAUTHENTICATED"}}`}
		}
		if r.Path == "/v1/requestStatus:retrieve" {
			unknown := violation{"request_id", "s3cret", "INVALID_REQUEST_ID"}
			return actiontest.Reply{Status: http.StatusBadRequest, Body: badRequest([]violation{unknown})}
		}
		var request ingestRequest
		if err := json.Unmarshal(r.Body, &request); err != nil || r.Path != "/v1/events:ingest" || !strings.HasPrefix(r.Host, "datamanager.") {
			return actiontest.Reply{Status: http.StatusNotFound}
		}
		if bad := request.check(); len(bad) > 0 {
			return actiontest.Reply{Status: http.StatusBadRequest, Body: badRequest(bad)}
		}
		return actiontest.Reply{Body: `{"requestId":"t-2"}`}
	}
}

// status is what became of a request with two conversions, some of which have no click.
func status(failures int) actiontest.Reply {
	state := [...]string{"SUCCESS", "PARTIAL_SUCCESS", "FAILED"}[failures]
	const format = `{"requestStatusPerDestination":[{"requestStatus":%q,"eventsIngestionStatus":{"recordCount":"2"},` +
		`"errorInfo":{"errorCounts":[%s]}}]}`
	counts := ""
	if failures > 0 {
		counts = fmt.Sprintf(`{"recordCount":"%d","reason":"PROCESSING_ERROR_REASON_CLICK_NOT_FOUND"}`, failures)
	}
	return actiontest.Reply{Body: fmt.Sprintf(format, state, counts)}
}

// jobs keeps the jobs that deliveries start.
type jobs struct{ started []action.Job }

// start is an [action.StartJob].
func (j *jobs) start(ctx context.Context, start func(context.Context) (action.Job, error)) error {
	job, err := start(ctx)
	if err == nil {
		j.started = append(j.started, job)
	}
	return err
}
