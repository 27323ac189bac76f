package google

import (
	"encoding/json"
	"errors"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/message"
)

// refusal is what Google says of a call that it did not do:
// https://developers.google.com/workspace/drive/api/guides/handle-errors
type refusal struct {
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

// reasons are Google's codes that the status does not tell, and what they mean to the Looker
// user where Google's own words are of no help.
var reasons = map[string]action.Error{
	"rateLimitExceeded":               {Kind: action.RateLimited},
	"userRateLimitExceeded":           {Kind: action.RateLimited},
	"sharingRateLimitExceeded":        {Kind: action.RateLimited},
	"dailyLimitExceeded":              {Kind: action.Forbidden},
	"backendError":                    {Kind: action.Unavailable},
	"authError":                       {Kind: action.Unauthenticated},
	"insufficientPermissions":         {Kind: action.Unauthenticated},
	"ACCESS_TOKEN_SCOPE_INSUFFICIENT": {Kind: action.Unauthenticated},
	"storageQuotaExceeded":            {Kind: action.Invalid, Message: "The Google Drive is full."},
	"teamDriveFileLimitExceeded":      {Kind: action.Invalid, Message: "The shared drive is full."},
	"insufficientFilePermissions":     {Kind: action.Forbidden, Message: "The user may not write to this folder or file."},
	"insufficientParentPermissions":   {Kind: action.Forbidden, Message: "The user may not write to this folder."},
	"domainPolicy":                    {Kind: action.Forbidden, Message: "The administrators of the user's Google domain do not allow this app."},
	"accessNotConfigured":             {Kind: action.Internal, Message: "The API is not enabled in the Google Cloud project of the hub's OAuth client. The hub's administrator must enable it."},
	"SERVICE_DISABLED":                {Kind: action.Internal, Message: "The API is not enabled in the Google Cloud project of the hub's OAuth client. The hub's administrator must enable it."},
}

// explain adds what Google says of a refused call.
func (s *Service) explain(err error) error {
	status, ok := errors.AsType[*outbound.StatusError](err)
	if !ok {
		return err
	}
	var r refusal
	if json.Unmarshal(status.Body, &r) != nil || r.Error.Message == "" {
		return err
	}
	kind := action.KindOf(err)
	for _, e := range append(r.Error.Errors, r.Error.Details...) {
		if known, ok := reasons[e.Reason]; ok {
			if known.Message != "" {
				return action.Wrap(err, known.Kind, "%s", known.Message)
			}
			kind = known.Kind
		}
	}
	return action.Wrap(err, kind, "%s answered %d: %s", s.Name, status.Code, message.Line(r.Error.Message))
}
