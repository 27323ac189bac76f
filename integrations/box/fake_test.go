package box_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"integrationhub.dev/hub/action/actiontest"
)

// fake is a Box after its description at developer.box.com/reference. It accepts the access token "a2", which the refresh token "r1" and
// the code "good" are worth, once each.
type fake struct {
	*actiontest.Destination
	folders  []folder
	files    map[string]*file // by ID
	sessions map[string]*session
	used     map[string]bool
	// before answers in place of the fake; after does so once the call did its work.
	before, after func(what string, n int) *actiontest.Reply
	calls         map[string]int
	// pending is how often a commit is answered by 202.
	pending int
	// partSize is that of sessions.
	partSize int
}

type folder struct{ id, parent, name string }

type file struct {
	folder, name string
	versions     []string
}

type session struct {
	folder, name, version string
	size                  int
	parts                 []part
	content               []byte
}

type part struct {
	ID     string `json:"part_id"`
	Offset int    `json:"offset"`
	Size   int    `json:"size"`
	Sum    string `json:"sha1"`
}

const partSize = 700

// zone is where the fake's sessions are.
const zone = "https://upload-eu.app.box.com/api/2.0/files/upload_sessions/"

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{
		Destination: actiontest.NewDestination(t), partSize: partSize, files: map[string]*file{}, sessions: map[string]*session{},
		folders: []folder{{"0", "", "All Files"}, {"11", "0", "Reports"}, {"12", "11", "2026"}, {"13", "0", "archive"}},
		used:    map[string]bool{}, calls: map[string]int{},
	}
	f.Handle(f.serve)
	return f
}

func jsonReply(status int, v any) actiontest.Reply {
	body, err := json.Marshal(v)
	if err != nil {
		return actiontest.Reply{Status: http.StatusInternalServerError}
	}
	return actiontest.Reply{Status: status, Header: map[string]string{"Content-Type": "application/json"}, Body: string(body)}
}

func refusal(status int, code, message string) actiontest.Reply {
	return jsonReply(status, map[string]any{"type": "error", "status": status, "code": code, "message": message})
}

func (f *fake) serve(r actiontest.Recorded) actiontest.Reply {
	switch {
	case r.Broken:
		return actiontest.Reply{Status: http.StatusBadRequest}
	case r.Host+r.Path == "api.box.com/oauth2/token":
		return f.token(r)
	case r.Header.Get("Authorization") != "Bearer a2":
		return actiontest.Reply{Status: http.StatusUnauthorized, Header: map[string]string{"Www-Authenticate": `Bearer error="invalid_token"`}}
	}
	what, answer := f.route(r)
	if answer == nil {
		return refusal(http.StatusBadRequest, "bad_request", "no such method: "+r.Method+" "+r.Host+r.Path)
	}
	f.calls[what]++
	if f.before != nil {
		if reply := f.before(what, f.calls[what]); reply != nil {
			return *reply
		}
	}
	reply := answer()
	if f.after != nil {
		if other := f.after(what, f.calls[what]); other != nil {
			return *other
		}
	}
	return reply
}

// token exchanges a code or a refresh token, each of which "can only be used once".
func (f *fake) token(r actiontest.Recorded) actiontest.Reply {
	form, err := url.ParseQuery(string(r.Body))
	if err != nil || form.Get("client_id") != "client" || form.Get("client_secret") != "s3cret" {
		return jsonReply(http.StatusUnauthorized, map[string]string{"error": "invalid_client"})
	}
	grant := form.Get("refresh_token") + form.Get("code")
	if !slices.Contains([]string{"r1", "good"}, grant) || f.used[grant] {
		return jsonReply(http.StatusBadRequest, map[string]string{"error": "invalid_grant", "error_description": "r1 is secret"})
	}
	f.used[grant] = true
	return jsonReply(http.StatusOK, map[string]any{"access_token": "a2", "token_type": "bearer", "expires_in": 3600, "refresh_token": "r2"})
}

