package box

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // Box's checksum
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/chunk"
	"integrationhub.dev/integrations/internal/signin"
	"integrationhub.dev/integrations/internal/spooled"
)

// Box's API: https://developer.box.com/reference
const (
	apiURL    = "https://api.box.com/2.0"
	uploadURL = "https://upload.box.com/api/2.0"
)

// retry is for calls that may be repeated: see the callers. Box names the wait in Retry-After.
var retry = deliver.Retry{MaxAttempts: 6, InitialBackoff: time.Second, MaxBackoff: 30 * time.Second}

// The time limits of one call.
const (
	readTimeout  = 30 * time.Second
	writeTimeout = 5 * time.Minute
	abortTimeout = 30 * time.Second
)

const (
	// minSession is the smallest file that an upload session takes: https://developer.box.com/guides/uploads/chunked
	minSession = 20_000_000
	// maxPart bounds the memory of a part. Box's parts have 8 to 64 MB.
	maxPart = 128 << 20
	// maxFile is the limit of Box's largest plan: https://support.box.com/hc/articles/360043697314
	maxFile = 500 << 30
)

// session is one user's access during one request.
type session struct {
	*signin.Session
	integration *Integration
}

func (i *Integration) open(t signin.Tokens) *session { return &session{i.signIn.Open(t), i} }

func (s *session) call(ctx context.Context, timeout time.Duration, method, address string, in, out any) error {
	return s.Call(ctx, func(ctx context.Context, access string) error {
		api := outbound.API{
			Name: name, Client: s.integration.http, Timeout: timeout, Explain: explain, Authorize: outbound.Bearer(action.Secret(access)),
		}
		return api.Call(ctx, method, address, in, out)
	})
}

// target is where a file is written. version is the ID of the file that gets a new version, if there is one.
type target struct{ folder, name, version string }

// path is the path of something of a new file, or of a new version.
func (t target) path(what string) string {
	if t.version != "" {
		return outbound.Path("files", t.version, what)
	}
	return outbound.Path("files", what)
}

// attributes are the metadata of a new file. That of a new version stays.
func (t target) attributes() map[string]any {
	if t.version != "" {
		return map[string]any{"name": t.name}
	}
	return map[string]any{"name": t.name, "parent": map[string]string{"id": t.folder}}
}

// deliver writes the file, after Box was asked whether it would accept it.
func (s *session) deliver(ctx context.Context, folder string, f *spooled.File) error {
	to := target{folder: folder, name: f.Name}
	err := s.preflight(ctx, to, f.Size)
	if there, ok := conflictOf(err); ok && there.Type == "file" && there.ID != "" && !f.NoOverwrite {
		to.version = there.ID
		err = s.preflight(ctx, to, f.Size)
	}
	if action.KindOf(err) == action.NotFound {
		return action.Errorf(action.NotFound, "The folder does not exist, or the user cannot access it.").WithField("folder")
	}
	if err != nil {
		return err
	}
	w := &writing{session: s, to: to, size: f.Size, sum: sha1.New()} //nolint:gosec // Box's checksum
	src, err := f.Data.Open(ctx)
	if err != nil {
		return err
	}
	defer src.Close()
	if f.Size < s.integration.simple {
		return w.once(ctx, src, f.ContentType)
	}
	return w.inParts(ctx, src)
}

// preflight asks whether the file would be accepted: https://developer.box.com/guides/uploads/check
func (s *session) preflight(ctx context.Context, to target, size int64) error {
	in := to.attributes()
	in["size"] = size
	return s.integration.retry.Do(outbound.WithDoubt(ctx, ""), func(ctx context.Context) error {
		return s.call(ctx, readTimeout, http.MethodOptions, apiURL+to.path("content"), in, nil)
	})
}

// writing is the upload of one file.
type writing struct {
	*session
	to   target
	size int64
	sum  hash.Hash
}

// written is Box's response to a file in one request: 201 for a new one, 200 for a new version.
type written struct {
	Entries []struct {
		Sum string `json:"sha1"`
	} `json:"entries"`
	want string
}

