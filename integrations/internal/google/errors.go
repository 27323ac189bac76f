package google

import (
	"encoding/json"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
)

// apiError is the error in Google's responses:
// https://developers.google.com/workspace/drive/api/guides/handle-errors
type apiError struct {
	Error struct {
		Message string `json:"message"`
		Errors  []struct {
			Reason string `json:"reason"`
		} `json:"errors"`
		Details []struct {
			Reason string `json:"reason"`
		} `json:"details"`
	} `json:"error"`
}

// reasons are the kinds of Google's error codes where the status does not determine them, and
// messages that help more than Google's.
var reasons = map[string]action.Error{
	"rateLimitExceeded":             {Kind: action.RateLimited},
	"userRateLimitExceeded":         {Kind: action.RateLimited},
	"sharingRateLimitExceeded":      {Kind: action.RateLimited},
	"dailyLimitExceeded":            {Kind: action.Forbidden},
	"backendError":                  {Kind: action.Unavailable},
	"authError":                     {Kind: action.Unauthenticated},
	"insufficientPermissions":       {Kind: action.Unauthenticated},
	insufficientScope:               {Kind: action.Unauthenticated},
	"storageQuotaExceeded":          {Kind: action.Invalid, Message: "The Google Drive is full."},
	"teamDriveFileLimitExceeded":    {Kind: action.Invalid, Message: "The shared drive is full."},
	"insufficientFilePermissions":   {Kind: action.Forbidden, Message: "The user is not allowed to write to this folder or file."},
	"insufficientParentPermissions": {Kind: action.Forbidden, Message: "The user is not allowed to write to this folder."},
	"domainPolicy": {Kind: action.Forbidden, Message: "The administrators of the user's Google domain do not " +
		"allow this app."},
	"accessNotConfigured": {Kind: action.Internal, Message: "The API is not enabled in the Google Cloud project of " +
		"the hub's OAuth client. The hub's administrator must enable it."},
	"SERVICE_DISABLED": {Kind: action.Internal, Message: "The API is not enabled in the Google Cloud project of " +
		"the hub's OAuth client. The hub's administrator must enable it."},
}

// insufficientScope is the reason for an access token whose user did not grant the scope.
const insufficientScope = "ACCESS_TOKEN_SCOPE_INSUFFICIENT"

// explain adds Google's reason for rejecting a request.
func (c *Client) explain(err *action.Error, status *outbound.StatusError) error {
	var e apiError
	if json.Unmarshal(status.Body, &e) != nil || e.Error.Message == "" {
		return err
	}
	kind := err.Kind
	for _, detail := range append(e.Error.Errors, e.Error.Details...) {
		if detail.Reason == insufficientScope && c.MissingScope != nil {
			return c.MissingScope
		}
		if known, ok := reasons[detail.Reason]; ok {
			if known.Message != "" {
				return action.Wrap(err, known.Kind, "%s", known.Message)
			}
			kind = known.Kind
		}
	}
	return action.Wrap(err, kind, "%s returned %d: %s", c.Name, status.Code, action.Line(e.Error.Message))
}
