package dropbox

import (
	"encoding/json"
	"errors"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
)

// apiError is Dropbox's error. Summary is a path of tags such as "path/conflict/file/..", whose
// trailing dots mean nothing.
type apiError struct {
	Summary string `json:"error_summary"`
	Error   struct {
		Tag string `json:".tag"`
		// Correct is the offset of a session's next chunk. It is nested if a session is finished.
		Correct *int64 `json:"correct_offset"`
		Lookup  struct {
			Correct *int64 `json:"correct_offset"`
		} `json:"lookup_failed"`
		// Moved is the account's new root.
		Moved *rootInfo `json:"invalid_root"`
	} `json:"error"`
}

// apiErrorOf returns the error in the response that err stands for, or an empty one.
func apiErrorOf(err error) apiError {
	var e apiError
	if status, ok := errors.AsType[*outbound.StatusError](err); ok {
		_ = json.Unmarshal(status.Body, &e) // some responses are plain text
	}
	return e
}

// newRoot returns the account's root from an error of the header Dropbox-API-Path-Root (PathRootError in common.stone). An app
// that may not access the team space, as one with an app folder, has to do without the header.
func newRoot(err error) (rootInfo, bool) {
	switch e := apiErrorOf(err).Error; {
	case e.Tag == "invalid_root" && e.Moved != nil:
		return *e.Moved, true
	case e.Tag == "no_permission":
		return rootInfo{}, true
	}
	return rootInfo{}, false
}

// explanations say what Dropbox's errors mean to the Looker user, by a part of the summary. The
// first match counts.
var explanations = []struct {
	part string
	action.Error
}{
	{"missing_scope", action.Error{Kind: action.Forbidden, Message: "The hub's Dropbox app lacks a permission. It needs " +
		"files.metadata.read and files.content.write; users must log in again after they are granted."}},
	{"invalid_root", action.Error{Kind: action.Invalid, Message: "The Dropbox account changed its team during the delivery. Try again."}},
	{"too_many_write_operations", action.Error{Kind: action.RateLimited, Message: "Dropbox is rate limiting writes to this " +
		"account. Try again later."}},
	{"too_many_requests", action.Error{Kind: action.RateLimited, Message: "Dropbox is rate limiting requests. Try again later."}},
	{"conflict", action.Error{Kind: action.Invalid, Message: "A different file or a folder with this name already exists and was " +
		"not changed. Choose another name, or append the timestamp."}},
	{"insufficient_space", action.Error{Kind: action.Invalid, Message: "The user's Dropbox is full."}},
	{"insufficient_quota", action.Error{Kind: action.Invalid, Message: "The user's Dropbox is full."}},
	{"no_write_permission", action.Error{Kind: action.Forbidden, Message: "The user is not allowed to write to this folder."}},
	{"team_folder", action.Error{Kind: action.Forbidden, Message: "Dropbox does not allow files in this folder, because it is a " +
		"team folder."}},
	{"disallowed_name", action.Error{Kind: action.Invalid, Message: "Dropbox does not allow this filename."}},
	{"malformed_path", action.Error{Kind: action.Invalid, Message: "Dropbox does not allow this folder or filename."}},
	{"content_hash_mismatch", action.Error{Kind: action.Unavailable, Message: "The data was corrupted in transit to Dropbox."}},
	{"payload_too_large", action.Error{Kind: action.TooLarge, Message: "The data exceeds Dropbox's size limit."}},
	{"too_large", action.Error{Kind: action.TooLarge, Message: "The data exceeds Dropbox's size limit."}},
	{"user_suspended", action.Error{Kind: action.Forbidden, Message: "The user's Dropbox account is suspended."}},
}

// explain says what Dropbox's error means.
func explain(err *action.Error, status *outbound.StatusError) error {
	summary := apiErrorOf(status).Summary
	for _, e := range explanations {
		if strings.Contains(summary, e.part) {
			return action.Wrap(err, e.Kind, "%s", e.Message)
		}
	}
	return err
}
