package auger

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/jobs"
	"integrationhub.dev/hub/outbound"
)

const (
	// name is the destination's name in messages.
	name = "Auger"
	base = "https://app.auger.ai/api/v1"
	// timeout bounds one call.
	timeout = 2 * time.Minute
)

// retry is for calls that can be repeated.
var retry = deliver.Retry{MaxAttempts: 5, InitialBackoff: time.Second, MaxBackoff: 30 * time.Second}

// client calls Auger with the token of one request.
type client struct {
	http  *http.Client
	token action.Secret
}

func (i *Integration) client(a account) client { return client{i.deps.HTTP, a.Token} }

// id is an ID. Auger sends a number or a string.
type id string

// UnmarshalJSON implements [json.Unmarshaler].
func (i *id) UnmarshalJSON(text []byte) error {
	*i = id(strings.TrimSpace(string(text)))
	if *i == "null" {
		*i = ""
	}
	return nil
}

// MarshalJSON implements [json.Marshaler].
func (i id) MarshalJSON() ([]byte, error) { return []byte(i), nil }

// text returns the ID without quotes.
func (i id) text() string { return strings.Trim(string(i), `"`) }

// path returns the ID as a path segment.
func (i id) path() string { return url.PathEscape(i.text()) }

// errNoID is for a response without an ID that the next call needs.
var errNoID = errors.New("the response has no ID")

// get reads a resource or a list. query may be nil.
func (c client) get(ctx context.Context, path string, query url.Values, out any) error {
	return retry.Do(ctx, func(ctx context.Context) error { return c.read(ctx, path, query, out) })
}

// read makes one call. The token is in the query, as in the reference.
func (c client) read(ctx context.Context, path string, query url.Values, out any) error {
	all := url.Values{"token": {c.token.Reveal()}}
	maps.Copy(all, query)
	return c.send(ctx, http.MethodGet, outbound.WithQuery(path, all), nil, out)
}

// put makes a call that can be repeated.
func (c client) put(ctx context.Context, method, path string, members map[string]any, out any) error {
	body := c.withToken(members)
	return retry.Do(ctx, func(ctx context.Context) error { return c.send(ctx, method, path, body, out) })
}

// post creates a resource, once, and returns its ID.
func (c client) post(ctx context.Context, path string, members map[string]any) (id, error) {
	body := c.withToken(members)
	var made struct {
		ID id `json:"id"`
	}
	once := deliver.Once{Name: name, MaybeDeliveredHint: "It may already have been created. Check before retrying."}
	err := once.Do(ctx, func(ctx context.Context) error {
		return c.send(ctx, http.MethodPost, path, body, &made)
	})
	if err == nil && made.ID == "" {
		err = action.Wrap(errNoID, action.Unavailable, "Unexpected response from Auger.")
	}
	return made.ID, err
}

// withToken adds the token to a body, where the API expects it.
func (c client) withToken(members map[string]any) map[string]any {
	members["token"] = c.token.Reveal()
	return members
}

// send makes one call and decodes the "data" of the response into out, unless out is nil.
func (c client) send(ctx context.Context, method, path string, in, out any) error {
	api := outbound.API{Name: name, Base: base, Client: c.http, Timeout: timeout, Explain: explain}
	if out == nil {
		return api.Call(ctx, method, path, in, nil)
	}
	response := struct {
		Data any `json:"data"`
	}{out}
	return api.Call(ctx, method, path, in, &response)
}

// explain explains a rejected token, and a denied permission.
func explain(err *action.Error, _ *outbound.StatusError) error {
	switch err.Kind {
	case action.Unauthenticated:
		return action.Wrap(err, err.Kind, "Your Auger API token is invalid.")
	case action.Forbidden:
		return action.Wrap(err, err.Kind, "Auger denied access. The user of the API token may lack a permission in the organization or "+
			"the project, "+
			"or the organization may have no subscription.")
	default:
	}
	return err
}

// checkToken checks the token by a call.
func (c client) checkToken(ctx context.Context) error {
	var anything json.RawMessage
	err := c.read(ctx, "/user/", nil, &anything)
	if action.KindOf(err) == action.NotFound || action.KindOf(err) == action.Invalid {
		return action.Wrap(err, action.Unauthenticated, "Your Auger API token is invalid.")
	}
	return err
}

// status is the state of a resource.
type status struct {
	Status string `json:"status"`
}

// failures are the states of resources that stay as they are.
var failures = []string{"processed_with_error", "error", "failure", "revoked", "interrupted"}

// await polls a resource until it has a status.
func (c client) await(ctx context.Context, interval, limit time.Duration, path, wanted string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, action.Errorf(action.Timeout, "Auger took longer than %s.", limit))
	defer cancel()
	end, err := jobs.Poll(ctx, interval, func(ctx context.Context) (*string, error) {
		var now status
		if err := c.read(ctx, path, nil, &now); err != nil {
			return nil, err
		}
		if now.Status == wanted || slices.Contains(failures, now.Status) {
			return &now.Status, nil
		}
		return nil, nil //nolint:nilnil // it goes on
	})
	switch {
	case err != nil:
		return err
	case *end != wanted:
		return action.Errorf(action.Invalid, "Auger finished with the status %s. Check the project in Auger.", action.Line(*end))
	}
	return nil
}

// project is a project at Auger.
type project struct {
	ID   id     `json:"id"`
	Name string `json:"name"`
}

