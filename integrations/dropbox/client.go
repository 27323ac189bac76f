package dropbox

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/chunk"
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

// argument is a call's argument, which may hold paths.
type argument func(rootInfo) (any, error)

// fixed is an argument without a path.
func fixed(arg any) argument { return func(rootInfo) (any, error) { return arg, nil } }

// rpc calls a route whose argument is the body.
func (s *session) rpc(ctx context.Context, route string, arg argument, out any) error {
	return s.rooted(func(root rootInfo) error {
		in, err := arg(root)
		if err != nil {
			return err
		}
		return s.call(ctx, readTimeout, apiHost+"/2/files/"+route, root, in, out)
	})
}

// upload calls a route whose body is content, and whose argument is in a header.
func (s *session) upload(ctx context.Context, route string, arg argument, content []byte, out any) error {
	return s.rooted(func(root rootInfo) error {
		in, err := arg(root)
		if err != nil {
			return err
		}
		header, err := headerSafe(in)
		if err != nil {
			return fmt.Errorf("encoding a call: %w", err)
		}
		body := outbound.Bytes("application/octet-stream", content)
		body.Header = http.Header{"Dropbox-Api-Arg": {header}}
		return s.call(ctx, writeTimeout, contentHost+"/2/files/"+route, root, body, out)
	})
}

// call makes a call once, or twice if the access token had to be renewed.
func (s *session) call(ctx context.Context, timeout time.Duration, address string, root rootInfo, in, out any) error {
	return s.Call(ctx, func(ctx context.Context, access string) error {
		authorize := outbound.Bearer(action.Secret(access))
		api := outbound.API{
			Name: name, Client: s.integration.http, Timeout: timeout, Explain: explain,
			Authorize: func(req *http.Request) {
				authorize(req)
				root.addTo(req.Header)
			},
		}
		return api.Call(ctx, http.MethodPost, address, in, out)
	})
}

// rootInfo says where an account's paths begin (RootInfo in common.stone). For a member of a team with a team space, the root
// is that of the team or of the member, and HomePath is the member's own folder in it. Without the header
// Dropbox-API-Path-Root, paths begin in the own folder, and team folders cannot be reached:
// https://developers.dropbox.com/dbx-team-files-guide
type rootInfo struct {
	Root     string `json:"root_namespace_id"`
	Home     string `json:"home_namespace_id"`
	HomePath string `json:"home_path"`
}

// hasTeamSpace reports whether the account can have folders next to its own one.
func (r rootInfo) hasTeamSpace() bool { return r.Root != "" && r.Root != r.Home && r.HomePath != "" }

// addTo sets the header in the mode "root", which Dropbox rejects if the account has another root by now:
// https://www.dropbox.com/developers/reference/path-root-header-modes
func (r rootInfo) addTo(header http.Header) {
	if r.hasTeamSpace() {
		header.Set("Dropbox-Api-Path-Root", fmt.Sprintf(`{".tag":"root","root":%q}`, r.Root))
	}
}

// place is a path in the user's own folder, or in the team space.
type place struct {
	path string
	team bool
}

// path returns the path of a place under the account's root.
func (r rootInfo) path(p place) (string, error) {
	switch {
	case p.team && !r.hasTeamSpace():
		return "", action.InvalidField("directory", "The folder is in a team space, which this Dropbox account cannot access. "+
			"Open the form in Looker and select a folder.")
	case p.team || !r.hasTeamSpace():
		return p.path, nil
	}
	return r.HomePath + p.path, nil
}

// locate asks once for the account's root. An app without the permission to ask is left to the user's own folder.
func (s *session) locate(ctx context.Context) error {
	if s.root != nil {
		return nil
	}
	var account struct {
		Root rootInfo `json:"root_info"`
	}
	err := s.integration.retry.Do(outbound.WithDoubt(ctx, ""), func(ctx context.Context) error {
		return s.call(ctx, readTimeout, apiHost+"/2/users/get_current_account", rootInfo{}, nil, &account)
	})
	if err != nil && strings.Contains(apiErrorOf(err).Summary, "missing_scope") {
		s.integration.log.WarnContext(ctx, "dropbox app lacks the permission account_info.read, team folders cannot be reached")
		err = nil
	}
	if err == nil {
		s.root = &account.Root
	}
	return err
}

