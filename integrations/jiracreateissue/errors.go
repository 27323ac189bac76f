package jiracreateissue

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
)

// formFields maps Jira's fields to form fields.
var formFields = map[string]string{
	"project": "project", "summary": "summary", "description": "description", "issuetype": "issueType",
}

// tokensExpire is what often happened to a token of Cloud that worked before
// (https://support.atlassian.com/atlassian-account/docs/manage-api-tokens-for-your-atlassian-account/).
const tokensExpire = "API tokens expire after one year at most." //nolint:gosec // no credential

// maxReasons is how many of Jira's reasons are shown.
const maxReasons = 5

// explain adds Jira's reasons for rejecting a request, or what to do about it.
func (c *client) explain(err *action.Error, status *outbound.StatusError) error {
	switch {
	case status.Code >= 300 && status.Code < 400:
		return action.Wrap(err, action.Invalid, "%s redirects to another URL. Check the address in the action's settings.", name)
	case status.Header.Get("X-Seraph-LoginReason") == "AUTHENTICATION_DENIED":
		// https://developer.atlassian.com/server/jira/platform/basic-authentication/#captcha
		return action.Wrap(err, action.Unauthenticated, "%s asks the user for a CAPTCHA after several failed logins. Log in to %s with a "+
			"browser once, then correct the credentials.", name, name)
	case err.Kind == action.Unauthenticated && c.site.cloud:
		return action.Wrap(err, err.Kind, "%s rejected the credentials. Use an account's email address and an API token of that account. %s",
			name, tokensExpire)
	case err.Kind == action.Unauthenticated:
		return action.Wrap(err, err.Kind, "%s rejected the credentials. Use a user name and password, or a personal access token as "+
			"the password. Such a token can expire.", name)
	}
	reasons, fields := reasonsIn(status.Body, c.form)
	if len(reasons) == 0 {
		return err
	}
	explained := action.Wrap(err, err.Kind, "%s returned %d: %s", name, status.Code, strings.Join(reasons, " "))
	explained.Fields = fields
	return explained
}

// reasonsIn reads Jira's reasons: some are about the request, and some about one field.
func reasonsIn(body []byte, form []string) (reasons []string, fields map[string]string) {
	var answer struct {
		Messages []string          `json:"errorMessages"`
		Errors   map[string]string `json:"errors"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return nil, nil
	}
	for _, m := range answer.Messages {
		reasons = append(reasons, action.Line(m))
	}
	for _, field := range slices.Sorted(maps.Keys(answer.Errors)) {
		reason := action.Line(answer.Errors[field])
		reasons = append(reasons, reason)
		ours, ok := formFields[field]
		if !ok && isField(field) && slices.Contains(form, field) {
			ours, ok = field, true
		}
		if ok {
			if fields == nil {
				fields = map[string]string{}
			}
			fields[ours] = reason
		}
	}
	return reasons[:min(len(reasons), maxReasons)], fields
}
