package box

import (
	"encoding/json"
	"errors"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
)

// apiError is Box's error: https://developer.box.com/guides/api-calls/permissions-and-errors/common-errors
type apiError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Context struct {
		// Conflicts is one item or, for some calls, a list of them.
		Conflicts json.RawMessage `json:"conflicts"`
	} `json:"context_info"`
}

// apiErrorOf returns the error in the response that err stands for, or an empty one.
func apiErrorOf(err error) apiError {
	var e apiError
	if status, ok := errors.AsType[*outbound.StatusError](err); ok {
		_ = json.Unmarshal(status.Body, &e) // some responses have no body
	}
	return e
}

// conflictOf returns the item that has the name already.
func conflictOf(err error) (entry, bool) {
	e := apiErrorOf(err)
	if e.Code != nameInUse {
		return entry{}, false
	}
	var one entry
	var several []entry
	if json.Unmarshal(e.Context.Conflicts, &several) == nil && len(several) > 0 {
		return several[0], true
	}
	_ = json.Unmarshal(e.Context.Conflicts, &one) // a conflict without an item
	return one, true
}

// nameInUse is the code for a name that another item of the folder has.
const nameInUse = "item_name_in_use"

// explanations say what Box's codes mean to the Looker user.
var explanations = map[string]action.Error{
	nameInUse: {Kind: action.Invalid, Message: "A file or a folder with this name already exists and was not changed. Choose another " +
		"name, or overwrite it."},
	// Another upload has the name until it ends.
	"name_temporarily_reserved":              {Kind: action.Unavailable, Message: "Another upload uses this filename. Try again later."},
	"operation_blocked_temporary":            {Kind: action.Unavailable, Message: "Box is moving the folder. Try again later."},
	"storage_limit_exceeded":                 {Kind: action.Invalid, Message: "The user's Box is full."},
	"file_size_limit_exceeded":               {Kind: action.TooLarge, Message: "The file exceeds the size limit of the user's Box plan."},
	"access_denied_insufficient_permissions": {Kind: action.Forbidden, Message: "The user is not allowed to write to this folder."},
	"access_denied_item_locked":              {Kind: action.Invalid, Message: "The file is locked by another user."},
	"forbidden_by_policy":                    {Kind: action.Forbidden, Message: "A policy of the user's organization does not allow this."},
	"insufficient_scope": {Kind: action.Forbidden, Message: "The hub's Box app lacks a permission. It needs to read and write all files and " +
		"folders; users must log in again after it is granted."},
	"item_name_invalid":   {Kind: action.Invalid, Message: "Box does not allow this filename."},
	"item_name_too_long":  {Kind: action.Invalid, Message: "Box does not allow filenames of this length."},
	"rate_limit_exceeded": {Kind: action.RateLimited, Message: "Box is rate limiting requests. Try again later."},
}

// explain says what Box's error means.
func explain(err *action.Error, status *outbound.StatusError) error {
	e := apiErrorOf(status)
	if known, ok := explanations[e.Code]; ok {
		return action.Wrap(err, known.Kind, "%s", known.Message)
	}
	if e.Message != "" && err.Kind == action.Invalid {
		return action.Wrap(err, err.Kind, "%s returned %d: %s", name, status.Code, action.Line(e.Message))
	}
	return err
}