// rooted calls f with the account's root, and again if the account got another root since it was located.
func (s *session) rooted(f func(rootInfo) error) error {
	err := f(*s.root)
	if moved, ok := newRoot(err); ok && moved != *s.root {
		s.root = &moved
		err = f(moved)
	}
	return err
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

// listFolders returns the sorted names of the folders in a place.
func (s *session) listFolders(ctx context.Context, in place) ([]string, error) {
	var folders []string
	route, arg := "list_folder", argument(func(root rootInfo) (any, error) {
		path, err := root.path(in)
		return map[string]any{"path": path, "limit": folderPage}, err
	})
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
		route, arg = "list_folder/continue", fixed(map[string]any{"cursor": page.Cursor})
	}
}

// chunkSize is a multiple of Dropbox's block size of 4 MiB, and small enough to keep in memory. Larger chunks save
// requests, which are limited for teams.
const chunkSize = 16 << 20

// commit is the path and the mode of a file. With the mode "add", an existing file is not replaced. If it has the
// same content, Dropbox reports success, so that the request can be repeated. With "overwrite", the file gets a
// new version.
type commit struct {
	Path       string `json:"path"`
	Mode       string `json:"mode"`
	AutoRename bool   `json:"autorename"`
}

// target is where a file is written, and how.
type target struct {
	place
	mode string
}

// commit returns the target as Dropbox wants it.
func (t target) commit(root rootInfo) (commit, error) {
	path, err := root.path(t.place)
	return commit{Path: path, Mode: t.mode}, err
}

// cursor is the position of a chunk in a session.
type cursor struct {
	SessionID string `json:"session_id"`
	Offset    int64  `json:"offset"`
}

// file is Dropbox's metadata of a file or a folder. A folder has no hash.
type file struct {
	Tag  string `json:".tag"`
	Hash string `json:"content_hash"`
}

// write sends the data: one chunk in one request, and more in a session. The file becomes visible only when it is
// complete. Dropbox deletes sessions that are not finished.
func (s *session) write(ctx context.Context, to target, data action.Data) error {
	src, err := data.Open(ctx)
	if err != nil {
		return err
	}
	defer src.Close()
	pieces := chunk.NewReader(src, s.integration.chunk)
	piece, last, err := pieces.Next()
	if err != nil {
		return fmt.Errorf("reading the data: %w", err)
	}
	whole := &contentHash{}
	whole.add(piece)
	if last {
		return s.writeOnce(ctx, to, piece, whole.sum())
	}
	var at cursor
	if at.SessionID, err = s.start(ctx, piece); err != nil {
		return err
	}
	at.Offset = int64(len(piece))
	for {
		if piece, last, err = pieces.Next(); err != nil {
			return fmt.Errorf("reading the data: %w", err)
		}
		whole.add(piece)
		if last {
			return s.finish(ctx, at, to, piece, whole.sum())
		}
		if err := s.append(ctx, at, piece); err != nil {
			return err
		}
		at.Offset += int64(len(piece))
	}
}

// writeOnce writes a file in one request.
func (s *session) writeOnce(ctx context.Context, to target, content []byte, sum string) error {
	arg := func(root rootInfo) (any, error) {
		c, err := to.commit(root)
		return struct {
			commit
			Hash string `json:"content_hash"`
		}{c, sum}, err
	}
	var made file
	err := s.integration.retry.Do(ctx, func(ctx context.Context) error { return s.upload(ctx, "upload", arg, content, &made) })
	return verified(made, sum, err)
}

// start starts a session. A second one after a lost response does no harm.
func (s *session) start(ctx context.Context, content []byte) (string, error) {
	arg := fixed(map[string]any{"close": false, "content_hash": hashOf(content)})
	var answer struct {
		SessionID string `json:"session_id"`
	}
	err := s.integration.retry.Do(ctx, func(ctx context.Context) error {
		return s.upload(ctx, "upload_session/start", arg, content, &answer)
	})
	if err == nil && answer.SessionID == "" {
		err = errUnexpected
	}
	return answer.SessionID, err
}

// append adds a chunk. After a lost response, Dropbox reports that it already has the chunk.
func (s *session) append(ctx context.Context, at cursor, content []byte) error {
	arg := fixed(map[string]any{"cursor": at, "close": false, "content_hash": hashOf(content)})
	err := s.integration.retry.Do(ctx, func(ctx context.Context) error {
		return s.upload(ctx, "upload_session/append_v2", arg, content, nil)
	})
	if correct := apiErrorOf(err).Error.Correct; correct != nil && *correct == at.Offset+int64(len(content)) {
		return nil
	}
	return lostSession(err)
}