// route says which call a request is, and how it is answered.
func (f *fake) route(r actiontest.Recorded) (what string, answer func() actiontest.Reply) {
	if path, ok := strings.CutPrefix(r.Path, "/2.0/"); ok && r.Host == "api.box.com" {
		return f.routeAPI(r, strings.Split(path, "/"))
	}
	path, ok := strings.CutPrefix(r.Path, "/api/2.0/files/")
	at := strings.Split(path, "/")
	switch {
	case !ok:
		return "", nil
	case r.Host == "upload-eu.app.box.com" && len(at) > 1 && at[0] == "upload_sessions":
		return f.routeSession(r, at[1:])
	case r.Host != "upload.box.com":
		return "", nil
	case path == "content" && r.Method == http.MethodPost:
		return "content", func() actiontest.Reply { return f.upload(r, "") }
	case len(at) == 2 && at[1] == "content" && r.Method == http.MethodPost:
		return "content", func() actiontest.Reply { return f.upload(r, at[0]) }
	case path == "upload_sessions" && r.Method == http.MethodPost:
		return "session", func() actiontest.Reply { return f.begin(r.Body, "") }
	case len(at) == 2 && at[1] == "upload_sessions" && r.Method == http.MethodPost:
		return "session", func() actiontest.Reply { return f.begin(r.Body, at[0]) }
	}
	return "", nil
}

func (f *fake) routeAPI(r actiontest.Recorded, at []string) (what string, answer func() actiontest.Reply) {
	switch {
	case r.Method == http.MethodOptions && at[0] == "files" && at[len(at)-1] == "content":
		version := ""
		if len(at) == 3 {
			version = at[1]
		}
		return "preflight", func() actiontest.Reply { return f.preflight(r.Body, version) }
	case r.Method != http.MethodGet:
	case len(at) == 2 && at[0] == "files":
		return "file", func() actiontest.Reply {
			there := f.files[at[1]]
			if there == nil {
				return refusal(http.StatusNotFound, "not_found", "Not Found")
			}
			return jsonReply(http.StatusOK, map[string]string{"type": "file", "id": at[1], "sha1": sum(there.versions[len(there.versions)-1])})
		}
	case len(at) == 2 && at[0] == "folders":
		return "folder", func() actiontest.Reply { return f.folder(at[1]) }
	case len(at) == 3 && at[0] == "folders" && at[2] == "items":
		return "items", func() actiontest.Reply { return f.items(at[1], r.Query) }
	}
	return "", nil
}

func (f *fake) routeSession(r actiontest.Recorded, at []string) (what string, answer func() actiontest.Reply) {
	s := f.sessions[at[0]]
	switch {
	case s == nil:
		return "gone", func() actiontest.Reply { return refusal(http.StatusNotFound, "not_found", "upload session") }
	case len(at) == 1 && r.Method == http.MethodPut:
		return "part", func() actiontest.Reply { return s.put(r, f.partSize) }
	case len(at) == 1 && r.Method == http.MethodDelete:
		return "abort", func() actiontest.Reply {
			delete(f.sessions, at[0])
			return actiontest.Reply{Status: http.StatusNoContent}
		}
	case len(at) == 2 && at[1] == "parts" && r.Method == http.MethodGet:
		return "parts", func() actiontest.Reply { return s.list(r.Query.Get("offset")) }
	case len(at) == 2 && at[1] == "commit" && r.Method == http.MethodPost:
		return "commit", func() actiontest.Reply { return f.commit(at[0], r) }
	}
	return "", nil
}

func (f *fake) entry(id string) (map[string]string, *folder) {
	for n, at := range f.folders {
		if at.id == id {
			return map[string]string{"type": "folder", "id": id, "name": at.name}, &f.folders[n]
		}
	}
	return nil, nil
}

func (f *fake) folder(id string) actiontest.Reply {
	this, at := f.entry(id)
	if at == nil {
		return refusal(http.StatusNotFound, "not_found", "Not Found")
	}
	way := []map[string]string{}
	for parent := at.parent; parent != ""; {
		above, up := f.entry(parent)
		way = append([]map[string]string{above}, way...)
		parent = up.parent
	}
	return jsonReply(http.StatusOK, map[string]any{
		"type": "folder", "id": id, "name": this["name"], "path_collection": map[string]any{"total_count": len(way), "entries": way},
	})
}

