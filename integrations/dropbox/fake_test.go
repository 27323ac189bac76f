package dropbox_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"integrationhub.dev/hub/action/actiontest"
)

// fake is a Dropbox: it takes the access token "a2", which the refresh token "r1" and the
// code "good" are worth, and keeps files and sessions as the real one does.
type fake struct {
	*actiontest.Destination
	folders  [][]string // by page
	files    map[string][]byte
	sessions map[string][]byte
	// before answers in place of the fake; after does so once the call did its work.
	before, after func(route string, n int) *actiontest.Reply
	calls         map[string]int
	// busy is how many commits the fake refuses because of other writes in the folder.
	busy int
}

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{
		Destination: actiontest.NewDestination(t), folders: [][]string{{"zoo", "Data"}, {"archive"}},
		files: map[string][]byte{}, sessions: map[string][]byte{}, calls: map[string]int{},
	}
	f.Handle(f.serve)
	return f
}

func (f *fake) serve(r actiontest.Recorded) actiontest.Reply {
	if r.Method != http.MethodPost || r.Broken {
		return actiontest.Reply{Status: 400, Body: "not a whole POST"}
	}
	if r.Host == "api.dropboxapi.com" && r.Path == "/oauth2/token" {
		return token(r)
	}
	route, ok := strings.CutPrefix(r.Path, "/2/files/")
	if !ok {
		return actiontest.Reply{Status: 404}
	}
	if r.Header.Get("Authorization") != "Bearer a2" {
		return actiontest.Reply{Status: 401, Body: `{"error_summary":"expired_access_token/...","error":{".tag":"expired_access_token"}}`}
	}
	f.calls[route]++
	if f.before != nil {
		if reply := f.before(route, f.calls[route]); reply != nil {
			return *reply
		}
	}
	reply := f.route(route, r)
	if f.after != nil {
		if other := f.after(route, f.calls[route]); other != nil {
			return *other
		}
	}
	return reply
}

func token(r actiontest.Recorded) actiontest.Reply {
	form, err := url.ParseQuery(string(r.Body))
	switch {
	case err != nil || r.Header.Get("Authorization") != "Basic a2V5OnMzY3JldA==":
		return jsonReply(401, `{"error":"invalid_client"}`)
	case form.Get("grant_type") == "refresh_token" && form.Get("refresh_token") == "r1":
		return jsonReply(200, `{"access_token":"a2","token_type":"bearer","expires_in":14400}`)
	case form.Get("grant_type") == "authorization_code" && form.Get("code") == "good" && form.Get("redirect_uri") == "https://hub/r" && form.Get("code_verifier") == "verifier":
		return jsonReply(200, `{"access_token":"a2","token_type":"bearer","expires_in":14400,"refresh_token":"r1"}`)
	}
	return jsonReply(400, `{"error":"invalid_grant","error_description":"r1 is secret"}`)
}

func jsonReply(status int, body string) actiontest.Reply {
	return actiontest.Reply{Status: status, Header: map[string]string{"Content-Type": "application/json"}, Body: body}
}

func refused(summary, body string) actiontest.Reply {
	return jsonReply(409, fmt.Sprintf(`{"error_summary":%q,"error":%s}`, summary, body))
}

func (f *fake) route(route string, r actiontest.Recorded) actiontest.Reply {
	var arg struct {
		Path, Mode, Cursor string
		Limit              int
		Autorename         bool
		Hash               string `json:"content_hash"`
	}
	switch route {
	case "list_folder":
		if json.Unmarshal(r.Body, &arg) != nil || arg.Path != "" || arg.Limit != 2000 || r.Host != "api.dropboxapi.com" {
			return actiontest.Reply{Status: 400}
		}
		return f.page(0)
	case "list_folder/continue":
		var n int
		if json.Unmarshal(r.Body, &arg) != nil {
			return actiontest.Reply{Status: 400}
		}
		if _, err := fmt.Sscanf(arg.Cursor, "page-%d", &n); err != nil {
			return actiontest.Reply{Status: 400}
		}
		return f.page(n)
	case "get_metadata":
		if json.Unmarshal(r.Body, &arg) != nil {
			return actiontest.Reply{Status: 400}
		}
		if content, ok := f.files[arg.Path]; ok {
			return metadata(content)
		}
		return refused("path/not_found/..", `{".tag":"path"}`)
	}
	header := r.Header.Get("Dropbox-API-Arg")
	if r.Host != "content.dropboxapi.com" || r.Header.Get("Content-Type") != "application/octet-stream" ||
		strings.ContainsFunc(header, func(c rune) bool { return c >= 0x7f }) {
		return actiontest.Reply{Status: 400, Body: "HTTP header is not in ASCII"}
	}
	if route == "upload" {
		if json.Unmarshal([]byte(header), &arg) != nil {
			return actiontest.Reply{Status: 400}
		}
		if arg.Hash != dropboxHash(r.Body) {
			return refused("content_hash_mismatch/..", `{".tag":"content_hash_mismatch"}`)
		}
		return f.commit(arg.Path, arg.Mode, r.Body)
	}
	return f.session(route, header, r.Body)
}