// finish adds the last chunk and creates the file.
func (s *session) finish(ctx context.Context, at cursor, to target, content []byte, sum string) error {
	var made file
	var doubt bool
	tail := tail{cursor: at, content: content}
	err := s.integration.retry.Do(ctx, func(ctx context.Context) error {
		err := s.commit(ctx, &tail, to, &made)
		kind := action.KindOf(err)
		doubt = doubt || kind == action.Unavailable || kind == action.Timeout
		return err
	})
	if err != nil && doubt {
		// A response was lost. If the file exists, the session no longer does.
		if found, ferr := s.find(ctx, to.place); ferr == nil && found.Hash == sum {
			return nil
		}
	}
	return verified(made, sum, lostSession(err))
}

// tail is the last chunk of a session, and the offset at which it belongs. appended means that Dropbox already has it.
type tail struct {
	cursor
	content  []byte
	appended bool
}

// rest returns the position and the content of what Dropbox does not have yet.
func (t *tail) rest() (cursor, []byte) {
	if t.appended {
		return cursor{t.SessionID, t.end()}, nil
	}
	return t.cursor, t.content
}

func (t *tail) end() int64 { return t.Offset + int64(len(t.content)) }

// moveTo reports whether correct, an offset that Dropbox named, calls for another request than the last one.
func (t *tail) moveTo(correct *int64) bool {
	was := t.appended
	switch {
	case correct == nil:
		return false
	case *correct == t.end():
		t.appended = true
	case *correct == t.Offset:
		t.appended = false
	}
	return t.appended != was
}

// commit makes one attempt to finish. A commit that fails, as in a busy folder, comes after the chunk was appended: "Data has
// already been appended to the upload session. Please retry with empty data body and updated offset."
// (UploadSessionFinishError.path in https://github.com/dropbox/dropbox-api-spec, files.stone). After a lost response, Dropbox
// names the offset.
func (s *session) commit(ctx context.Context, t *tail, to target, made *file) error {
	err := s.sendTail(ctx, t, to, made)
	if t.moveTo(apiErrorOf(err).Error.Lookup.Correct) {
		err = s.sendTail(ctx, t, to, made)
	}
	if apiErrorOf(err).Error.Tag == "path" {
		t.appended = true
	}
	return err
}

func (s *session) sendTail(ctx context.Context, t *tail, to target, made *file) error {
	at, content := t.rest()
	arg := func(root rootInfo) (any, error) {
		c, err := to.commit(root)
		return map[string]any{"cursor": at, "commit": c, "content_hash": hashOf(content)}, err
	}
	return s.upload(ctx, "upload_session/finish", arg, content, made)
}

// find returns the metadata of a file or a folder.
func (s *session) find(ctx context.Context, at place) (file, error) {
	var found file
	err := s.integration.retry.Do(ctx, func(ctx context.Context) error {
		return s.rpc(ctx, "get_metadata", func(root rootInfo) (any, error) {
			path, err := root.path(at)
			return map[string]any{"path": path}, err
		}, &found)
	})
	return found, err
}

// isFolder reports whether there is a folder in a place.
func (s *session) isFolder(ctx context.Context, at place) (bool, error) {
	found, err := s.find(outbound.WithDoubt(ctx, ""), at)
	if strings.HasPrefix(apiErrorOf(err).Summary, "path/not_found") {
		return false, nil
	}
	return found.Tag == "folder", err
}

// lostSession explains errors of a session that has ended or has another offset.
func lostSession(err error) error {
	if _, ok := errors.AsType[*outbound.StatusError](err); !ok {
		return err
	}
	summary := apiErrorOf(err).Summary
	for _, part := range []string{"not_found", "incorrect_offset", "closed"} {
		if strings.Contains(summary, part) {
			return action.Wrap(err, action.Unavailable, "%s closed the upload before it was complete. No file was written.", name)
		}
	}
	return err
}

// verified compares the hash of the stored file with that of the data.
func verified(made file, sum string, err error) error {
	if err == nil && made.Hash != sum {
		return action.Wrap(errUnexpected, action.Unavailable, "The data was corrupted in transit to %s.", name)
	}
	return err
}

// hashBlock is the block size of Dropbox's content hash.
const hashBlock = 4 << 20

// contentHash is Dropbox's content hash: the hash of the hashes of all blocks. Everything but the last addition
// must consist of whole blocks.
// https://www.dropbox.com/developers/reference/content-hash
type contentHash struct{ outer hash.Hash }

func (c *contentHash) add(content []byte) {
	if c.outer == nil {
		c.outer = sha256.New()
	}
	for block := range slices.Chunk(content, hashBlock) {
		sum := sha256.Sum256(block)
		c.outer.Write(sum[:])
	}
}

func (c *contentHash) sum() string { return hex.EncodeToString(c.outer.Sum(nil)) }

func hashOf(content []byte) string {
	var c contentHash
	c.add(content)
	return c.sum()
}
