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
	// rooted is whether the current call has the header Dropbox-API-Path-Root.
	rooted bool
	// team is the team space, if the account is a member of a team that has one.
	team *teamSpace
	// noAccountInfo is an app without the permission account_info.read, and appFolder one that has access to its folder only.
	noAccountInfo, appFolder bool
}

// teamSpace is a root whose folders are next to the member's own one. The own folder's files are those of the fake.
type teamSpace struct {
	root, homePath string
	folders        []string
	files          map[string][]byte
}

// info is the account's RootInfo.
func (f *fake) info() string {
	if f.team == nil {
		return `{".tag":"user","root_namespace_id":"1","home_namespace_id":"1"}`
	}
	return fmt.Sprintf(`{".tag":"team","root_namespace_id":%q,"home_namespace_id":"1","home_path":%q}`, f.team.root, f.team.homePath)
}

// checkRoot follows PathRoot and PathRootError in common.stone, and the status of
// https://www.dropbox.com/developers/reference/path-root-header-modes.
func (f *fake) checkRoot(header string) *actiontest.Reply {
	if header == "" {
		return nil
	}
	var root struct {
		Tag  string `json:".tag"`
		Root string `json:"root"`
	}
	reply := jsonReply(422, fmt.Sprintf(`{"error_summary":"invalid_root/..","error":{".tag":"invalid_root","invalid_root":%s}}`, f.info()))
	switch {
	case json.Unmarshal([]byte(header), &root) != nil || root.Tag != "root":
		reply = actiontest.Reply{Status: 400, Body: "Error in call to API function: Dropbox-API-Path-Root"}
	case f.appFolder:
		reply = jsonReply(422, `{"error_summary":"no_permission/..","error":{".tag":"no_permission"}}`)
	case f.team == nil && root.Root == "1", f.team != nil && root.Root == f.team.root:
		return nil
	}
	return &reply
}

// place returns the files that hold a path, and the path there.
func (f *fake) place(path string) (map[string][]byte, string) {
	if f.team == nil || !f.rooted {
		return f.files, path
	}
	if own, ok := strings.CutPrefix(path, f.team.homePath+"/"); ok {
		return f.files, "/" + own
	}
	return f.team.files, path
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
	route, isFile := strings.CutPrefix(r.Path, "/2/files/")
	if !isFile && r.Path != "/2/users/get_current_account" {
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
	if !isFile {
		return f.account(r)
	}
	if reply := f.checkRoot(r.Header.Get("Dropbox-Api-Path-Root")); reply != nil {
		return *reply
	}
	f.rooted = r.Header.Get("Dropbox-Api-Path-Root") != ""
	reply := f.route(route, r)
	if f.after != nil {
		if other := f.after(route, f.calls[route]); other != nil {
			return *other
		}
	}
	return reply
}

func (f *fake) account(r actiontest.Recorded) actiontest.Reply {
	switch {
	case r.Host != "api.dropboxapi.com" || len(r.Body) != 0:
		return actiontest.Reply{Status: 400}
	case f.noAccountInfo:
		return jsonReply(401, `{"error_summary":"missing_scope/..","error":{".tag":"missing_scope","required_scope":"account_info.read"}}`)
	}
	return jsonReply(200, `{"account_id":"dbid:1","root_info":`+f.info()+`}`)
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
		if json.Unmarshal(r.Body, &arg) != nil || arg.Limit != 2000 || r.Host != "api.dropboxapi.com" {
			return actiontest.Reply{Status: 400}
		}
		return f.list(arg.Path)
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
		files, path := f.place(arg.Path)
		if content, ok := files[path]; ok {
			return metadata(content)
		}
		if f.isFolder(arg.Path) {
			return jsonReply(200, `{".tag":"folder","name":"x","id":"id:x"}`)
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
	files, path := f.place(path)
	if there, ok := files[path]; ok && mode == "add" && string(there) != string(content) {
		return refused("path/conflict/file/...", `{".tag":"path"}`)
	}
	files[path] = content
	return metadata(content)
}

func metadata(content []byte) actiontest.Reply {
	return jsonReply(200, fmt.Sprintf(`{".tag":"file","size":%d,"content_hash":%q}`, len(content), dropboxHash(content)))
}

// list returns the first page of a folder. Only that of the own folder has others.
func (f *fake) list(path string) actiontest.Reply {
	switch {
	case path == "" && (!f.rooted || f.team == nil), f.rooted && f.team != nil && path == f.team.homePath:
		return f.page(0)
	case path == "":
		entries := []map[string]string{{".tag": "folder", "name": strings.TrimPrefix(f.team.homePath, "/")}}
		for _, folder := range f.team.folders {
			entries = append(entries, map[string]string{".tag": "folder", "name": folder})
		}
		return entriesReply(entries, 0, false)
	}
	return refused("path/not_found/..", `{".tag":"path","path":{".tag":"not_found"}}`)
}

// isFolder reports whether one of the folders at the top has the path.
func (f *fake) isFolder(path string) bool {
	folders := slices.Concat(f.folders...)
	if f.rooted && f.team != nil {
		var own bool
		if path, own = strings.CutPrefix(path, f.team.homePath); path == "" {
			return true
		}
		if !own {
			folders = f.team.folders
		}
	}
	return slices.ContainsFunc(folders, func(folder string) bool { return strings.EqualFold("/"+folder, path) })
}

func (f *fake) page(n int) actiontest.Reply {
	if n >= len(f.folders) {
		return refused("path/not_found/..", `{".tag":"path"}`)
	}
	entries := []map[string]string{{".tag": "file", "name": "a file.csv"}}
	for _, folder := range f.folders[n] {
		entries = append(entries, map[string]string{".tag": "folder", "name": folder})
	}
	return entriesReply(entries, n+1, n+1 < len(f.folders))
}

func entriesReply(entries []map[string]string, next int, more bool) actiontest.Reply {
	body, err := json.Marshal(map[string]any{"entries": entries, "cursor": fmt.Sprintf("page-%d", next), "has_more": more})
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
