package slack

import (
	"regexp"

	"integrationhub.dev/hub/action"
)

// refusals are Slack's error codes that the Looker user or the administrator can do
// something about. See the lists under https://docs.slack.dev/reference/methods.
var refusals = map[string]struct {
	kind    action.Kind
	message string
}{
	"not_authed":       {action.Unauthenticated, badCredentials},
	"token_revoked":    {action.Unauthenticated, badCredentials},
	"token_expired":    {action.Unauthenticated, badCredentials},
	"account_inactive": {action.Unauthenticated, badCredentials},

	"not_allowed_token_type":  {action.Forbidden, "Slack does not allow this with this type of token"},
	"no_permission":           {action.Forbidden, "Slack does not allow this with this token"},
	"access_denied":           {action.Forbidden, "Slack denies access"},
	"ekm_access_denied":       {action.Forbidden, "The workspace's administrators have suspended messages"},
	"team_access_not_granted": {action.Forbidden, "The Slack app was not granted access to this workspace"},
	"restricted_action":       {action.Forbidden, "The workspace's settings do not allow this message"},
	"not_in_channel":          {action.Forbidden, "The Slack app is not a member of the channel: invite it there"},
	"file_uploads_disabled":   {action.Forbidden, "The workspace does not allow files"},
	"file_type_not_allowed":   {action.Forbidden, "The workspace does not allow files of this type"},

	"channel_not_found": {action.NotFound, "Slack does not know the channel, or the Slack app is not a member of it. A channel goes by its id"},
	"invalid_channel":   {action.NotFound, "Slack does not know the channel. A channel goes by its id"},
	"user_not_found":    {action.NotFound, "Slack does not know the user. A user goes by the id"},
	"users_not_found":   {action.NotFound, "Slack does not know the user. A user goes by the id"},
	"file_not_found":    {action.NotFound, "Slack no longer knows the uploaded file"},

	"is_archived":           {action.Invalid, "The channel is archived"},
	"no_text":               {action.Invalid, "There is neither data nor a comment to send"},
	"msg_too_long":          {action.Invalid, "The comment is too long"},
	"cannot_dm_bot":         {action.Invalid, "The user is a bot, to which nothing can be sent"},
	"messages_tab_disabled": {action.Invalid, "The user does not take messages from the Slack app"},

	"file_upload_size_restricted": {action.TooLarge, "The workspace does not allow files of this size"},
	"storage_limit_reached":       {action.TooLarge, "The workspace has no room for more files"},

	"ratelimited":  {action.RateLimited, "Slack takes no more calls for now"},
	"rate_limited": {action.RateLimited, "Slack takes no more calls for now"},

	"internal_error":      {action.Unavailable, "Slack is out of order"},
	"fatal_error":         {action.Unavailable, "Slack is out of order"},
	"service_unavailable": {action.Unavailable, "Slack is out of order"},
	"team_added_to_org":   {action.Unavailable, "The workspace is being moved into an organisation"},
	"request_timeout":     {action.Unavailable, "The call did not reach Slack whole"},
}

const badCredentials = "Your Slack authentication credentials are not valid"

// code is what Slack's error codes and scopes look like. Nothing else of an answer is told.
var code = regexp.MustCompile(`^[a-z][a-z0-9_:.,-]+$`)

// isCode is whether a text is one. A bound within the pattern would take memory for each
// character.
func isCode(text string) bool { return len(text) <= 100 && code.MatchString(text) }

// refusal explains an answer that is not "ok".
func refusal(problem, needed string) *action.Error {
	if problem == "invalid_auth" {
		return action.Errorf(action.Unauthenticated, "%s.", badCredentials)
	}
	if r, ok := refusals[problem]; ok {
		return action.Errorf(r.kind, "%s (%s).", r.message, problem)
	}
	switch {
	case problem == "missing_scope" && isCode(needed):
		return action.Errorf(action.Forbidden, "The Slack app lacks the scope %s (missing_scope).", needed)
	case problem == "missing_scope":
		return action.Errorf(action.Forbidden, "The Slack app lacks a scope (missing_scope).")
	case isCode(problem):
		return action.Errorf(action.Invalid, "Slack refused the request (%s).", problem)
	}
	return action.Errorf(action.Invalid, "Slack refused the request without a reason.")
}