// Validate implements what [outbound.API.Call] asks for.
func (w *written) Validate() error {
	if len(w.Entries) != 1 || w.Entries[0].Sum != w.want {
		return errors.New("the response is not about the file")
	}
	return nil
}

// once writes the file in one request: https://developer.box.com/reference/post-files-content and
// https://developer.box.com/reference/post-files-id-content
func (w *writing) once(ctx context.Context, src io.Reader, contentType string) error {
	content, err := io.ReadAll(io.TeeReader(io.LimitReader(src, w.size), w.sum))
	if err != nil {
		return fmt.Errorf("reading the data: %w", err)
	}
	attributes, err := json.Marshal(w.to.attributes())
	if err != nil {
		return fmt.Errorf("encoding the attributes: %w", err)
	}
	// "The attributes part of the body must come before the file part."
	body, err := outbound.Multipart(outbound.File{
		Field: "file", Name: w.to.name, ContentType: contentType, Blob: inMemory{data: bytes.NewReader(content)},
	}, map[string]string{"attributes": string(attributes)})
	if err != nil {
		return err
	}
	// "content-md5: The optional SHA1 hash of the file to ensure the file is not corrupted in transit."
	body.Header = http.Header{"Content-Md5": {w.hex()}}
	doubt := false
	err = w.integration.retry.Do(outbound.WithDoubt(ctx, ""), func(ctx context.Context) error {
		if doubt && w.stored(ctx) {
			return nil
		}
		err := w.call(ctx, writeTimeout, http.MethodPost, uploadURL+w.to.path("content"), body, &written{want: w.hex()})
		doubt = doubt || inDoubt(err)
		return err
	})
	return w.settle(ctx, err, doubt)
}

// inMemory is a small file.
type inMemory struct {
	action.Blob
	data *bytes.Reader
}

func (m inMemory) ReadAt(p []byte, at int64) (int, error) { return m.data.ReadAt(p, at) }
func (m inMemory) Size() int64                            { return m.data.Size() }

// inDoubt reports whether a call that failed may have done its work.
func inDoubt(err error) bool {
	kind := action.KindOf(err)
	return err != nil && (kind == action.Unavailable || kind == action.Timeout)
}

func (w *writing) hex() string { return hex.EncodeToString(w.sum.Sum(nil)) }

// stored reports whether Box has the file, after a lost response.
func (w *writing) stored(ctx context.Context) bool {
	id := w.to.version
	if id == "" {
		there, ok := conflictOf(w.preflight(ctx, w.to, w.size))
		if !ok || there.Type != "file" || there.ID == "" {
			return false
		}
		id = there.ID
	}
	var file struct {
		Sum string `json:"sha1"`
	}
	err := w.read(ctx, outbound.Path("files", id), url.Values{"fields": {"sha1"}}, &file)
	return err == nil && file.Sum == w.hex()
}

// settle finds out whether a file was written whose response was lost.
func (w *writing) settle(ctx context.Context, err error, doubt bool) error {
	if err == nil || !doubt {
		return err
	}
	if w.stored(ctx) {
		return nil
	}
	if kind := action.KindOf(err); inDoubt(err) {
		return action.Wrap(err, kind, "%s The file may already have been written. Check before retrying.", action.MessageOf(err))
	}
	return err
}

// part is a part that Box has.
type part struct {
	ID     string `json:"part_id"`
	Offset int64  `json:"offset"`
	Size   int64  `json:"size"`
	Sum    string `json:"sha1"`
}

// uploadSession is Box's response that starts an upload in parts. "The actual endpoint URL is returned by the Create upload session":
// enterprises can have their own servers.
type uploadSession struct {
	ID        string `json:"id"`
	PartSize  int    `json:"part_size"`
	Endpoints struct {
		Part   string `json:"upload_part"`
		Commit string `json:"commit"`
		Abort  string `json:"abort"`
		Parts  string `json:"list_parts"`
	} `json:"session_endpoints"`
}