// items lists one folder on a page.
func (f *fake) items(id string, query url.Values) actiontest.Reply {
	if query.Get("usemarker") != "true" || query.Get("limit") != "1000" {
		return refusal(http.StatusBadRequest, "bad_request", "marker")
	}
	all := []map[string]string{{"type": "file", "id": "99", "name": "a file.csv"}}
	for _, at := range f.folders {
		if at.parent == id {
			all = append(all, map[string]string{"type": "folder", "id": at.id, "name": at.name})
		}
	}
	n, err := strconv.Atoi("0" + query.Get("marker"))
	if err != nil || n >= len(all) {
		return refusal(http.StatusBadRequest, "bad_request", "marker")
	}
	page := map[string]any{"entries": all[n : n+1], "next_marker": nil}
	if n+1 < len(all) {
		page["next_marker"] = strconv.Itoa(n + 1)
	}
	return jsonReply(http.StatusOK, page)
}

// named returns the ID of a folder's file of a name, which Box compares without case.
func (f *fake) named(folder, name string) string {
	for id, there := range f.files {
		if there.folder == folder && strings.EqualFold(there.name, name) {
			return id
		}
	}
	return ""
}

func (f *fake) conflict(id string) actiontest.Reply {
	return jsonReply(http.StatusConflict, map[string]any{
		"type": "error", "status": 409, "code": "item_name_in_use", "message": "Item with the same name already exists",
		"context_info": map[string]any{"conflicts": map[string]string{"type": "file", "id": id, "name": f.files[id].name}},
	})
}

// check is what preflight and the uploads check.
func (f *fake) check(folder, name, version string) *actiontest.Reply {
	if version != "" {
		if f.files[version] == nil {
			reply := refusal(http.StatusNotFound, "not_found", "Not Found")
			return &reply
		}
		return nil
	}
	if _, at := f.entry(folder); at == nil {
		reply := refusal(http.StatusNotFound, "not_found", "Not Found")
		return &reply
	}
	if id := f.named(folder, name); id != "" {
		reply := f.conflict(id)
		return &reply
	}
	return nil
}

func (f *fake) preflight(body []byte, version string) actiontest.Reply {
	var in struct {
		Name   string
		Parent struct{ ID string }
		Size   *int
	}
	if json.Unmarshal(body, &in) != nil || in.Size == nil {
		return refusal(http.StatusBadRequest, "bad_request", "body")
	}
	if reply := f.check(in.Parent.ID, in.Name, version); reply != nil {
		return *reply
	}
	return jsonReply(http.StatusOK, map[string]string{"upload_url": "https://upload.box.com/api/2.0/files/content?upload_session_id=1"})
}

func sum(content string) string {
	s := sha1.Sum([]byte(content))
	return hex.EncodeToString(s[:])
}

func digest(content []byte) string {
	s := sha1.Sum(content)
	return "sha=" + base64.StdEncoding.EncodeToString(s[:])
}

// upload takes a file in one request. "The attributes part of the body must come before the file part.".
func (f *fake) upload(r actiontest.Recorded, version string) actiontest.Reply {
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return refusal(http.StatusBadRequest, "bad_request", "multipart")
	}
	form := multipart.NewReader(bytes.NewReader(r.Body), params["boundary"])
	var in struct {
		Name   string
		Parent struct{ ID string }
	}
	first, err := form.NextPart()
	if err != nil || first.FormName() != "attributes" || json.NewDecoder(first).Decode(&in) != nil {
		return refusal(http.StatusBadRequest, "metadata_after_file_contents", "attributes")
	}
	second, err := form.NextPart()
	if err != nil || second.FormName() != "file" {
		return refusal(http.StatusBadRequest, "bad_request", "file")
	}
	content, err := io.ReadAll(second)
	if err != nil || r.Header.Get("Content-Md5") != sum(string(content)) {
		return refusal(http.StatusBadRequest, "bad_digest", "The specified content-md5 did not match what we received")
	}
	if reply := f.check(in.Parent.ID, in.Name, version); reply != nil {
		return *reply
	}
	reply := f.store(in.Parent.ID, in.Name, version, string(content))
	if version != "" {
		reply.Status = http.StatusOK // https://developer.box.com/reference/post-files-id-content
	}
	return reply
}