// findProject returns a project of one of the user's organizations, and creates it in the first one if there is none.
func (c client) findProject(ctx context.Context, name projectName) (project, error) {
	var organizations []project
	if err := c.get(ctx, "/organizations", url.Values{"limit": {"100"}, "offset": {"0"}}, &organizations); err != nil {
		return project{}, err
	}
	if len(organizations) == 0 || organizations[0].ID == "" {
		return project{}, action.Errorf(action.Forbidden, "The user of the Auger API token has no organization.")
	}
	for _, o := range organizations {
		var found []project
		query := url.Values{"limit": {"100"}, "offset": {"0"}, "organization_id": {o.ID.text()}, "name": {string(name)}}
		if err := c.get(ctx, "/projects", query, &found); err != nil {
			return project{}, err
		}
		for _, p := range found {
			if p.ID != "" && name.is(p.Name) {
				return p, nil
			}
		}
	}
	number, err := c.post(ctx, "/projects", map[string]any{"name": string(name), "organization_id": organizations[0].ID})
	return project{number, string(name)}, err
}

// file is a query's result at Auger.
type file struct {
	client
	project project
	id      id
	// name has no extension. address is the file's in Auger's object store.
	name, address string
	target        string
	rows          int
}

// maxFile is the maximum size of an object that is uploaded with one request:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
const maxFile = 5 << 30

// upload stores a result in a project, as Auger's own client does:
// https://github.com/augerai/a2ml/blob/master/tests/cassettes/auger/import/valid.yaml
func (c client) upload(ctx context.Context, name projectName, data action.Data) (*file, error) {
	table, err := data.Table(ctx)
	if err != nil {
		return nil, err
	}
	e := newEncoder(table)
	defer e.Close()
	blob, err := data.Store(e, maxFile) // Auger asks for the size, and truncated data must not become a file
	if err != nil {
		return nil, err
	}
	defer blob.Close()
	f := &file{client: c, name: fileName(table.Columns, time.Now()), target: e.target(), rows: e.rows}
	if f.project, err = c.findProject(ctx, name); err != nil {
		return nil, err
	}
	err = retry.Do(ctx, func(ctx context.Context) error { return f.store(ctx, blob) })
	if err != nil {
		return nil, err
	}
	f.id, err = c.post(ctx, "/project_files", map[string]any{
		"name": f.name + ".json", "file_name": f.name + ".json", "project_id": f.project.ID, "url": f.address, "description": nil,
	})
	return f, err
}

// place is where a file is uploaded to: a form of Amazon S3, or the credentials for an upload in parts.
type place struct {
	Result struct {
		URL       string            `json:"url"`
		Bucket    string            `json:"bucket"`
		Fields    map[string]string `json:"fields"`
		Multipart json.RawMessage   `json:"multipart"`
	} `json:"result"`
}

// store requests an upload URL, and sends the file to it. It can be repeated: each upload URL is for another object.
func (f *file) store(ctx context.Context, blob action.Blob) error {
	var task struct {
		ID id `json:"id"`
	}
	path := fmt.Sprintf("workspace/projects/%s/files/%s-%s.json", f.project.Name, strings.ToLower(rand.Text()), f.name)
	err := f.send(ctx, http.MethodPost, "/project_file_urls", f.withToken(map[string]any{
		"project_id": f.project.ID, "file_path": path, "file_size": blob.Size(), "async": true,
	}), &task)
	if err != nil {
		return err
	}
	if task.ID == "" {
		return action.Wrap(errNoID, action.Unavailable, "Unexpected response from Auger.")
	}
	if err := f.await(ctx, urlInterval, urlLimit, "/cluster_tasks/"+task.ID.path(), "success"); err != nil {
		return fmt.Errorf("waiting for an upload URL: %w", err)
	}
	var at place
	if err := f.read(ctx, "/cluster_tasks/"+task.ID.path(), nil, &at); err != nil {
		return err
	}
	key := at.Result.Fields["key"]
	switch {
	case len(at.Result.Multipart) > 0 && string(at.Result.Multipart) != "null":
		return action.Errorf(action.TooLarge, "Auger requires a multipart upload for a file of %d MiB, which the hub does not support. Send fewer rows.",
			blob.Size()>>20)
	case at.Result.Bucket == "" || key == "" || !strings.HasPrefix(at.Result.URL, "https://"):
		return action.Wrap(errNoID, action.Unavailable, "Unexpected response from Auger.")
	}
	f.address = "s3://" + at.Result.Bucket + "/" + key
	return f.sendForm(ctx, at, key, blob)
}

// sendForm uploads the file by a form. Its fields are credentials, so errors must not contain them.
func (f *file) sendForm(ctx context.Context, at place, key string, blob action.Blob) error {
	body, err := outbound.Multipart(outbound.File{Field: "file", Name: key, ContentType: "application/json", Blob: blob}, at.Result.Fields)
	if err != nil {
		return err
	}
	api := outbound.API{
		Name: "Auger's object store", Client: f.http, Timeout: 5*time.Minute + time.Duration(blob.Size()>>16)*time.Second,
		Explain: func(err *action.Error, _ *outbound.StatusError) error {
			if err.Kind == action.Forbidden { // the form has expired
				return action.Wrap(err, action.Unavailable, "%s", err.Message)
			}
			return err
		},
	}
	return api.Call(ctx, http.MethodPost, at.Result.URL, body, nil)
}
