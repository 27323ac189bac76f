package teamsincomingwebhook

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
)

// code is the pattern of workflows' error codes.
var code = regexp.MustCompile(`^[A-Za-z]{1,64}$`)

func explainConnector(err *action.Error, status *outbound.StatusError) error {
	return withHint(err, status, "")
}

// What to do about URLs that Microsoft has replaced: those of workflows
// (https://learn.microsoft.com/answers/questions/5606972/your-flow-has-a-new-trigger-url), and those of connectors
// (https://devblogs.microsoft.com/microsoft365dev/retirement-of-office-365-connectors-within-microsoft-teams/).
const (
	copyURL = "Microsoft replaced the URLs of workflows at logic.azure.com on November 30, 2025. Open the workflow in Teams or Power " +
		"Automate, and copy the new URL."
	newWebhook = "Microsoft has retired this type of webhook. Create one with the Workflows app in Teams, and copy the new URL."
)

// replaced returns what to do about a URL, or "" if Microsoft has not replaced it.
func replaced(u *url.URL) string {
	switch {
	case isOldWorkflow(u):
		return copyURL
	case isConnector(u):
		return newWebhook
	default:
		return ""
	}
}

// withNewURL adds to an error that the webhook's URL may be the reason.
func withNewURL(err error, u *url.URL) error {
	hint := replaced(u)
	if hint == "" {
		return err
	}
	switch action.KindOf(err) {
	case action.NotFound, action.Unauthenticated, action.Forbidden:
		explained := action.Wrap(err, action.KindOf(err), "%s %s", action.MessageOf(err), hint)
		explained.Fields = map[string]string{"webhookUrl": hint}
		return explained
	default:
		return err
	}
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