func (f *fake) store(folder, name, version, content string) actiontest.Reply {
	if version == "" {
		version = fmt.Sprintf("f%d", len(f.files)+1)
		f.files[version] = &file{folder: folder, name: name}
	}
	f.files[version].versions = append(f.files[version].versions, content)
	return jsonReply(http.StatusCreated, map[string]any{"total_count": 1, "entries": []map[string]string{
		{"type": "file", "id": version, "sha1": sum(content)},
	}})
}

func (f *fake) begin(body []byte, version string) actiontest.Reply {
	var in struct {
		Folder string `json:"folder_id"`
		Name   string `json:"file_name"`
		Size   int    `json:"file_size"`
	}
	if json.Unmarshal(body, &in) != nil || in.Size < 1000 || (in.Folder == "") != (version != "") {
		return refusal(http.StatusBadRequest, "bad_request", "file_size")
	}
	if reply := f.check(in.Folder, in.Name, version); reply != nil {
		return *reply
	}
	id := fmt.Sprintf("S%d", len(f.sessions)+1)
	f.sessions[id] = &session{folder: in.Folder, name: in.Name, version: version, size: in.Size}
	return jsonReply(http.StatusCreated, map[string]any{
		"id": id, "type": "upload_session", "part_size": f.partSize, "num_parts_processed": 0,
		"session_endpoints": map[string]string{
			"upload_part": zone + id, "commit": zone + id + "/commit", "abort": zone + id, "list_parts": zone + id + "/parts", "status": zone + id,
		},
	})
}

func (s *session) put(r actiontest.Recorded, size int) actiontest.Reply {
	var first, last, total int
	_, err := fmt.Sscanf(r.Header.Get("Content-Range"), "bytes %d-%d/%d", &first, &last, &total)
	switch {
	case err != nil, total != s.size, last-first+1 != len(r.Body), first%size != 0, len(r.Body) != min(size, total-first):
		return refusal(http.StatusRequestedRangeNotSatisfiable, "range_not_satisfiable", "Content-Range")
	case r.Header.Get("Digest") != digest(r.Body):
		return refusal(http.StatusBadRequest, "bad_digest", "Digest")
	case first != len(s.content):
		return refusal(http.StatusPreconditionFailed, "range_overlaps_existing_range", "The part overlaps with another one")
	}
	s.content = append(s.content, r.Body...)
	p := part{fmt.Sprintf("P%d", len(s.parts)+1), first, len(r.Body), sum(string(r.Body))}
	s.parts = append(s.parts, p)
	return jsonReply(http.StatusOK, map[string]any{"part": p})
}

// list returns one part on a page.
func (s *session) list(offset string) actiontest.Reply {
	n, err := strconv.Atoi(offset)
	if err != nil || n >= len(s.parts) {
		return jsonReply(http.StatusOK, map[string]any{"entries": []part{}, "total_count": len(s.parts)})
	}
	return jsonReply(http.StatusOK, map[string]any{"entries": s.parts[n : n+1], "total_count": len(s.parts)})
}

func (f *fake) commit(id string, r actiontest.Recorded) actiontest.Reply {
	s := f.sessions[id]
	var in struct{ Parts []part }
	switch {
	case json.Unmarshal(r.Body, &in) != nil, !slices.Equal(in.Parts, s.parts), len(s.content) != s.size:
		return refusal(http.StatusBadRequest, "parts_mismatch", "parts")
	case r.Header.Get("Digest") != digest(s.content):
		return refusal(http.StatusBadRequest, "bad_digest", "Digest")
	case f.pending > 0:
		f.pending--
		return actiontest.Reply{Status: http.StatusAccepted, Header: map[string]string{"Retry-After": "0"}}
	}
	if reply := f.check(s.folder, s.name, s.version); reply != nil {
		return *reply
	}
	delete(f.sessions, id)
	return f.store(s.folder, s.name, s.version, string(s.content))
}
