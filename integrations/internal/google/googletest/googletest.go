// Package googletest is a Google to test against: sign-in and Drive, after their public
// descriptions. It checks every request, keeps what it is sent as the real one does,
// and can be made to fail.
package googletest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"integrationhub.dev/hub/action/actiontest"
)

// What the fake takes: its OAuth client, and states with a good access token, with one that
// has expired, and with a grant that is gone. Fresh is what a renewed state looks like.
const (
	ClientID     = "client"
	ClientSecret = "s3cret"

	Fresh   = `{"tokens":{"access_token":"a2","refresh_token":"r1"},"redirect":"https://hub/r"}`
	Expired = `{"tokens":{"access_token":"a1","refresh_token":"r1","scope":"x","token_type":"Bearer","expiry_date":1700000000000},` +
		`"redirect":"https://hub/r"}`
	Gone = `{"tokens":{"access_token":"a1","refresh_token":"gone"},"redirect":"https://hub/r"}`
)

// File is a file in the fake's Drive.
type File struct {
	ID, Name, MIME, Parent, Drive string
	Trashed                       bool
	Content                       []byte
	// Cells are those of a spreadsheet's first tab, as JSON: 1.5 or "text".
	Cells [][]string
	// Grid is that tab's rows and columns.
	Grid [2]int
	// Title is the first tab's; empty is "It's".
	Title string
	// Tabs are the other ones.
	Tabs []Tab
	// Formats are the number formats of the first tab's columns.
	Formats map[int]string
	marks   map[int]bool
}

// Tab is another tab of a spreadsheet than the first one.
type Tab struct {
	ID    int
	Title string
	Cells [][]string
	Grid  [2]int
}

// Fake is a Google. Its fields may be changed before it is called, and read afterwards.
type Fake struct {
	*actiontest.Destination
	Email    string
	Verified bool
	Drives   map[string]string // names by id
	Files    []*File
	// Before answers in place of the fake, After once the call did its work. What says which
	// call it is: "session", "piece", "status", "cancel", "list", "get", "create",
	// "patch", "delete", "drives", "userinfo", "sheet", "values", "mark", "batch"; n counts its calls, from 1.
	Before, After func(what string, n int) *actiontest.Reply
	// Uploads are those that were begun and neither finished nor taken back.
	Uploads  map[string]*Upload
	finished map[string]*Upload
	// Accept is how much of each piece arrives at first; 0 means all.
	Accept int
	// PageSize is how many entries a list gives at once.
	PageSize int
	// CannotDelete makes files ones that the user may only put into the bin.
	CannotDelete bool
	// BadSum makes the fake damage what it is sent.
	BadSum bool

	calls map[string]int
	next  int
}

// New starts a Google with an account, one shared drive and some folders.
func New(t testing.TB) *Fake {
	t.Helper()
	const folder = "application/vnd.google-apps.folder"
	f := &Fake{
		Destination: actiontest.NewDestination(t), Email: "user@car.com", Verified: true,
		Drives: map[string]string{"drive1": "Sales"},
		Files: []*File{
			{ID: "folder1folder1", Name: "It's mine", MIME: folder, Parent: "root"},
			{ID: "folder2folder2", Name: "Below", MIME: folder, Parent: "folder1folder1"},
			{ID: "folder3folder3", Name: "Shared", MIME: folder, Parent: "drive1", Drive: "drive1"},
			{ID: "foldergonegone", Name: "Gone", MIME: folder, Parent: "root", Trashed: true},
		},
		Uploads: map[string]*Upload{}, finished: map[string]*Upload{}, PageSize: 2, calls: map[string]int{},
	}
	f.Handle(f.serve)
	return f
}

// Once fails the n-th call of a kind.
func Once(what string, n int, reply actiontest.Reply) func(string, int) *actiontest.Reply {
	return func(w string, k int) *actiontest.Reply {
		if w == what && k == n {
			return &reply
		}
		return nil
	}
}

// Always fails every call of a kind.
func Always(what string, reply actiontest.Reply) func(string, int) *actiontest.Reply {
	return func(w string, _ int) *actiontest.Reply {
		if w == what {
			return &reply
		}
		return nil
	}
}

// Named returns the files of a name.
func (f *Fake) Named(name string) []*File {
	var found []*File
	for _, file := range f.Files {
		if file.Name == name {
			found = append(found, file)
		}
	}
	return found
}

// Calls says how often a kind of call was made.
func (f *Fake) Calls(what string) int { return f.calls[what] }

