package microsoftsharepoint_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"

	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/internal/microsoft"
)

// fake is Microsoft Graph after its description at learn.microsoft.com/graph/api. It accepts the access token "a2", which the refresh
// token "r1" and the code "good" are worth, and has a OneDrive and a site with two libraries.
type fake struct {
	*actiontest.Destination
	// folders are the paths of each drive's folders, and files their content by drive and path.
	folders  map[string][]string
	files    map[string][]byte
	sessions map[string]*session
	// before answers in place of the fake; after does so once the call did its work.
	before, after func(what string, n int) *actiontest.Reply
	calls         map[string]int
	// accept is how much of a fragment arrives; 0 means all.
	accept int
	// damage changes what is stored.
	damage bool
	host   string
}

// session is an upload.
type session struct {
	path, conflict string
	content        []byte
	total          int
}

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{
		Destination: actiontest.NewDestination(t), host: "graph.microsoft.com",
		folders:  map[string][]string{"mine": {"Reports", "Reports/2026"}, "docs": {"Sales", "Sales/EMEA"}, "archive": {}},
		files:    map[string][]byte{},
		sessions: map[string]*session{}, calls: map[string]int{},
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
	return jsonReply(status, map[string]any{"error": map[string]string{"code": code, "message": message}})
}

func (f *fake) serve(r actiontest.Recorded) actiontest.Reply {
	switch {
	case r.Broken:
		return actiontest.Reply{Status: http.StatusBadRequest}
	case strings.HasPrefix(r.Host, "login."):
		return token(r)
	}
	what, answer := f.route(r)
	if answer == nil {
		return refusal(http.StatusBadRequest, "invalidRequest", "no such method: "+r.Method+" "+r.Host+r.Path)
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

func token(r actiontest.Recorded) actiontest.Reply {
	form, err := url.ParseQuery(string(r.Body))
	good := map[string]any{"access_token": "a2", "token_type": "Bearer", "expires_in": 3599, "refresh_token": "r2"}
	switch {
	case err != nil, !strings.HasSuffix(r.Path, "/oauth2/v2.0/token"), form.Get("client_id") != "client", form.Get("client_secret") != "s3cret":
		return jsonReply(http.StatusUnauthorized, map[string]string{"error": "invalid_client"})
	case form.Get("grant_type") == "refresh_token" && strings.HasPrefix(form.Get("refresh_token"), "r"):
		return jsonReply(http.StatusOK, good)
	case form.Get("code") == "good" && form.Get("code_verifier") == "verifier":
		return jsonReply(http.StatusOK, good)
	}
	return jsonReply(http.StatusBadRequest, map[string]string{"error": "invalid_grant", "error_description": "AADSTS70000: r1 is secret"})
}

// route says which call a request is, and how it is answered.
func (f *fake) route(r actiontest.Recorded) (what string, answer func() actiontest.Reply) {
	if r.Host == "contoso.sharepoint.com" {
		return f.routeUpload(r)
	}
	path, ok := strings.CutPrefix(r.Path, "/v1.0/")
	if !ok || r.Host != f.host {
		return "", nil
	}
	if r.Header.Get("Authorization") != "Bearer a2" {
		return "token", func() actiontest.Reply {
			return refusal(http.StatusUnauthorized, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.")
		}
	}
	path, err := url.PathUnescape(path)
	if err != nil {
		return "", nil
	}
	switch {
	case path == "sites" && r.Query.Get("search") == "*":
		return "sites", func() actiontest.Reply { return f.sites(r.Query.Get("page")) }
	case path == "sites/contoso.sharepoint.com:/sites/hidden":
		return "site", func() actiontest.Reply { return jsonReply(http.StatusOK, map[string]string{"id": "contoso,1,2"}) }
	case strings.HasPrefix(path, "sites/") && strings.Contains(path, ":"):
		return "site", func() actiontest.Reply {
			return refusal(http.StatusNotFound, "itemNotFound", "Requested site could not be found")
		}
	case path == "sites/contoso,1,2/drives":
		return "drives", func() actiontest.Reply {
			return jsonReply(http.StatusOK, map[string]any{"value": []map[string]string{{"id": "docs", "name": "Documents"}, {"id": "archive", "name": "Archive"}}})
		}
	case path == "sites/contoso,1,2/drive":
		return "drive", func() actiontest.Reply { return jsonReply(http.StatusOK, map[string]string{"id": "docs"}) }
	case path == "me/drive":
		return "drive", func() actiontest.Reply { return jsonReply(http.StatusOK, map[string]string{"id": "mine"}) }
	}
	return f.routeItem(r, path)
}

// routeItem answers calls for items: drives/D/root:/path:/what and drives/D/items/ID:/path:/what.
func (f *fake) routeItem(r actiontest.Recorded, path string) (what string, answer func() actiontest.Reply) {
	rest, ok := strings.CutPrefix(path, "drives/")
	drive, rest, _ := strings.Cut(rest, "/")
	if !ok || f.folders[drive] == nil {
		return "item", func() actiontest.Reply {
			return refusal(http.StatusNotFound, "itemNotFound", "The resource could not be found.")
		}
	}
	at := ""
	if id, ok := strings.CutPrefix(rest, "items/"); ok {
		folder, below, _ := strings.Cut(id, ":/")
		at, rest = strings.TrimPrefix(folder, drive+"!"), ":/"+below
	} else {
		rest = strings.TrimPrefix(rest, "root")
	}
	below, what, _ := strings.Cut(strings.TrimPrefix(rest, ":/"), ":/")
	if after, ok0 := strings.CutPrefix(rest, "/"); ok0 {
		below, what = "", after
	}
	at = strings.Trim(at+"/"+below, "/")
	switch {
	case r.Method == http.MethodGet && what == "":
		return "item", func() actiontest.Reply { return f.item(drive, at) }
	case r.Method == http.MethodGet && what == "children":
		return "children", func() actiontest.Reply { return f.children(drive, at) }
	case r.Method == http.MethodPut && what == "content":
		return "content", func() actiontest.Reply {
			return f.store(drive+":"+at, r.Query.Get("@microsoft.graph.conflictBehavior"), r.Body)
		}
	case r.Method == http.MethodPost && what == "createUploadSession":
		return "session", func() actiontest.Reply { return f.begin(drive+":"+at, r.Body) }
	}
	return "", nil
}

func (f *fake) sites(page string) actiontest.Reply {
	if page == "" {
		return jsonReply(http.StatusOK, map[string]any{
			"value":           []map[string]string{{"id": "contoso,3,4", "name": "hr", "displayName": "People"}},
			"@odata.nextLink": "https://" + f.host + "/v1.0/sites?search=*&page=2",
		})
	}
	return jsonReply(http.StatusOK, map[string]any{"value": []map[string]string{{"id": "contoso,1,2", "name": "finance"}}})
}

func (f *fake) item(drive, path string) actiontest.Reply {
	if content, ok := f.files[drive+":"+path]; ok {
		return jsonReply(http.StatusOK, item(content))
	}
	if path != "" && !slices.Contains(f.folders[drive], path) {
		return refusal(http.StatusNotFound, "itemNotFound", "The resource could not be found.")
	}
	return jsonReply(http.StatusOK, map[string]any{"id": drive + "!" + path, "name": path, "folder": map[string]int{"childCount": 1}})
}

func (f *fake) children(drive, path string) actiontest.Reply {
	if path != "" && !slices.Contains(f.folders[drive], path) {
		return refusal(http.StatusNotFound, "itemNotFound", "The resource could not be found.")
	}
	all := []map[string]any{{"id": "file", "name": "a file.csv", "file": map[string]any{}}}
	for _, folder := range f.folders[drive] {
		name, ok := strings.CutPrefix("/"+folder, strings.TrimSuffix("/"+path, "/")+"/")
		if ok && !strings.Contains(name, "/") {
			all = append(all, map[string]any{"id": drive + "!" + folder, "name": name, "folder": map[string]any{}})
		}
	}
	return jsonReply(http.StatusOK, map[string]any{"value": all})
}

// enriched are files that SharePoint stores with properties of its own: "Files that appear to report incorrect sizes are: PDF, MS Office
// Documents, HTML files" (https://github.com/OneDrive/onedrive-api-docs/issues/935).
var enriched = []string{".pdf", ".xlsx", ".html"}

// store writes a file. "The conflict resolution behavior ... fail, replace, or rename.".
func (f *fake) store(at, conflict string, content []byte) actiontest.Reply {
	if conflict != "fail" && conflict != "replace" {
		return refusal(http.StatusBadRequest, "invalidRequest", "conflictBehavior")
	}
	if _, exists := f.files[at]; exists && conflict == "fail" {
		return refusal(http.StatusConflict, "nameAlreadyExists", "The specified item name already exists.")
	}
	switch extension := path.Ext(at); {
	case f.damage:
		content = append([]byte("!"), content...)
	case slices.Contains(enriched, strings.ToLower(extension)):
		content = append(slices.Clone(content), "properties"...)
	}
	f.files[at] = content
	return jsonReply(http.StatusCreated, item(content))
}

func item(content []byte) map[string]any {
	var sum microsoft.QuickXor
	_, _ = sum.Write(content)
	return map[string]any{"id": "item", "size": len(content), "file": map[string]any{"hashes": map[string]string{"quickXorHash": sum.Sum()}}}
}

func (f *fake) begin(path string, body []byte) actiontest.Reply {
	var in struct {
		Item map[string]string `json:"item"`
	}
	if json.Unmarshal(body, &in) != nil {
		return refusal(http.StatusBadRequest, "invalidRequest", "body")
	}
	conflict := in.Item["@microsoft.graph.conflictBehavior"]
	if _, exists := f.files[path]; exists && conflict == "fail" {
		return refusal(http.StatusConflict, "nameAlreadyExists", "The specified item name already exists.")
	}
	for _, s := range f.sessions {
		if s.path == path { // even with replace: https://github.com/OneDrive/onedrive-api-docs/issues/747
			return refusal(http.StatusConflict, "nameAlreadyExists", "A file with the same name is currently being uploaded.")
		}
	}
	id := fmt.Sprintf("s%d", len(f.sessions)+1)
	f.sessions[id] = &session{path: path, conflict: conflict}
	return jsonReply(http.StatusOK, map[string]any{
		"uploadUrl": "https://contoso.sharepoint.com/upload/" + id + "?tempauth=secret", "expirationDateTime": "2026-12-01T00:00:00Z",
		"nextExpectedRanges": []string{"0-"},
	})
}

// routeUpload answers requests to an upload URL. "Don't include the Authorization header when issuing the PUT call.".
func (f *fake) routeUpload(r actiontest.Recorded) (what string, answer func() actiontest.Reply) {
	id := strings.TrimPrefix(r.Path, "/upload/")
	switch {
	case r.Header.Get("Authorization") != "":
		return "fragment", func() actiontest.Reply { return refusal(http.StatusUnauthorized, "unauthenticated", "Authorization") }
	case r.Query.Get("tempauth") != "secret" || f.sessions[id] == nil:
		return r.Method, func() actiontest.Reply {
			return refusal(http.StatusNotFound, "itemNotFound", "The upload session was not found")
		}
	case r.Method == http.MethodPut:
		return "fragment", func() actiontest.Reply { return f.fragment(id, r) }
	case r.Method == http.MethodGet:
		return "status", func() actiontest.Reply { return f.expects(http.StatusOK, id) }
	case r.Method == http.MethodDelete:
		return "cancel", func() actiontest.Reply {
			delete(f.sessions, id)
			return actiontest.Reply{Status: http.StatusNoContent}
		}
	}
	return "", nil
}

func (f *fake) fragment(id string, r actiontest.Recorded) actiontest.Reply {
	s := f.sessions[id]
	var first, last, total int
	_, err := fmt.Sscanf(r.Header.Get("Content-Range"), "bytes %d-%d/%d", &first, &last, &total)
	switch {
	case err != nil, last-first+1 != len(r.Body), len(r.Body) >= microsoft.MaxFragment, s.total != 0 && s.total != total:
		return refusal(http.StatusBadRequest, "invalidRequest", "Content-Range")
	case last+1 != total && len(r.Body)%microsoft.Quantum != 0 && f.accept == 0:
		return refusal(http.StatusBadRequest, "invalidRequest", "not a multiple of 320 KiB")
	case first != len(s.content):
		return refusal(http.StatusRequestedRangeNotSatisfiable, "invalidRange", "The uploaded fragment has already been received")
	}
	s.total = total
	content := r.Body
	if f.accept > 0 && f.accept < len(content) {
		content = content[:f.accept]
	}
	s.content = append(s.content, content...)
	if len(s.content) < total {
		return f.expects(http.StatusAccepted, id)
	}
	delete(f.sessions, id)
	return f.store(s.path, s.conflict, s.content)
}

func (f *fake) expects(status int, id string) actiontest.Reply {
	return jsonReply(status, map[string]any{
		"expirationDateTime": "2026-12-01T00:00:00Z", "nextExpectedRanges": []string{fmt.Sprintf("%d-", len(f.sessions[id].content))},
	})
}
