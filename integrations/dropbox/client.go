package dropbox

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
)

// Dropbox's API: https://www.dropbox.com/developers/documentation/http/documentation. Its SDK is not
// used for the six calls: it does not escape non-ASCII names in a header, hides Retry-After, and
// reads error responses without a limit.
const (
	apiHost     = "https://api.dropboxapi.com"
	contentHost = "https://content.dropboxapi.com"
)

// Every call here may be repeated: see the callers. Dropbox asks for waits of up to five minutes.
var retry = deliver.Retry{MaxAttempts: 5, InitialBackoff: time.Second, MaxBackoff: 30 * time.Second}

// The time limits of one call.
const (
	readTimeout  = 30 * time.Second
	writeTimeout = 5 * time.Minute
)

// rpc calls a route whose argument is the body.
func (s *session) rpc(ctx context.Context, route string, arg, out any) error {
	return s.call(ctx, readTimeout, apiHost+"/2/files/"+route, arg, out)
}

// upload calls a route whose body is content, and whose argument is in a header.
func (s *session) upload(ctx context.Context, route string, arg any, content []byte, out any) error {
	header, err := headerSafe(arg)
	if err != nil {
		return fmt.Errorf("encoding a call: %w", err)
	}
	body := outbound.Bytes("application/octet-stream", content)
	body.Header = http.Header{"Dropbox-Api-Arg": {header}}
	return s.call(ctx, writeTimeout, contentHost+"/2/files/"+route, body, out)
}

// call makes a call once, or twice if the access token had to be renewed.
func (s *session) call(ctx context.Context, timeout time.Duration, address string, in, out any) error {
	return s.Call(ctx, func(ctx context.Context, access string) error {
		api := outbound.API{
			Name: name, Client: s.integration.http, Timeout: timeout, Explain: explain, Authorize: outbound.Bearer(action.Secret(access)),
		}
		return api.Call(ctx, http.MethodPost, address, in, out)
	})
}

// headerSafe returns JSON in ASCII, since a header cannot hold anything else.
func headerSafe(v any) (string, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, r := range string(text) {
		switch {
		case r < 0x7f:
			b.WriteRune(r)
		case r < utf8.RuneSelf || utf16.RuneLen(r) == 1:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		}
	}
	return b.String(), nil
}

// folderPage is the largest page of entries that Dropbox returns.
const folderPage = 2000

// listFolders returns the sorted names of the folders at the root.
func (s *session) listFolders(ctx context.Context) ([]string, error) {
	var folders []string
	route, arg := "list_folder", map[string]any{"path": "", "limit": folderPage}
	for {
		var page struct {
			Entries []struct {
				Tag  string `json:".tag"`
				Name string `json:"name"`
			} `json:"entries"`
			Cursor string `json:"cursor"`
			More   bool   `json:"has_more"`
		}
		err := s.integration.retry.Do(outbound.WithDoubt(ctx, ""), func(ctx context.Context) error { return s.rpc(ctx, route, arg, &page) })
		if err != nil {
			return nil, err
		}
		for _, e := range page.Entries {
			if e.Tag == "folder" {
				folders = append(folders, e.Name)
			}
		}
		if !page.More {
			slices.SortFunc(folders, func(a, b string) int {
				return cmp.Or(cmp.Compare(strings.ToLower(a), strings.ToLower(b)), cmp.Compare(a, b))
			})
			return folders, nil
		}
		route, arg = "list_folder/continue", map[string]any{"cursor": page.Cursor}
	}
}

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

// explanations say what Dropbox's errors mean to the Looker user, by a part of the summary. The
// first match counts.
var explanations = []struct {
	part string
	action.Error
}{
	{"missing_scope", action.Error{Kind: action.Forbidden, Message: "The hub's Dropbox app lacks a permission. It needs " +
		"files.metadata.read and files.content.write; users log in again once it has them."}},
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
