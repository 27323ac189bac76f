package datarobot

import (
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
	"integrationhub.dev/integrations/internal/message"
)

const (
	// name is what people call the destination.
	name = "DataRobot"
	// timeout bounds a call without data.
	timeout = time.Minute
	// mostBytes bounds what is fetched. DataRobot's own limits depend on the contract.
	mostBytes = 10 << 30
	// pollEvery and pollLimit say how often it is asked whether the data was read, and for how
	// long.
	pollEvery = 5 * time.Second
	pollLimit = 10 * time.Minute
)

// client calls the DataRobot of one request, with that request's token.
type client struct {
	http  *http.Client
	api   string
	own   bool
	token action.Secret
}

func (i *Integration) client(a account) client {
	return client{http: i.deps.HTTP, api: a.api(), own: a.API != "", token: a.Token}
}

// caller returns DataRobot's API, with a time limit for each call.
func (c client) caller(timeout time.Duration) outbound.API {
	return outbound.API{Name: name, Base: c.api, Client: c.http, Timeout: timeout, Authorize: outbound.Bearer(c.token), Explain: explain}
}

// check tries the URL and the token.
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
	case c.own:
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

// explain says what a rejected call means.
func explain(err *action.Error, status *outbound.StatusError) error {
	switch err.Kind {
	case action.Unauthenticated, action.Forbidden:
		return action.Wrap(err, action.Unauthenticated, "Your DataRobot API token is invalid.")
	case action.Invalid:
		if said := parse(status.Body).Message; said != "" {
			return action.Wrap(err, action.Invalid, "DataRobot rejected the data: %s", said)
		}
	default:
	}
	return err
}

// statusURL checks the URL of a project's status. The token is sent to no other host, and to nothing
// but the API there.
func (c client) statusURL(location string) string {
	api, err := url.Parse(c.api + "/projects/")
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

// await waits until DataRobot has read the data, and reports whether it did. That it could
// not is an error.
func (c client) await(ctx context.Context, status string) (bool, error) {
	if status == "" {
		return false, nil
	}
	limited, cancel := context.WithTimeoutCause(ctx, pollLimit, errStillReading)
	defer cancel()
	seen, err := jobs.Poll(limited, pollEvery, func(ctx context.Context) (*state, error) { return c.look(ctx, status) })
	switch {
	case err == nil && seen.failed:
		return false, action.Errorf(action.Invalid, "DataRobot could not make a project of the data: %s", seen.said)
	case err == nil:
		return true, nil
	case ctx.Err() != nil:
		return false, fmt.Errorf("waiting for the project: %w", context.Cause(ctx))
	}
	return false, nil // out of sight, or not done yet: the data is there
}

var errStillReading = errors.New("the data is still being read")

// state is what became of a project.
type state struct {
	failed bool
	said   string
}

// look asks for the status, and returns nil while there is nothing to tell. A redirect leads
// to the project, which then exists.
func (c client) look(ctx context.Context, status string) (*state, error) {
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
	switch said := parse(body); said.Status {
	case "COMPLETED":
		return &state{}, nil
	case "ERROR", "ABORTED", "EXPIRED":
		return &state{failed: true, said: said.Message}, nil
	}
	return nil, nil
}

// answer is what DataRobot says of a status, or of a refusal.
type answer struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

// parse reads an answer; of one that is something else, nothing.
func parse(body []byte) answer {
	var a answer
	_ = json.Unmarshal(body, &a)
	a.Message = message.Line(a.Message)
	return a
}
