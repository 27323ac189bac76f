package teamsincomingwebhook

import (
	"encoding/json"
	"regexp"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
)

// code is the pattern of workflows' error codes.
var code = regexp.MustCompile(`^[A-Za-z]{1,64}$`)

func explainConnector(err *action.Error, status *outbound.StatusError) error {
	if err.Kind == action.NotFound {
		return withHint(err, status, " Microsoft has retired this type of webhook. Create one with the Workflows app in Teams and "+
			"enter its URL.")
	}
	return withHint(err, status, "")
}

func explainWorkflow(err *action.Error, status *outbound.StatusError) error {
	hint := ""
	switch err.Kind {
	case action.NotFound:
		hint = " There is no workflow at this URL."
	case action.Unauthenticated, action.Forbidden:
		hint = " Allow anyone to trigger the workflow, and enter its complete URL, including the signature."
	default:
	}
	return withHint(err, status, hint)
}

// withHint adds the response's error code and what to do about it.
func withHint(err *action.Error, status *outbound.StatusError, hint string) error {
	if err.Kind == action.TooLarge {
		hint = " The card is too large. Shorten its text."
	}
	text := strings.TrimSuffix(err.Message, ".")
	var response struct {
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	if json.Unmarshal(status.Body, &response) == nil && code.MatchString(response.Error.Code) {
		text += " (" + response.Error.Code + ")"
	}
	return action.Wrap(err, err.Kind, "%s.%s", text, hint)
}