// JSON is an answer.
func JSON(status int, v any) actiontest.Reply {
	body, err := json.Marshal(v)
	if err != nil {
		return actiontest.Reply{Status: http.StatusInternalServerError}
	}
	return actiontest.Reply{Status: status, Header: map[string]string{"Content-Type": "application/json"}, Body: string(body)}
}

// Refusal is an answer in the form of Google's errors.
func Refusal(status int, reason, message string) actiontest.Reply {
	return JSON(status, map[string]any{"error": map[string]any{
		"code": status, "message": message, "errors": []any{map[string]any{"domain": "global", "reason": reason, "message": message}},
	}})
}

func bad(message string) actiontest.Reply {
	return Refusal(http.StatusBadRequest, "badRequest", message)
}

func (f *Fake) serve(r actiontest.Recorded) actiontest.Reply {
	switch {
	case r.Broken:
		return bad("the request is not whole")
	case r.Host == "oauth2.googleapis.com" && r.Path == "/token":
		return token(r)
	}
	what, answer := f.route(r)
	if what == "" {
		return Refusal(http.StatusNotFound, "notFound", "no such method: "+r.Method+" "+r.Host+r.Path)
	}
	if r.Header.Get("Authorization") != "Bearer a2" {
		return Refusal(http.StatusUnauthorized, "authError", "Invalid Credentials")
	}
	f.calls[what]++
	n := f.calls[what]
	if f.Before != nil {
		if reply := f.Before(what, n); reply != nil {
			return *reply
		}
	}
	reply := answer()
	if f.After != nil {
		if other := f.After(what, n); other != nil {
			return *other
		}
	}
	return reply
}

func token(r actiontest.Recorded) actiontest.Reply {
	form, err := url.ParseQuery(string(r.Body))
	switch {
	case err != nil || form.Get("client_id") != ClientID || form.Get("client_secret") != ClientSecret:
		return JSON(http.StatusUnauthorized, map[string]string{"error": "invalid_client"})
	case form.Get("grant_type") == "refresh_token" && form.Get("refresh_token") == "r1":
		return JSON(http.StatusOK, map[string]any{"access_token": "a2", "token_type": "Bearer", "expires_in": 3599})
	case form.Get("grant_type") != "authorization_code",
		form.Get("redirect_uri") != "https://hub/r" || form.Get("code_verifier") != "verifier":
	case form.Get("code") == "good":
		return JSON(http.StatusOK, map[string]any{"access_token": "a2", "token_type": "Bearer", "expires_in": 3599, "refresh_token": "r1"})
	case form.Get("code") == "without refresh token":
		return JSON(http.StatusOK, map[string]any{"access_token": "a2", "token_type": "Bearer", "expires_in": 3599})
	}
	return JSON(http.StatusBadRequest, map[string]string{"error": "invalid_grant", "error_description": "r1 is secret"})
}

// route says which call a request is, and how it is answered.
func (f *Fake) route(r actiontest.Recorded) (what string, answer func() actiontest.Reply) {
	at := r.Method + " " + r.Host + r.Path
	id := r.Path[strings.LastIndexByte(r.Path, '/')+1:]
	switch {
	case at == "GET openidconnect.googleapis.com/v1/userinfo":
		return "userinfo", func() actiontest.Reply {
			return JSON(http.StatusOK, map[string]any{"sub": "1", "email": f.Email, "email_verified": f.Verified})
		}
	case at == "GET www.googleapis.com/drive/v3/drives":
		return "drives", func() actiontest.Reply { return f.listDrives(r) }
	case at == "GET www.googleapis.com/drive/v3/files":
		return "list", func() actiontest.Reply { return f.list(r) }
	case at == "POST www.googleapis.com/drive/v3/files":
		return "create", func() actiontest.Reply { return f.create(r) }
	case r.Host == "sheets.googleapis.com":
		return f.routeSheets(r)
	case strings.HasPrefix(at, "GET www.googleapis.com/drive/v3/files/"):
		return "get", func() actiontest.Reply { return f.get(r, id) }
	case strings.HasPrefix(at, "PATCH www.googleapis.com/drive/v3/files/"):
		return "patch", func() actiontest.Reply { return f.patch(r, id) }
	case strings.HasPrefix(at, "DELETE www.googleapis.com/drive/v3/files/"):
		return "delete", func() actiontest.Reply { return f.remove(r, id) }
	case r.Path == "/upload/drive/v3/files":
		return f.routeUpload(r)
	case strings.HasPrefix(at, "PATCH www.googleapis.com/upload/drive/v3/files/"):
		return "session", func() actiontest.Reply { return f.beginVersion(r, id) }
	}
	return "", nil
}

func (f *Fake) id(prefix string) string {
	f.next++
	return fmt.Sprintf("%s%010d", prefix, f.next)
}
