package jiracreateissue

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/message"
)

// formFields are the form's names for Jira's fields.
var formFields = map[string]string{
	"project": "project", "summary": "summary", "description": "description", "issuetype": "issueType",
}

// maxReasons is how many of Jira's reasons are told.
const maxReasons = 5

// explain adds what Jira says of a refused call, and what can be done about it.
func (c *client) explain(err error) error {
	status, ok := errors.AsType[*outbound.StatusError](err)
	if !ok {
		return err
	}
	kind := action.KindOf(err)
	switch {
	case status.Code >= 300 && status.Code < 400:
		return action.Wrap(err, action.Invalid, "%s leads to another address. Check the address in the action's settings.", name)
	case kind == action.Unauthenticated && c.site.cloud:
		return action.Wrap(err, kind, "%s refuses the credentials: it takes an account's e-mail address and an API token of that account.", name)
	case kind == action.Unauthenticated:
		return action.Wrap(err, kind, "%s refuses the credentials: it takes a user's name and password, or a personal access token as the password.", name)
	}
	reasons, fields := refusal(status.Body)
	if len(reasons) == 0 {
		return err
	}
	e := action.Wrap(err, kind, "%s answered %d: %s", name, status.Code, strings.Join(reasons, " "))
	e.Fields = fields
	return e
}

// refusal reads Jira's reasons: some for the call, some for one field each.
func refusal(body []byte) (reasons []string, fields map[string]string) {
	var answer struct {
		Messages []string          `json:"errorMessages"`
		Errors   map[string]string `json:"errors"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return nil, nil
	}
	for _, m := range answer.Messages {
		reasons = append(reasons, message.Line(m))
	}
	for _, field := range slices.Sorted(maps.Keys(answer.Errors)) {
		reason := message.Line(answer.Errors[field])
		reasons = append(reasons, reason)
		if ours, ok := formFields[field]; ok {
			if fields == nil {
				fields = map[string]string{}
			}
			fields[ours] = reason
		}
	}
	return reasons[:min(len(reasons), maxReasons)], fields
}
