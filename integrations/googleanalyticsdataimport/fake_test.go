package googleanalyticsdataimport_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	ga "integrationhub.dev/integrations/googleanalyticsdataimport"
)

const (
	kept    = `{"tokens":{"access_token":"a1","refresh_token":"r1"},"redirect":"https://hub/r"}`
	renewed = `{"tokens":{"access_token":"a2","refresh_token":"r1"},"redirect":"https://hub/r"}`
	secret  = "mp-s3cret"
)

// sent is a call of the Measurement Protocol.
type sent struct {
	Client     string         `json:"client_id"`
	User       string         `json:"user_id"`
	Properties map[string]any `json:"user_properties"`
	Validation string         `json:"validation_behavior"`
	Events     []struct {
		Name   string         `json:"name"`
		Micros int64          `json:"timestamp_micros"`
		Params map[string]any `json:"params"`
	} `json:"events"`
}

func parse(body []byte) (s sent, err error) { return s, json.Unmarshal(body, &s) }

// ignoredEvents are the names of events that Google answers with a success and then ignores in the data
// stream of a website:
// https://developers.google.com/analytics/devguides/collection/protocol/ga4/reference#reserved_names
var ignoredEvents = []string{
	"ad_activeview", "ad_click", "ad_exposure", "ad_query", "ad_reward", "adunit_exposure", "app_clear_data", "app_exception", "app_install",
	"app_remove", "app_store_refund", "app_update", "app_upgrade", "dynamic_link_app_open", "dynamic_link_app_update",
	"dynamic_link_first_open", "error", "firebase_campaign", "firebase_in_app_message_action", "firebase_in_app_message_dismiss",
	"firebase_in_app_message_impression", "first_open", "first_visit", "notification_dismiss", "notification_foreground",
	"notification_open", "notification_receive", "notification_send", "os_update", "session_start", "user_engagement",
	"ad_impression", "in_app_purchase", "screen_view",
}

// analytics accepts the access token "good", exchanges "r1" for "a2", and has two properties with streams.
// answers are responses by the last part of the path. Other calls succeed.
func analytics(good string, answers map[string]actiontest.Reply) func(actiontest.Recorded) actiontest.Reply {
	return func(r actiontest.Recorded) actiontest.Reply {
		if r.Host == "oauth2.googleapis.com" {
			form, err := url.ParseQuery(string(r.Body))
			if err != nil || form.Get("refresh_token") != "r1" && form.Get("code") != "good" {
				return actiontest.Reply{Status: 400, Body: `{"error":"invalid_grant"}`}
			}
			return actiontest.Reply{Header: map[string]string{"Content-Type": "application/json"}, Body: `{"access_token":"a2","refresh_token":"r1"}`}
		}
		for end, reply := range answers {
			if strings.HasSuffix(r.Path, end) {
				return reply
			}
		}
		if r.Host == "www.google-analytics.com" {
			if r.Path == "/debug/mp/collect" {
				return actiontest.Reply{Body: `{"validationMessages":[]}`}
			}
			return actiontest.Reply{Status: 204}
		}
		if r.Host == "datamanager.googleapis.com" && r.Header.Get("Authorization") == "Bearer "+good {
			return managed(r)
		}
		if r.Host != "analyticsadmin.googleapis.com" || r.Header.Get("Authorization") != "Bearer "+good {
			return actiontest.Reply{Status: 401, Body: `{"error":{"code":401,"message":"no"}}`}
		}
		switch r.Path + "?" + r.Query.Get("pageToken") {
		case "/v1beta/accountSummaries?":
			return actiontest.Reply{Body: `{"accountSummaries":[{"account":"accounts/1","displayName":"Zoo","propertySummaries":[` +
				`{"property":"properties/20","displayName":"Site"},{"property":"properties/21","displayName":"Closed"}]}],"nextPageToken":"p2"}`}
		case "/v1beta/accountSummaries?p2":
			return actiontest.Reply{Body: `{"accountSummaries":[{"account":"accounts/2","displayName":"Apples","propertySummaries":[{"property":"properties/22","displayName":"Shop"}]}]}`}
		case "/v1beta/properties/20/dataStreams?":
			return actiontest.Reply{Body: `{"dataStreams":[{"name":"properties/20/dataStreams/300","displayName":"Web","webStreamData":{"measurementId":"G-300"}},` +
				`{"name":"properties/20/dataStreams/301","displayName":"App"}]}`}
		case "/v1beta/properties/22/dataStreams?":
			return actiontest.Reply{Body: `{"dataStreams":[{"name":"properties/22/dataStreams/302","displayName":"Web","webStreamData":{"measurementId":"G-302"}}]}`}
		case "/v1beta/properties/20?":
			return actiontest.Reply{Body: `{"name":"properties/20","serviceLevel":"GOOGLE_ANALYTICS_STANDARD"}`}
		case "/v1beta/properties/20/dataStreams/300?":
			return actiontest.Reply{Body: `{"name":"properties/20/dataStreams/300","displayName":"Web","webStreamData":{"measurementId":"G-300"}}`}
		case "/v1beta/properties/20/dataStreams/301?":
			return actiontest.Reply{Body: `{"name":"properties/20/dataStreams/301","displayName":"App"}`}
		case "/v1beta/properties/20/dataStreams/300/measurementProtocolSecrets?":
			return actiontest.Reply{Body: `{"measurementProtocolSecrets":[{"name":"x","displayName":"hub","secretValue":"` + secret + `"}]}`}
		}
		return actiontest.Reply{Status: 403, Body: `{"error":{"code":403,"message":"User does not have sufficient permissions for this property.","status":"PERMISSION_DENIED"}}`}
	}
}

