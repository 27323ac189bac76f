package slack

import (
	"fmt"
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

	"not_allowed_token_type":            {action.Forbidden, "Slack does not allow this with this type of token"},
	"no_permission":                     {action.Forbidden, "Slack does not allow this with this token"},
	"access_denied":                     {action.Forbidden, "Slack denies access"},
	"ekm_access_denied":                 {action.Forbidden, "The workspace's administrators have suspended messages"},
	"team_access_not_granted":           {action.Forbidden, "The Slack app was not granted access to this workspace"},
	"restricted_action":                 {action.Forbidden, "The workspace's settings do not allow this message"},
	"not_in_channel":                    {action.Forbidden, "The Slack app is not a member of the channel: invite it there"},
	"posting_to_channel_denied":         {action.Forbidden, "The Slack app may not post in the channel"},
	"posting_to_general_channel_denied": {action.Forbidden, "The Slack app may not post in the workspace's general channel"},
	"unable_to_share_files":             {action.Forbidden, "The channel takes no files"},
	"enterprise_is_restricted":          {action.Forbidden, "The organisation does not allow this with its token"},
	"two_factor_setup_required":         {action.Forbidden, "The owner of the token must set up two-factor authentication in Slack"},
	"accesslimited":                     {action.Forbidden, "The workspace does not allow calls from the hub's network"},
	"user_not_visible":                  {action.Forbidden, "The Slack app is not allowed to see the user"},
	"file_uploads_disabled":             {action.Forbidden, "The workspace does not allow files"},
	"file_type_not_allowed":             {action.Forbidden, "The workspace does not allow files of this type"},

	"channel_not_found": {action.NotFound, "Slack does not know the channel, or the Slack app is not a member of it. A channel goes by its id"},
	"invalid_channel":   {action.NotFound, "Slack does not know the channel. A channel goes by its id"},
	"user_not_found":    {action.NotFound, "Slack does not know the user. A user goes by the id"},
	"users_not_found":   {action.NotFound, "Slack does not know the user. A user goes by the id"},
	"file_not_found":    {action.NotFound, "Slack no longer knows the uploaded file"},

	"is_archived":             {action.Invalid, "The channel is archived: choose another, or have it restored"},
	"no_text":                 {action.Invalid, "There is neither data nor a comment to send"},
	"thread_not_found":        {action.Invalid, "The thread is no longer there"},
	"invalid_thread_ts":       {action.Invalid, "The thread's timestamp is none of a message in the channel"},
	"message_not_found":       {action.Invalid, "The thread is no longer there"},
	"cannot_reply_to_message": {action.Invalid, "The message of the thread takes no replies"},
	"invalid_blocks":          {action.Invalid, "Slack does not understand the comment's markup"},
	"user_disabled":           {action.Invalid, "The user's account is deactivated"},
	"msg_too_long":            {action.Invalid, "The comment is too long"},
	"cannot_dm_bot":           {action.Invalid, "The user is a bot, to which nothing can be sent"},
	"messages_tab_disabled":   {action.Invalid, "The user does not take messages from the Slack app"},

	"file_upload_size_restricted": {action.TooLarge, "The workspace does not allow files of this size"},
	"message_limit_exceeded":      {action.TooLarge, "The workspace has no room for more messages"},
	"storage_limit_reached":       {action.TooLarge, "The workspace has no room for more files"},

	"ratelimited":  {action.RateLimited, "Slack takes no more calls for now"},
	"rate_limited": {action.RateLimited, "Slack takes no more calls for now"},

	"internal_error":      {action.Unavailable, "Slack is out of order"},
	"fatal_error":         {action.Unavailable, "Slack is out of order"},
	"service_unavailable": {action.Unavailable, "Slack is out of order"},
	"file_update_failed":  {action.Unavailable, "Slack could not finish the upload"},
	"org_login_required":  {action.Unavailable, "The workspace is being moved into an organisation"},
	"team_added_to_org":   {action.Unavailable, "The workspace is being moved into an organisation"},
	"request_timeout":     {action.Unavailable, "The call did not reach Slack whole"},
}

const badCredentials = "Your Slack authentication credentials are not valid"

// code is what Slack's error codes and scopes look like. Nothing else of an answer is told.
var code = regexp.MustCompile(`^[a-z][a-z0-9_:.,-]+$`)

// isCode is whether a text is one. A bound within the pattern would take memory for each
// character.
func isCode(text string) bool { return len(text) <= 100 && code.MatchString(text) }

// refusedError is the code of a refusal.
type refusedError string

func (e refusedError) Error() string { return "refused with " + string(e) }

// refusal explains an answer that is not "ok". It wraps a [refusedError] unless the answer
// has no code.
func refusal(problem, needed string) *action.Error {
	if !isCode(problem) {
		return action.Errorf(action.Invalid, "Slack refused the request without a reason.")
	}
	kind, message := explain(problem, needed)
	return action.Wrap(refusedError(problem), kind, "%s", message)
}

func explain(problem, needed string) (action.Kind, string) {
	if r, ok := refusals[problem]; ok {
		return r.kind, fmt.Sprintf("%s (%s).", r.message, problem)
	}
	switch {
	case problem == "invalid_auth":
		return action.Unauthenticated, badCredentials + "."
	case problem == "missing_scope" && isCode(needed):
		return action.Forbidden, fmt.Sprintf("The Slack app lacks the scope %s (missing_scope).", needed)
	case problem == "missing_scope":
		return action.Forbidden, "The Slack app lacks a scope (missing_scope)."
	}
	return action.Invalid, fmt.Sprintf("Slack refused the request (%s).", problem)
}