// Validate implements what [outbound.API.Call] asks for. The access token is sent to the endpoints, so they must be Box's.
func (u *uploadSession) Validate() error {
	if u.ID == "" || u.PartSize <= 0 || u.PartSize > maxPart {
		return errors.New("the response has no session with a valid part size")
	}
	standard := uploadURL + outbound.Path("files", "upload_sessions", u.ID)
	for _, endpoint := range []struct {
		address  *string
		standard string
	}{
		{&u.Endpoints.Part, standard},
		{&u.Endpoints.Commit, standard + "/commit"},
		{&u.Endpoints.Abort, standard},
		{&u.Endpoints.Parts, standard + "/parts"},
	} {
		if *endpoint.address == "" {
			*endpoint.address = endpoint.standard
		}
		at, err := url.Parse(*endpoint.address)
		if err != nil || at.Scheme != "https" || !strings.HasSuffix(at.Host, ".box.com") {
			return errors.New("the session belongs to another host")
		}
	}
	return nil
}

// inParts writes the file in a session. The file becomes visible only when it is complete.
func (w *writing) inParts(ctx context.Context, src io.Reader) error {
	u, err := w.begin(ctx)
	if err != nil {
		return err
	}
	parts, err := w.parts(ctx, u, src)
	if err != nil {
		w.abort(ctx, u)
		return err
	}
	return w.commit(ctx, u, parts)
}

// begin starts a session: https://developer.box.com/reference/post-files-upload-sessions. A second one after a lost response does no harm.
func (w *writing) begin(ctx context.Context) (u uploadSession, err error) {
	in := map[string]any{"file_size": w.size, "file_name": w.to.name}
	if w.to.version == "" {
		in["folder_id"] = w.to.folder
	}
	err = w.integration.retry.Do(outbound.WithDoubt(ctx, ""), func(ctx context.Context) error {
		return w.call(ctx, readTimeout, http.MethodPost, uploadURL+w.to.path("upload_sessions"), in, &u)
	})
	return u, err
}

// parts sends all parts and returns them in their order.
func (w *writing) parts(ctx context.Context, u uploadSession, src io.Reader) ([]part, error) {
	var sent []part
	at := int64(0)
	pieces := chunk.NewReader(src, u.PartSize)
	for last := false; !last; {
		var piece []byte
		var err error
		if piece, last, err = pieces.Next(); err != nil {
			return nil, fmt.Errorf("reading the data: %w", err)
		}
		_, _ = w.sum.Write(piece)
		p, err := w.part(ctx, u, piece, at)
		if err != nil {
			return nil, err
		}
		sent, at = append(sent, p), at+int64(len(piece))
	}
	return sent, nil
}

// digest is the header with a checksum.
func digest(sum []byte) string { return "sha=" + base64.StdEncoding.EncodeToString(sum) }

// part sends one part: https://developer.box.com/reference/put-files-upload-sessions-id. After a lost response, Box may say that it has
// the part.
func (w *writing) part(ctx context.Context, u uploadSession, content []byte, at int64) (part, error) {
	sum := sha1.Sum(content) //nolint:gosec // Box's checksum
	body := outbound.Bytes("application/octet-stream", content)
	body.Header = http.Header{
		"Digest":        {digest(sum[:])},
		"Content-Range": {fmt.Sprintf("bytes %d-%d/%d", at, at+int64(len(content))-1, w.size)},
	}
	var answer struct {
		Part part `json:"part"`
	}
	err := w.integration.retry.Do(outbound.WithDoubt(ctx, ""), func(ctx context.Context) error {
		return w.call(ctx, writeTimeout, http.MethodPut, u.Endpoints.Part, body, &answer)
	})
	want := part{Offset: at, Size: int64(len(content)), Sum: hex.EncodeToString(sum[:])}
	if overlaps(err) {
		if found, ok := w.find(ctx, u, want); ok {
			return found, nil
		}
	}
	want.ID = answer.Part.ID
	switch {
	case action.KindOf(err) == action.NotFound:
		return part{}, action.Wrap(err, action.Unavailable, "%s closed the upload before it was complete. No file was written.", name)
	case err != nil:
		return part{}, err
	case answer.Part.ID == "" || answer.Part != want:
		return part{}, action.Errorf(action.Unavailable, "The data was corrupted in transit to %s.", name)
	}
	return answer.Part, nil
}