// ingestRequest is a call of the Data Manager API, as far as the hub makes it:
// https://developers.google.com/data-manager/api/reference/rest/v1/events/ingest
type ingestRequest struct {
	Destinations []destination `json:"destinations"`
	Events       []ingested    `json:"events"`
}

type destination struct {
	Login     account `json:"loginAccount"`
	Operating account `json:"operatingAccount"`
	Product   string  `json:"productDestinationId"`
}

type account struct {
	Type string `json:"accountType"`
	ID   string `json:"accountId"`
}

type ingested struct {
	Name        string  `json:"eventName"`
	Client      string  `json:"clientId"`
	Time        string  `json:"eventTimestamp"`
	Source      string  `json:"eventSource"`
	Value       float64 `json:"conversionValue"`
	Transaction string  `json:"transactionId"`
	Params      []struct {
		Name string `json:"parameterName"`
	} `json:"additionalEventParameters"`
}

// violation is an entry of google.rpc.BadRequest.
type violation struct {
	Field       string `json:"field"`
	Description string `json:"description"`
	Reason      string `json:"reason"`
}

// check returns what Google rejects:
// https://developers.google.com/data-manager/api/devguides/events/analytics/measurement-protocol/upgrade/field-mappings
func (r ingestRequest) check() (all []violation) {
	add := func(field, reason string) { all = append(all, violation{field, "s3cret", reason}) }
	property := account{"GOOGLE_ANALYTICS_PROPERTY", "20"}
	if !slices.Equal(r.Destinations, []destination{{property, property, "G-300"}}) {
		add("destinations[0]", "INVALID_DESTINATION")
	}
	if len(r.Events) == 0 || len(r.Events) > 2000 {
		add("events", "TOO_MANY_EVENTS")
	}
	for n, e := range r.Events {
		if reason := e.check(); reason != "" {
			add(fmt.Sprintf("events.events[%d].x", n), reason)
		}
	}
	return all
}

// check returns why Google does not accept an event, or "". The event gone_event stands for those that it knows
// better than the hub.
func (e ingested) check() string {
	at, err := time.Parse(time.RFC3339, e.Time)
	age := ga.Now.Sub(at)
	switch {
	case slices.Contains(ignoredEvents, e.Name), e.Name == "gone_event":
		return "INVALID_EVENT_NAME"
	case e.Name == "", e.Client == "", e.Source != "WEB":
		return "REQUIRED_FIELD_MISSING"
	case err != nil:
		return "INVALID_FORMAT"
	case age < 0, age > 72*time.Hour:
		return "EVENT_TIME_INVALID"
	}
	for _, p := range e.Params {
		if slices.Contains([]string{"transaction_id", "currency", "value"}, p.Name) {
			return "RESERVED_NAME_USED"
		}
	}
	return ""
}

// badRequest is the response to a rejected call:
// https://developers.google.com/data-manager/api/devguides/concepts/understand-errors
func badRequest(all []violation) string {
	text, err := json.Marshal(map[string]any{"error": map[string]any{
		"code": 400, "message": "There was a problem with the request.", "status": "INVALID_ARGUMENT", "details": []any{
			map[string]any{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "INVALID_ARGUMENT"},
			map[string]any{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": all},
		},
	}})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// managed answers as the Data Manager API.
func managed(r actiontest.Recorded) actiontest.Reply {
	if r.Path == "/v1/requestStatus:retrieve" {
		return actiontest.Reply{Status: 400, Body: badRequest([]violation{{"request_id", "s3cret", "INVALID_REQUEST_ID"}})}
	}
	var request ingestRequest
	if err := json.Unmarshal(r.Body, &request); err != nil || r.Path != "/v1/events:ingest" {
		return actiontest.Reply{Status: 404}
	}
	if bad := request.check(); len(bad) > 0 {
		return actiontest.Reply{Status: 400, Body: badRequest(bad)}
	}
	return actiontest.Reply{Body: `{"requestId":"t-1"}`}
}

// followed counts the jobs that deliveries start.
type followed struct{ names []string }

// start is an [action.StartJob].
func (f *followed) start(ctx context.Context, start func(context.Context) (action.Job, error)) error {
	job, err := start(ctx)
	if err == nil {
		f.names = append(f.names, job.Name)
	}
	return err
}
