package datarobot

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/jobs"
	"integrationhub.dev/hub/outbound"
)

const (
	// name is the destination's name in messages.
	name = "DataRobot"
	// timeout bounds a call without data.
	timeout = time.Minute
	// maxBytes is the maximum size of a result. DataRobot's own limit depends on the contract.
	maxBytes = 10 << 30
	// pollInterval and pollTimeout are for polling whether DataRobot has read the data.
	pollInterval = 5 * time.Second
	pollTimeout  = 10 * time.Minute
)

// client calls the DataRobot of one request, with the token of that request.
type client struct {
	http     *http.Client
	endpoint endpoint
	token    action.Secret
}

func (i *Integration) client(a account) client {
	return client{http: i.deps.HTTP, endpoint: cmp.Or(a.API, clouds[i.region]), token: a.Token}
}

// caller returns DataRobot's API, with a timeout for each call.
func (c client) caller(timeout time.Duration) outbound.API {
	return outbound.API{
		Name: name, Base: c.endpoint.api(), Client: c.http, Timeout: timeout, Authorize: outbound.Bearer(c.token), Explain: c.explain,
	}
}

// check checks the URL and the token by a call.
func (c client) check(ctx context.Context) error {
	var head outbound.Head
	err := c.caller(timeout).Call(ctx, http.MethodGet, "/projects/", nil, &head)
	if err == nil && !strings.Contains(head.Header.Get("Content-Type"), "json") {
		err = errors.New("the response is not JSON")
	}
	switch kind := action.KindOf(err); {
	case err == nil:
		return nil
	case kind == action.Unauthenticated, kind == action.Forbidden, kind == action.RateLimited:
		return err
	case c.endpoint.own():
		return action.Wrap(err, action.Invalid, "URL for on-premise instance is not valid.")
	}
	return err
}

// create creates a project from a file, once, and returns the URL of its status, or "" if
// DataRobot does not name one.
func (c client) create(ctx context.Context, project, filename string, blob action.Blob) (string, error) {
	var fields map[string]string
	if project != "" {
		fields = map[string]string{"projectName": project}
	}
	file := outbound.File{Field: "file", Name: filename, ContentType: "application/octet-stream", Blob: blob}
	body, err := outbound.Multipart(file, fields)
	if err != nil {
		return "", err
	}
	api := c.caller(5*time.Minute + time.Duration(blob.Size()>>16)*time.Second)
	head := outbound.Head{Want: http.StatusAccepted}
	once := deliver.Once{Name: name, MaybeDeliveredHint: "The project may already have been created. Check before retrying."}
	err = once.Do(ctx, func(ctx context.Context) error { return api.Call(ctx, http.MethodPost, "/projects/", body, &head) })
	if err != nil {
		return "", err
	}
	return c.statusURL(head.Header.Get("Location")), nil
}

// explain explains a rejected call.
func (c client) explain(err *action.Error, status *outbound.StatusError) error {
	text := parse(status.Body).Message
	switch err.Kind {
	case action.Unauthenticated:
		return action.Wrap(err, action.Unauthenticated, "Your DataRobot API token is invalid. It must be a token of %s.", c.endpoint.host())
	case action.Forbidden:
		if text != "" {
			text = " DataRobot reported: " + text
		}
		return action.Wrap(err, action.Forbidden, "DataRobot denied access. The user of the token may lack the role or the seat license "+
			"to "+
			"create projects, the organization may have disabled the API for the user, or its network policy may not allow the hub's "+
			"address.%s", text)
	case action.Invalid:
		if text != "" {
			return action.Wrap(err, action.Invalid, "DataRobot rejected the data: %s", text)
		}
	default:
	}
	return err
}

// statusURL returns the URL of a project's status if it belongs to the API, or "". The token must not be
// sent to another host or path.
func (c client) statusURL(location string) string {
	api, err := url.Parse(c.endpoint.api() + "/projects/")
	if err != nil || location == "" {
		return ""
	}
	at, err := api.Parse(location)
	prefix := strings.TrimSuffix(api.Path, "/projects/") + "/status/"
	if err != nil || at.Host != api.Host || at.User != nil || !strings.HasPrefix(at.Path, prefix) || strings.Contains(at.Path, "..") {
		return ""
	}
	at.Scheme = api.Scheme // behind a proxy that terminates TLS, DataRobot may name another
	return at.String()
}

// await waits until DataRobot has read the data. It returns false if that takes too long, and an error
// if DataRobot could not read it.
func (c client) await(ctx context.Context, status string) (bool, error) {
	if status == "" {
		return false, nil
	}
	limited, cancel := context.WithTimeoutCause(ctx, pollTimeout, errStillReading)
	defer cancel()
	seen, err := jobs.Poll(limited, pollInterval, func(ctx context.Context) (*state, error) { return c.poll(ctx, status) })
	switch {
	case err == nil && seen.failed:
		return false, action.Errorf(action.Invalid, "DataRobot could not create a project from the data: %s", seen.message)
	case err == nil:
		return true, nil
	case ctx.Err() != nil:
		return false, fmt.Errorf("waiting for the project: %w", context.Cause(ctx))
	}
	return false, nil // unknown or not complete: DataRobot has the data
}

var errStillReading = errors.New("the data is still being read")

// state is the state of a project that is no longer being created.
type state struct {
	failed  bool
	message string
}

// poll reads the status, and returns nil while the project is being created. A redirect means that the
// project exists.
func (c client) poll(ctx context.Context, status string) (*state, error) {
	api := c.caller(timeout)
	api.Base = ""
	var body []byte
	err := api.Call(ctx, http.MethodGet, status, nil, &body)
	if s, ok := errors.AsType[*outbound.StatusError](err); ok && s.Code == http.StatusSeeOther {
		return &state{}, nil
	}
	if err != nil {
		return nil, err
	}
	switch res := parse(body); res.Status {
	case "COMPLETED":
		return &state{}, nil
	case "ERROR", "ABORTED", "EXPIRED":
		return &state{failed: true, message: res.Message}, nil
	}
	return nil, nil
}

// response is the body of a status or an error.
type response struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

// parse decodes a response. Any other body is an empty one.
func parse(body []byte) response {
	var r response
	_ = json.Unmarshal(body, &r)
	r.Message = action.Line(r.Message)
	return r
}
