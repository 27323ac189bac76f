package slack

import (
	"fmt"
	"regexp"
	"strings"

	"integrationhub.dev/hub/action"
)

// errorCodes are the codes of Slack's errors that a user or an administrator can fix. See the lists
// under https://docs.slack.dev/reference/methods.
var errorCodes = map[string]struct {
	kind    action.Kind
	message string
}{
	"not_authed":       {action.Unauthenticated, badCredentials},
	"token_revoked":    {action.Unauthenticated, badCredentials},
	"token_expired":    {action.Unauthenticated, badCredentials},
	"account_inactive": {action.Unauthenticated, badCredentials},

	"not_allowed_token_type": {action.Forbidden, "Slack does not allow this with this type of token"},
	"no_permission":          {action.Forbidden, "Slack does not allow this with this token"},
	"access_denied":          {action.Forbidden, "Slack denies access"},
	"ekm_access_denied":      {action.Forbidden, "The workspace's administrators have suspended messages"},
	"team_access_not_granted": {action.Forbidden, "The organization's administrators have not approved the Slack app for this " +
		"workspace. They can add it there"},
	"restricted_action":                 {action.Forbidden, "The workspace's settings do not allow this message"},
	"not_in_channel":                    {action.Forbidden, "The Slack app is not a member of the channel. Invite it"},
	"posting_to_channel_denied":         {action.Forbidden, "The Slack app may not post in the channel"},
	"posting_to_general_channel_denied": {action.Forbidden, "The Slack app may not post in the workspace's general channel"},
	"unable_to_share_files":             {action.Forbidden, "The channel does not allow files"},
	"enterprise_is_restricted":          {action.Forbidden, "The token belongs to an organization, and Slack allows this for workspaces only"},
	"two_factor_setup_required":         {action.Forbidden, "The owner of the token must set up two-factor authentication in Slack"},
	"accesslimited":                     {action.Forbidden, "The workspace does not allow calls from the hub's network"},
	"user_not_visible":                  {action.Forbidden, "The Slack app is not allowed to see the user"},
	"file_uploads_disabled":             {action.Forbidden, "The workspace does not allow files"},
	"file_type_not_allowed":             {action.Forbidden, "The workspace does not allow files of this type"},

	"team_not_found":    {action.NotFound, "Workspace not found. Choose it again"},
	"channel_not_found": {action.NotFound, "Channel not found, or the Slack app is not a member of it. Enter the channel's ID"},
	"invalid_channel":   {action.NotFound, "Channel not found. Enter the channel's ID"},
	"user_not_found":    {action.NotFound, "User not found. Enter the user's ID"},
	"users_not_found":   {action.NotFound, "User not found. Enter the user's ID"},
	"file_not_found":    {action.NotFound, "The uploaded file no longer exists in Slack"},

	"is_archived":             {action.Invalid, "The channel is archived. Choose another one or unarchive it"},
	"limit_required":          {action.Invalid, "The workspace is too large to be listed as a whole"},
	"no_text":                 {action.Invalid, "There is neither data nor a comment to send"},
	"thread_not_found":        {action.Invalid, "The thread is no longer there"},
	"invalid_thread_ts":       {action.Invalid, "The thread's timestamp does not belong to a message in the channel"},
	"message_not_found":       {action.Invalid, "The thread is no longer there"},
	"cannot_reply_to_message": {action.Invalid, "The thread's message does not allow replies"},
	"invalid_blocks":          {action.Invalid, "Slack rejected the comment's markup"},
	"user_disabled":           {action.Invalid, "The user's account is deactivated"},
	"msg_too_long":            {action.Invalid, "The comment is too long"},
	"msg_blocks_too_long":     {action.Invalid, "The comment is too long"},
	"cannot_dm_bot":           {action.Invalid, "The user is a bot, which cannot receive messages"},
	"messages_tab_disabled":   {action.Invalid, "The user does not accept messages from the Slack app"},

	"file_upload_size_restricted": {action.TooLarge, "The workspace does not allow files of this size"},
	"message_limit_exceeded":      {action.TooLarge, "The workspace has no room for more messages"},
	"storage_limit_reached":       {action.TooLarge, "The workspace has no room for more files"},

	"ratelimited":  {action.RateLimited, "Slack is rate limiting requests"},
	"rate_limited": {action.RateLimited, "Slack is rate limiting requests"},

	"internal_error":      {action.Unavailable, "Slack is temporarily unavailable"},
	"fatal_error":         {action.Unavailable, "Slack is temporarily unavailable"},
	"service_unavailable": {action.Unavailable, "Slack is temporarily unavailable"},
	"file_update_failed":  {action.Unavailable, "Slack could not finish the upload"},
	"org_login_required":  {action.Unavailable, "The workspace is being moved into an organisation"},
	"team_added_to_org":   {action.Unavailable, "The workspace is being moved into an organisation"},
	"request_timeout":     {action.Unavailable, "Slack did not receive the complete request"},
}

const badCredentials = "Your Slack authentication credentials are not valid"

// code is the pattern of Slack's error codes and scopes. Nothing else of a response is shown.
var code = regexp.MustCompile(`^[a-z][a-z0-9_:.,-]+$`)

// isCode reports whether a text is a code. A length limit within the pattern would need memory for
// each character.
func isCode(text string) bool { return len(text) <= 100 && code.MatchString(text) }

// codeError is the code of an error response.
type codeError string

func (e codeError) Error() string { return "error code " + string(e) }

// fromResponse explains a response that is not "ok". It wraps a [codeError] unless the response has
// no code.
func fromResponse(problem, needed string, details []string) *action.Error {
	if !isCode(problem) {
		return action.Errorf(action.Invalid, "Slack rejected the request without a reason.")
	}
	kind, text := explain(problem, needed)
	if shown := show(details); shown != "" && kind != action.Unauthenticated {
		text = strings.TrimSuffix(text, ".") + ": " + strings.TrimSuffix(shown, ".") + "."
	}
	return action.Wrap(codeError(problem), kind, "%s", text)
}

// maxDetails is how many of Slack's details are shown.
const maxDetails = 3

// tokens is the pattern of Slack's tokens, which are never shown.
var tokens = regexp.MustCompile(`xox[a-z.]+-[A-Za-z0-9.-]+`)

// show returns the details of a response, such as "[ERROR] missing required field: team_id"
// (https://docs.slack.dev/apis/web-api/#responses).
func show(details []string) string {
	var shown []string
	for _, detail := range details[:min(len(details), maxDetails)] {
		detail = action.Line(tokens.ReplaceAllString(detail, "…"))
		detail = strings.TrimSpace(strings.TrimPrefix(strings.TrimPrefix(detail, "[ERROR]"), "[WARN]"))
		if detail != "" {
			shown = append(shown, detail)
		}
	}
	return strings.Join(shown, "; ")
}

func explain(problem, needed string) (action.Kind, string) {
	if r, ok := errorCodes[problem]; ok {
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
	return action.Invalid, fmt.Sprintf("Slack rejected the request (%s).", problem)
}
