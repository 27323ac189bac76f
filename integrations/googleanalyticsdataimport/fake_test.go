package googleanalyticsdataimport_test

import (
	"encoding/json"
	"net/url"
	"strings"

	"integrationhub.dev/hub/action/actiontest"
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