func (f *fake) session(route, header string, body []byte) actiontest.Reply {
	var arg struct {
		Cursor struct {
			ID     string `json:"session_id"`
			Offset int    `json:"offset"`
		} `json:"cursor"`
		Commit struct{ Path, Mode string } `json:"commit"`
		Close  bool                        `json:"close"`
		Hash   string                      `json:"content_hash"`
	}
	if json.Unmarshal([]byte(header), &arg) != nil || arg.Close {
		return actiontest.Reply{Status: 400}
	}
	if arg.Hash != dropboxHash(body) {
		return refused("content_hash_mismatch/..", `{".tag":"content_hash_mismatch"}`)
	}
	if route == "upload_session/start" {
		id := fmt.Sprintf("s%d", len(f.sessions))
		f.sessions[id] = body
		return jsonReply(200, fmt.Sprintf(`{"session_id":%q}`, id))
	}
	have, known := f.sessions[arg.Cursor.ID]
	switch {
	case route == "upload_session/append_v2" && !known:
		return refused("not_found/..", `{".tag":"not_found"}`)
	case route == "upload_session/append_v2" && arg.Cursor.Offset != len(have):
		return refused("incorrect_offset/..", fmt.Sprintf(`{".tag":"incorrect_offset","correct_offset":%d}`, len(have)))
	case route == "upload_session/append_v2":
		f.sessions[arg.Cursor.ID] = append(slices.Clip(have), body...)
		return jsonReply(200, `null`)
	case route != "upload_session/finish":
		return actiontest.Reply{Status: 404}
	case !known:
		return refused("lookup_failed/not_found/..", `{".tag":"lookup_failed","lookup_failed":{".tag":"not_found"}}`)
	case arg.Cursor.Offset != len(have):
		return refused("lookup_failed/incorrect_offset/..", fmt.Sprintf(`{".tag":"lookup_failed","lookup_failed":{".tag":"incorrect_offset","correct_offset":%d}}`, len(have)))
	}
	// "Unable to save the uploaded contents to a file. Data has already been appended to the upload session. Please
	// retry with empty data body and updated offset." (UploadSessionFinishError.path in Dropbox's files.stone)
	f.sessions[arg.Cursor.ID] = append(slices.Clip(have), body...)
	if f.busy > 0 {
		f.busy--
		return refused("path/too_many_write_operations/..", `{".tag":"path","path":{".tag":"too_many_write_operations"}}`)
	}
	reply := f.commit(arg.Commit.Path, arg.Commit.Mode, f.sessions[arg.Cursor.ID])
	if reply.Status == 200 {
		delete(f.sessions, arg.Cursor.ID)
	}
	return reply
}

func (f *fake) commit(path, mode string, content []byte) actiontest.Reply {
	if mode != "add" && mode != "overwrite" || !strings.HasPrefix(path, "/") {
		return actiontest.Reply{Status: 400}
	}
	if there, ok := f.files[path]; ok && mode == "add" && string(there) != string(content) {
		return refused("path/conflict/file/...", `{".tag":"path"}`)
	}
	f.files[path] = content
	return metadata(content)
}

func metadata(content []byte) actiontest.Reply {
	return jsonReply(200, fmt.Sprintf(`{".tag":"file","size":%d,"content_hash":%q}`, len(content), dropboxHash(content)))
}

func (f *fake) page(n int) actiontest.Reply {
	if n >= len(f.folders) {
		return refused("path/not_found/..", `{".tag":"path"}`)
	}
	entries := []map[string]string{{".tag": "file", "name": "a file.csv"}}
	for _, folder := range f.folders[n] {
		entries = append(entries, map[string]string{".tag": "folder", "name": folder})
	}
	body, err := json.Marshal(map[string]any{"entries": entries, "cursor": fmt.Sprintf("page-%d", n+1), "has_more": n+1 < len(f.folders)})
	if err != nil {
		return actiontest.Reply{Status: 500}
	}
	return jsonReply(200, string(body))
}

// dropboxHash is written after the description, apart from the code under test.
func dropboxHash(content []byte) string {
	const block = 4 * 1024 * 1024
	var sums []byte
	for at := 0; at < len(content); at += block {
		sum := sha256.Sum256(content[at:min(at+block, len(content))])
		sums = append(sums, sum[:]...)
	}
	whole := sha256.Sum256(sums)
	return hex.EncodeToString(whole[:])
}

// serve is a download of which everything arrives.
func serve(body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) }
}
