package dropbox

import (
	"bytes"
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

// Dropbox's API: https://www.dropbox.com/developers/documentation/http/documentation. Its SDK
// is not used: it puts names that are not ASCII into a header as they are, keeps what Dropbox
// says about waiting to itself, and reads errors whole, for six calls.
const (
	apiHost     = "https://api.dropboxapi.com"
	contentHost = "https://content.dropboxapi.com"
)

// Every call here may be made twice: see where each is made. Dropbox asks for waits of up to
// five minutes.
var retry = deliver.Retry{Tries: 5, First: time.Second, Longest: 30 * time.Second}

// What bounds one call.
const (
	readTimeout  = 30 * time.Second
	writeTimeout = 5 * time.Minute
)

// rpc makes a call whose argument is its body.
func (s *session) rpc(ctx context.Context, route string, arg, out any) error {
	body, err := json.Marshal(arg)
	if err != nil {
		return fmt.Errorf("encoding a call: %w", err)
	}
	return s.call(ctx, readTimeout, apiHost+"/2/files/"+route, body, http.Header{"Content-Type": {"application/json"}}, out)
}

// upload makes a call whose body is content; the argument is in a header.
func (s *session) upload(ctx context.Context, route string, arg any, content []byte, out any) error {
	header, err := headerSafe(arg)
	if err != nil {
		return fmt.Errorf("encoding a call: %w", err)
	}
	return s.call(ctx, writeTimeout, contentHost+"/2/files/"+route, content,
		http.Header{"Content-Type": {"application/octet-stream"}, "Dropbox-Api-Arg": {header}}, out)
}

// call makes a call once, or twice where the access token had to be renewed.
func (s *session) call(ctx context.Context, timeout time.Duration, address string, body []byte, header http.Header, out any) error {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, action.Errorf(action.Timeout, "%s did not answer in time.", name))
	defer cancel()
	return s.Call(ctx, func(ctx context.Context, access string) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
		if err != nil {
			return fmt.Errorf("preparing a call: %w", err)
		}
		req.Header = header.Clone()
		req.Header.Set("Authorization", "Bearer "+access)
		return explain(outbound.JSON(s.integration.http, req, name, out))
	})
}

// headerSafe is JSON in ASCII, which is all that a header can hold.
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

// folderPage is how many entries Dropbox gives at once, at most.
const folderPage = 2000

// listFolders returns the names of the folders at the top, in their order.
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

// refusal is what Dropbox says of a call that it did not do. Summary is a path of tags such
// as "path/conflict/file/..", with some dots at the end that mean nothing.
type refusal struct {
	Summary string `json:"error_summary"`
	Error   struct {
		Tag string `json:".tag"`
		// Correct is where a session's next piece begins; it is also nested, when a session is
		// finished.
		Correct *int64 `json:"correct_offset"`
		Lookup  struct {
			Correct *int64 `json:"correct_offset"`
		} `json:"lookup_failed"`
	} `json:"error"`
}

// refusalOf reads the answer that err stands for; without one, it is empty.
func refusalOf(err error) refusal {
	var r refusal
	if status, ok := errors.AsType[*outbound.StatusError](err); ok {
		_ = json.Unmarshal(status.Body, &r) // some answers are plain text
	}
	return r
}

// explanations say what Dropbox's errors mean to the Looker user, by a part of the summary.
// The first that fits counts.
var explanations = []struct {
	part string
	action.Error
}{
	{"missing_scope", action.Error{Kind: action.Forbidden, Message: "The hub's Dropbox app lacks a permission. It needs files.metadata.read and files.content.write; users log in again once it has them."}},
	{"too_many_write_operations", action.Error{Kind: action.RateLimited, Message: "Too much is being written to this Dropbox at once."}},
	{"too_many_requests", action.Error{Kind: action.RateLimited, Message: "Dropbox takes no more calls for the moment."}},
	{"conflict", action.Error{Kind: action.Invalid, Message: "There is a different file, or a folder, of this name already. It was left as it is: choose another name, or append the timestamp."}},
	{"insufficient_space", action.Error{Kind: action.Invalid, Message: "The user's Dropbox is full."}},
	{"insufficient_quota", action.Error{Kind: action.Invalid, Message: "The user's Dropbox is full."}},
	{"no_write_permission", action.Error{Kind: action.Forbidden, Message: "The user may not write to this folder."}},
	{"team_folder", action.Error{Kind: action.Forbidden, Message: "Dropbox does not let files be written to this place: it is a team's folder."}},
	{"disallowed_name", action.Error{Kind: action.Invalid, Message: "Dropbox does not allow this filename."}},
	{"malformed_path", action.Error{Kind: action.Invalid, Message: "Dropbox does not allow this folder or filename."}},
	{"content_hash_mismatch", action.Error{Kind: action.Unavailable, Message: "The data was damaged on its way to Dropbox."}},
	{"payload_too_large", action.Error{Kind: action.TooLarge, Message: "The data is larger than Dropbox takes."}},
	{"too_large", action.Error{Kind: action.TooLarge, Message: "The data is larger than Dropbox takes."}},
	{"user_suspended", action.Error{Kind: action.Forbidden, Message: "The user's Dropbox account is suspended."}},
}

// explain turns an answer into an error for the user.
func explain(err error) error {
	summary := refusalOf(err).Summary
	for _, e := range explanations {
		if strings.Contains(summary, e.part) {
			return action.Wrap(err, e.Kind, "%s", e.Message)
		}
	}
	return err
}
