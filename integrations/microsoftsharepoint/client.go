package microsoftsharepoint

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/chunk"
	"integrationhub.dev/integrations/internal/microsoft"
	"integrationhub.dev/integrations/internal/signin"
	"integrationhub.dev/integrations/internal/spooled"
)

// retry is for calls that may be repeated: see the callers. Graph names the wait in Retry-After:
// https://learn.microsoft.com/graph/throttling
var retry = deliver.Retry{MaxAttempts: 6, InitialBackoff: time.Second, MaxBackoff: 30 * time.Second}

// The time limits of one call.
const (
	readTimeout  = 30 * time.Second
	writeTimeout = 4 * time.Minute
)

// session is one user's access during one request.
type session struct {
	*signin.Session
	integration *Integration
}

func (i *Integration) open(t signin.Tokens) *session { return &session{i.signIn.Open(t), i} }

// call calls Microsoft Graph: https://learn.microsoft.com/graph/api/resources/onedrive
func (s *session) call(ctx context.Context, timeout time.Duration, method, path string, in, out any) error {
	return s.Call(ctx, func(ctx context.Context, access string) error {
		api := outbound.API{
			Name: name, Base: s.integration.cloud.graph + "/v1.0", Client: s.integration.http, Timeout: timeout, Explain: explain,
			Authorize: outbound.Bearer(action.Secret(access)),
		}
		return api.Call(ctx, method, path, in, out)
	})
}

// read reads a resource, and retries if that can help.
func (s *session) read(ctx context.Context, path string, query url.Values, out any) error {
	return s.integration.retry.Do(ctx, func(ctx context.Context) error {
		return s.call(ctx, readTimeout, http.MethodGet, outbound.WithQuery(path, query), nil, out)
	})
}

// entry is a site, a library or an item.
type entry struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	DisplayName string    `json:"displayName"`
	Folder      *struct{} `json:"folder"`
}

func (e entry) label() string { return cmp.Or(e.DisplayName, e.Name, e.ID) }

// maxPages limits the lists of the form.
const maxPages = 5

// list reads the pages of a list, in the order of their labels.
func (s *session) list(ctx context.Context, path string, query url.Values) ([]entry, error) {
	var all []entry
	address := outbound.WithQuery(path, query)
	for range maxPages {
		var page struct {
			Value []entry `json:"value"`
			Next  string  `json:"@odata.nextLink"`
		}
		if err := s.read(ctx, address, nil, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Value...)
		// The token is sent to the next page, so it must be Graph's.
		next, ok := strings.CutPrefix(page.Next, s.integration.cloud.graph+"/v1.0/")
		if !ok {
			break
		}
		address = "/" + next
	}
	slices.SortFunc(all, func(a, b entry) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a.label()), strings.ToLower(b.label())), cmp.Compare(a.ID, b.ID))
	})
	return all, nil
}

// sites lists the sites that the user can find. An account without SharePoint has none.
func (s *session) sites(ctx context.Context) ([]entry, error) {
	all, err := s.list(ctx, "/sites", url.Values{"search": {"*"}, "$select": {"id,name,displayName"}})
	if kind := action.KindOf(err); kind == action.Invalid || kind == action.Forbidden || kind == action.NotFound {
		return nil, nil
	}
	return all, err
}

// libraries lists the document libraries of a site.
func (s *session) libraries(ctx context.Context, site string) ([]entry, error) {
	all, err := s.list(ctx, outbound.Path("sites", site, "drives"), url.Values{"$select": {"id,name"}})
	if err == nil && len(all) == 0 {
		return nil, action.InvalidField("site", "The site has no document library that the user can see.")
	}
	return all, err
}

// folders lists the folders in a folder.
func (s *session) folders(ctx context.Context, drive, folder string) ([]entry, error) {
	all, err := s.list(ctx, item(drive, folder, "children"), url.Values{"$select": {"id,name,folder"}, "$top": {"200"}})
	return slices.DeleteFunc(all, func(e entry) bool { return e.Folder == nil }), err
}

// item is the path of a drive's item by its own path, or of something of it:
// https://learn.microsoft.com/graph/onedrive-addressing-driveitems
func item(drive, path, of string) string {
	root := outbound.Path("drives", drive, "root")
	switch {
	case path == "" && of == "":
		return root
	case path == "":
		return root + "/" + of
	case of == "":
		return root + ":" + outbound.Path(strings.Split(path, "/")...)
	}
	return root + ":" + outbound.Path(strings.Split(path, "/")...) + ":/" + of
}