// overlaps reports whether Box rejected a part because of those that it has.
func overlaps(err error) bool {
	status, ok := errors.AsType[*outbound.StatusError](err)
	if !ok {
		return false
	}
	switch status.Code {
	case http.StatusConflict, http.StatusPreconditionFailed, http.StatusRequestedRangeNotSatisfiable:
		return true
	}
	return false
}

// find looks for a part that Box has: https://developer.box.com/reference/get-files-upload-sessions-id-parts
func (w *writing) find(ctx context.Context, u uploadSession, want part) (part, bool) {
	query := url.Values{"limit": {pageSize}}
	for at := 0; ; {
		var page struct {
			Entries []part `json:"entries"`
			Total   int    `json:"total_count"`
		}
		query.Set("offset", strconv.Itoa(at))
		err := w.integration.retry.Do(ctx, func(ctx context.Context) error {
			return w.call(ctx, readTimeout, http.MethodGet, outbound.WithQuery(u.Endpoints.Parts, query), nil, &page)
		})
		if err != nil || len(page.Entries) == 0 {
			return part{}, false
		}
		for _, found := range page.Entries {
			want.ID = found.ID
			if found == want {
				return found, true
			}
		}
		if at += len(page.Entries); at >= page.Total {
			return part{}, false
		}
	}
}

// maxCommits bounds how often Box is asked whether it has put the parts together.
const maxCommits = 200

// errPending is the error while Box puts the parts together.
var errPending = action.Errorf(action.Unavailable, "%s did not confirm the complete upload. The file may already have been written. Check "+
	"before retrying.", name)

// commit creates the file: https://developer.box.com/reference/post-files-upload-sessions-id-commit. "202: Returns when all chunks
// have been uploaded but not yet processed. Inspect the upload session to get more information about the progress of processing the
// chunks, then retry committing the file when all chunks have processed.".
func (w *writing) commit(ctx context.Context, u uploadSession, parts []part) error {
	in, err := json.Marshal(map[string]any{"parts": parts})
	if err != nil {
		return fmt.Errorf("encoding the parts: %w", err)
	}
	body := outbound.Bytes("application/json", in)
	body.Header = http.Header{"Digest": {digest(w.sum.Sum(nil))}}
	doubt := false
	for range maxCommits {
		var wait time.Duration
		err := w.integration.retry.Do(outbound.WithDoubt(ctx, ""), func(ctx context.Context) error {
			err := w.commitOnce(ctx, u, body, &wait)
			doubt = doubt || inDoubt(err)
			return err
		})
		if err != nil && !doubt {
			w.abort(ctx, u)
		}
		if err != nil || wait == 0 {
			return w.settle(ctx, err, doubt)
		}
		if !sleep(ctx, wait) {
			return w.settle(ctx, context.Cause(ctx), true)
		}
	}
	return errPending
}

// commitOnce commits once. If Box has to be asked again, it sets wait.
func (w *writing) commitOnce(ctx context.Context, u uploadSession, body outbound.Body, wait *time.Duration) error {
	head := outbound.Head{Want: http.StatusCreated}
	err := w.call(ctx, writeTimeout, http.MethodPost, u.Endpoints.Commit, body, &head)
	*wait = 0
	if _, refused := errors.AsType[*outbound.StatusError](err); err == nil || refused || head.Header == nil {
		return err
	}
	seconds, notNumber := strconv.Atoi(head.Header.Get("Retry-After"))
	if notNumber != nil || seconds < 0 {
		return err
	}
	*wait = max(time.Duration(seconds)*time.Second, time.Millisecond)
	return nil
}

// sleep waits, and reports whether ctx allowed it.
func sleep(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// abort removes the parts of a failed upload, with a time limit of its own. Box would otherwise keep them for a week.
func (w *writing) abort(ctx context.Context, u uploadSession) {
	ctx = context.WithoutCancel(ctx)
	err := w.call(ctx, abortTimeout, http.MethodDelete, u.Endpoints.Abort, nil, nil)
	if err != nil && action.KindOf(err) != action.NotFound {
		w.integration.log.WarnContext(ctx, "a failed upload could not be removed", "error", err)
	}
}
