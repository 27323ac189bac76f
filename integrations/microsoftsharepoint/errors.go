package microsoftsharepoint

import (
	"encoding/json"
	"errors"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
)

// apiError is the error in Graph's responses: https://learn.microsoft.com/graph/errors
type apiError struct {
	Error struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

// explanations say what Graph's codes mean to the Looker user.
var explanations = map[string]action.Error{
	"accessDenied": {Kind: action.Forbidden, Message: "The user is not allowed to write to this folder."},
	"nameAlreadyExists": {Kind: action.Invalid, Message: "A file or a folder with this name already exists and was not changed. " +
		"Choose another name, or overwrite it."},
	"quotaLimitReached":    {Kind: action.Invalid, Message: "The library or the user's OneDrive is full."},
	"insufficientStorage":  {Kind: action.Invalid, Message: "The library or the user's OneDrive is full."},
	"resourceLocked":       {Kind: action.Invalid, Message: "The file is checked out or open by another user. Try again later."},
	"activityLimitReached": {Kind: action.RateLimited, Message: "Microsoft is throttling requests. Try again later."},
	"TooManyRequests":      {Kind: action.RateLimited, Message: "Microsoft is throttling requests. Try again later."},
	"malwareDetected":      {Kind: action.Invalid, Message: "Microsoft found malware in the file."},
	"maxFileSizeExceeded":  {Kind: action.TooLarge, Message: "The file exceeds Microsoft's size limit."},
}

// statuses are explanations of statuses that come without a known code.
var statuses = map[int]action.Error{
	423: explanations["resourceLocked"],
	507: explanations["quotaLimitReached"],
	509: explanations["activityLimitReached"],
}

// errorOf is the error in a response.
func errorOf(status *outbound.StatusError) (e apiError) {
	_ = json.Unmarshal(status.Body, &e) // proxies answer with a web page
	return e
}

// exists reports whether Graph refused a call because of something with the name.
func exists(err error) bool {
	status, ok := errors.AsType[*outbound.StatusError](err)
	return ok && errorOf(status).Error.Code == "nameAlreadyExists"
}

// explain says what Graph's error means.
func explain(err *action.Error, status *outbound.StatusError) error {
	e := errorOf(status)
	known, ok := explanations[e.Error.Code]
	if !ok {
		known, ok = statuses[status.Code]
	}
	switch {
	case ok:
		return action.Wrap(err, known.Kind, "%s", known.Message)
	case e.Error.Message != "" && err.Kind == action.Invalid:
		return action.Wrap(err, err.Kind, "%s returned %d: %s", name, status.Code, action.Line(e.Error.Message))
	}
	return err
}