// site returns the ID of the chosen site, or "" for OneDrive.
func (s *session) site(ctx context.Context, in input) (string, error) {
	if in.SiteURL == (siteURL{}) {
		if in.Site == oneDrive {
			return "", nil
		}
		return in.Site, nil
	}
	path := outbound.Path("sites", in.SiteURL.host)
	if in.SiteURL.path != "" {
		path += ":" + outbound.Path(strings.Split(in.SiteURL.path, "/")...)
	}
	var found entry
	err := s.read(ctx, path, url.Values{"$select": {"id"}}, &found)
	if kind := action.KindOf(err); kind == action.NotFound || kind == action.Invalid {
		return "", action.Errorf(action.NotFound, "The site does not exist, or the user cannot access it.").WithField("siteurl")
	}
	return found.ID, err
}

// drive returns the ID of the chosen library's drive, or of the user's OneDrive.
func (s *session) drive(ctx context.Context, in input) (string, error) {
	site, err := s.site(ctx, in)
	if err != nil || site != "" && in.Library != "" {
		return in.Library, err
	}
	path := "/me/drive"
	if site != "" {
		path = outbound.Path("sites", site, "drive")
	}
	var found entry
	err = s.read(ctx, path, url.Values{"$select": {"id"}}, &found)
	switch {
	case action.KindOf(err) == action.NotFound:
		return "", action.Errorf(action.NotFound, "The site or the user's OneDrive does not exist. Open OneDrive once in a browser to create "+
			"it.").WithField("site")
	case err == nil && found.ID == "":
		return "", errUnexpected
	}
	return found.ID, err
}

// folder returns the ID of a folder. The file's upload would create one that is missing, which another one may have been renamed to.
func (s *session) folder(ctx context.Context, drive, path string) (string, error) {
	var found entry
	err := s.read(ctx, item(drive, path, ""), url.Values{"$select": {"id,folder"}}, &found)
	switch {
	case action.KindOf(err) == action.NotFound, err == nil && found.Folder == nil && path != "":
		return "", action.Errorf(action.NotFound, "The library or folder does not exist, or the user cannot access it.").WithField("folder")
	case err == nil && found.ID == "":
		return "", errUnexpected
	}
	return found.ID, err
}

// errUnexpected is the error for a JSON response without the expected fields.
var errUnexpected = action.Errorf(action.Unavailable, "Unexpected response from %s.", name)

const (
	// fragmentSize is small enough to keep in memory.
	fragmentSize = 32 * microsoft.Quantum
	// maxFile is Microsoft's limit: https://support.microsoft.com/office/64883a5d-228e-48f5-b3d2-eb39e07630fa
	maxFile = 250 << 30
)

// place is where a file is written. The folder is an ID, and the name may have folders in it, which Graph creates.
type place struct{ drive, folder, name, conflict string }

// of is the path of something of the file.
func (p place) of(what string) string {
	path := outbound.Path("drives", p.drive, "items", p.folder) + ":" + outbound.Path(strings.Split(p.name, "/")...)
	if what == "" {
		return path
	}
	return path + ":/" + what
}

// write sends the file: one fragment in one request, since sessions take no empty files, and more in a session.
func (s *session) write(ctx context.Context, to place, f *spooled.File) error {
	src, err := f.Data.Open(ctx)
	if err != nil {
		return err
	}
	defer src.Close()
	pieces := chunk.NewReader(src, s.integration.fragment)
	piece, last, err := pieces.Next()
	if err != nil {
		return fmt.Errorf("reading the data: %w", err)
	}
	w := &writing{session: s, to: to, size: f.Size}
	_, _ = w.sum.Write(piece)
	if last {
		return w.once(ctx, f.ContentType, piece)
	}
	return w.inFragments(ctx, pieces, piece)
}

// writing is the upload of one file.
type writing struct {
	*session
	to   place
	size int64
	sum  microsoft.QuickXor
}

