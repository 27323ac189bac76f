package googleadscustomermatch_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"integrationhub.dev/hub/action/actiontest"
)

const (
	version = "/v25/"
	kept    = `{"tokens":{"access_token":"a1","refresh_token":"r1"},"redirect":"https://hub/r"}`
	renewed = `{"tokens":{"access_token":"a2","refresh_token":"r1"},"redirect":"https://hub/r"}`
	list    = "customers/22/userLists/5"
	job     = "customers/22/offlineUserDataJobs/9"
)

// upload is a call that adds people.
type upload struct {
	Partial    bool `json:"enable_partial_failure"`
	Operations []struct {
		Create struct {
			Identifiers []map[string]any `json:"user_identifiers"`
		} `json:"create"`
	} `json:"operations"`
}

func parse(body []byte) (u upload, err error) { return u, json.Unmarshal(body, &u) }

// ads accepts the access token "good", and exchanges "r1" for "a2". answers are responses by the last part
// of the path. Other calls succeed.
func ads(good string, answers map[string]actiontest.Reply) func(actiontest.Recorded) actiontest.Reply {
	return func(r actiontest.Recorded) actiontest.Reply {
		if r.Host == "oauth2.googleapis.com" {
			form, err := url.ParseQuery(string(r.Body))
			if err != nil || form.Get("refresh_token") != "r1" && form.Get("code") != "good" {
				return actiontest.Reply{Status: 400, Body: `{"error":"invalid_grant"}`}
			}
			return actiontest.Reply{Header: map[string]string{"Content-Type": "application/json"}, Body: `{"access_token":"a2","refresh_token":"r1"}`}
		}
		if r.Header.Get("Authorization") != "Bearer "+good {
			return failed(401, "authenticationError", "OAUTH_TOKEN_INVALID")
		}
		for end, reply := range answers {
			if strings.HasSuffix(r.Path, end) {
				return reply
			}
		}
		switch {
		case strings.HasSuffix(r.Path, "/userLists") && r.Method == http.MethodPost:
			return actiontest.Reply{Body: `{"name":"accountTypes/GOOGLE_ADS/accounts/22/userLists/5","id":"5"}`}
		case r.Host == "datamanager.googleapis.com" && r.Method == http.MethodPost:
			return actiontest.Reply{Body: `{"requestId":"q1"}`}
		case strings.HasSuffix(r.Path, "/userLists:mutate"):
			return actiontest.Reply{Body: `{"results":[{"resourceName":"` + list + `"}]}`}
		case strings.HasSuffix(r.Path, ":create"):
			return actiontest.Reply{Body: `{"resourceName":"` + job + `"}`}
		}
		return actiontest.Reply{Body: `{}`}
	}
}

// failed returns an error response with a text that must not be shown.
func failed(status int, kind, name string) actiontest.Reply {
	return actiontest.Reply{Status: status, Body: fmt.Sprintf(`{"error":{"code":%d,"message":"s3cret@example.com","status":"X","details":[`+
		`{"@type":"type.googleapis.com/google.ads.googleads.v25.errors.GoogleAdsFailure","errors":[{"errorCode":{%q:%q},"message":"s3cret@example.com"}]}]}}`, status, kind, name)}
}

// partly returns the response to an upload with rejected operations.
func partly(name string, operations ...int) string {
	var errors []string
	for _, n := range operations {
		errors = append(errors, fmt.Sprintf(`{"errorCode":{"offlineUserDataJobError":%q},"message":"s3cret@example.com","location":{"fieldPathElements":[`+
			`{"fieldName":"operations","index":%d},{"fieldName":"create"},{"fieldName":"user_identifiers","index":0}]}}`, name, n))
	}
	return `{"partialFailureError":{"code":3,"message":"s3cret","details":[{"errors":[` + strings.Join(errors, ",") + `]}]}}`
}

// rejected returns the Data Manager API's error, with a field and a reason each.
func rejected(violations ...string) actiontest.Reply {
	var fields []string
	for i := 0; i < len(violations); i += 2 {
		fields = append(fields, fmt.Sprintf(`{"field":%q,"description":"s3cret@example.com","reason":%q}`, violations[i], violations[i+1]))
	}
	return actiontest.Reply{Status: 400, Body: `{"error":{"code":400,"message":"There was a problem with the request.",` +
		`"status":"INVALID_ARGUMENT",` +
		`"details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"INVALID_ARGUMENT","domain":"datamanager.googleapis.com"},` +
		`{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[` + strings.Join(fields, ",") + `]}]}}`}
}

// missingScope is the response to a sign-in from before the hub asked for the scope.
var missingScope = actiontest.Reply{Status: 403, Body: `{"error":{"code":403,"message":"Request had insufficient authentication scopes.",` +
	`"status":"PERMISSION_DENIED","details":[{"reason":"ACCESS_TOKEN_SCOPE_INSUFFICIENT","domain":"googleapis.com"}]}}`}
