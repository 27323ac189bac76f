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

// cursor is the position of a chunk in a session.
type cursor struct {
	SessionID string `json:"session_id"`
	Offset    int64  `json:"offset"`
}

// file is Dropbox's metadata of a file.
type file struct {
	Hash string `json:"content_hash"`
}

// write sends the data: one chunk in one request, and more in a session. The file becomes visible only when it is
// complete. Dropbox deletes sessions that are not finished.
func (s *session) write(ctx context.Context, to commit, data action.Data) error {
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
func (s *session) writeOnce(ctx context.Context, to commit, content []byte, sum string) error {
	arg := struct {
		commit
		Hash string `json:"content_hash"`
	}{to, sum}
	var made file
	err := s.integration.retry.Do(ctx, func(ctx context.Context) error { return s.upload(ctx, "upload", arg, content, &made) })
	return verified(made, sum, err)
}

// start starts a session. A second one after a lost response does no harm.
func (s *session) start(ctx context.Context, content []byte) (string, error) {
	arg := map[string]any{"close": false, "content_hash": hashOf(content)}
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
	arg := map[string]any{"cursor": at, "close": false, "content_hash": hashOf(content)}
	err := s.integration.retry.Do(ctx, func(ctx context.Context) error {
		return s.upload(ctx, "upload_session/append_v2", arg, content, nil)
	})
	if correct := apiErrorOf(err).Error.Correct; correct != nil && *correct == at.Offset+int64(len(content)) {
		return nil
	}
	return lostSession(err)
}

// finish adds the last chunk and creates the file.
func (s *session) finish(ctx context.Context, at cursor, to commit, content []byte, sum string) error {
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
		if found, ferr := s.find(ctx, to.Path); ferr == nil && found.Hash == sum {
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
func (s *session) commit(ctx context.Context, t *tail, to commit, made *file) error {
	err := s.sendTail(ctx, t, to, made)
	if t.moveTo(apiErrorOf(err).Error.Lookup.Correct) {
		err = s.sendTail(ctx, t, to, made)
	}
	if apiErrorOf(err).Error.Tag == "path" {
		t.appended = true
	}
	return err
}

func (s *session) sendTail(ctx context.Context, t *tail, to commit, made *file) error {
	at, content := t.rest()
	arg := map[string]any{"cursor": at, "commit": to, "content_hash": hashOf(content)}
	return s.upload(ctx, "upload_session/finish", arg, content, made)
}

// find returns the metadata of a file.
func (s *session) find(ctx context.Context, path string) (file, error) {
	var found file
	err := s.integration.retry.Do(ctx, func(ctx context.Context) error {
		return s.rpc(ctx, "get_metadata", map[string]any{"path": path}, &found)
	})
	return found, err
}

// lostSession explains errors of a session that has ended or has another offset.
func lostSession(err error) error {
	if _, ok := errors.AsType[*outbound.StatusError](err); !ok {
		return err
	}
	summary := apiErrorOf(err).Summary
	for _, part := range []string{"not_found", "incorrect_offset", "closed"} {
		if strings.Contains(summary, part) {
			return action.Wrap(err, action.Unavailable, "%s ended the upload before it was complete. No file was written.", name)
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