// once writes the file in one request: https://learn.microsoft.com/graph/api/driveitem-put-content
func (w *writing) once(ctx context.Context, contentType string, content []byte) error {
	address := outbound.WithQuery(w.to.of("content"), url.Values{"@microsoft.graph.conflictBehavior": {w.to.conflict}})
	var made microsoft.Item
	doubt := false
	err := w.integration.retry.Do(outbound.WithDoubt(ctx, ""), func(ctx context.Context) error {
		err := w.call(ctx, writeTimeout, http.MethodPut, address, outbound.Bytes(contentType, content), &made)
		kind := action.KindOf(err)
		doubt = doubt || kind == action.Unavailable || kind == action.Timeout
		return err
	})
	return w.settle(ctx, &made, err, doubt)
}

// inFragments writes the file in a session, beginning with a fragment that is not the last one.
func (w *writing) inFragments(ctx context.Context, pieces *chunk.Reader, piece []byte) error {
	u, err := w.begin(ctx)
	if err != nil {
		return err
	}
	last := false
	for {
		if err := u.Send(ctx, piece); err != nil {
			done := errors.Is(err, microsoft.ErrDone)
			if !done {
				u.Abort(ctx)
			}
			return w.settle(ctx, nil, err, done)
		}
		if last {
			return w.settle(ctx, u.Made(), nil, false)
		}
		if piece, last, err = pieces.Next(); err != nil {
			u.Abort(ctx)
			return fmt.Errorf("reading the data: %w", err)
		}
		_, _ = w.sum.Write(piece)
	}
}

// errTaken is the error if a file that may be replaced cannot be uploaded. In SharePoint and OneDrive for Business, there is only one
// session for a file: a second one is refused with nameAlreadyExists, even with "replace", until the first one ends
// (https://github.com/OneDrive/onedrive-api-docs/issues/747). The response to the first one may be lost.
var errTaken = action.Errorf(action.Unavailable, "Another upload of this file has not ended, or there is a folder of this name. Nothing was "+
	"written. Try again later.")

// begin starts a session.
func (w *writing) begin(ctx context.Context) (*microsoft.Upload, error) {
	u := &microsoft.Upload{
		Service: name, API: outbound.API{Name: name, Client: w.integration.http, Explain: explain}, Retry: w.integration.retry,
		Log: w.integration.log, Total: w.size,
	}
	in := map[string]any{"item": map[string]string{"@microsoft.graph.conflictBehavior": w.to.conflict}}
	second := w.to.conflict == replace
	err := w.integration.retry.Do(outbound.WithDoubt(ctx, ""), func(ctx context.Context) error {
		err := w.call(ctx, readTimeout, http.MethodPost, w.to.of("createUploadSession"), in, &u.Session)
		if second && exists(err) {
			return errTaken
		}
		second = second || err != nil
		return err
	})
	return u, err
}

// settle checks what was made and, if a response was lost, whether the file is there.
func (w *writing) settle(ctx context.Context, made *microsoft.Item, err error, doubt bool) error {
	if err == nil {
		return w.verify(made)
	}
	if !doubt {
		return err
	}
	var found microsoft.Item
	if w.read(ctx, w.to.of(""), nil, &found) == nil && found.File.Hashes.QuickXor == w.sum.Sum() {
		return nil
	}
	if kind := action.KindOf(err); kind.Retryable() {
		return action.Wrap(err, kind, "%s The file may already have been written. Check before retrying.", action.MessageOf(err))
	}
	return err
}

// rewritten are the extensions of files into which SharePoint writes its own properties, so that they differ from what was sent: PDF,
// Office and HTML files (https://github.com/OneDrive/onedrive-api-docs/issues/935), and photos
// (https://github.com/microsoftgraph/microsoft-graph-docs-contrib/issues/8903).
var rewritten = []string{".pdf", ".xlsx", ".docx", ".pptx", ".html", ".htm", ".jpg", ".jpeg"}

// verify compares the file's hash with that of the data. OneDrive for personal accounts does not have it.
func (w *writing) verify(made *microsoft.Item) error {
	hash := made.File.Hashes.QuickXor
	switch {
	case made.ID == "":
		return errUnexpected
	case hash == "", hash == w.sum.Sum(), slices.Contains(rewritten, strings.ToLower(path.Ext(w.to.name))):
		return nil
	}
	return action.Errorf(action.Unavailable, "The data was corrupted in transit to %s.", name)
}
