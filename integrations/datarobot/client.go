package datarobot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
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

// errUnprepared does not wrap the error that it stands for, which quotes the address.
var errUnprepared = action.Errorf(action.Internal, "The hub could not prepare its request to %s.", name)

// get asks for something.
func (c client) get(ctx context.Context, address string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, errUnprepared
	}
	return c.do(req)
}

// do makes one call.
func (c client) do(req *http.Request) (*http.Response, error) {
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(c.token.Reveal()))
	res, err := outbound.Do(c.http, req, name)
	if kind := action.KindOf(err); kind == action.Unauthenticated || kind == action.Forbidden && errors.As(err, new(*outbound.StatusError)) {
		err = action.Wrap(err, action.Unauthenticated, "Your DataRobot API token is invalid.")
	}
	return res, err
}

// check tries the address and the token out.
func (c client) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, action.Errorf(action.Timeout, "%s did not answer in time.", name))
	defer cancel()
	res, err := c.get(ctx, c.api+"/projects/")
	if err == nil {
		defer res.Body.Close()
		if strings.Contains(res.Header.Get("Content-Type"), "json") {
			return nil
		}
		err = errors.New("the response is not JSON")
	}
	switch kind := action.KindOf(err); {
	case kind == action.Unauthenticated, kind == action.Forbidden, kind == action.RateLimited:
		return err
	case c.own:
		return action.Wrap(err, action.Invalid, "URL for on-premise instance is not valid.")
	}
	return err
}

// create makes a project from a file, once, and returns where its status is told; empty when
// DataRobot does not say.
func (c client) create(ctx context.Context, project, filename string, blob action.Blob) (string, error) {
	var head bytes.Buffer
	form := multipart.NewWriter(&head)
	if project != "" {
		if err := form.WriteField("projectName", project); err != nil {
			return "", fmt.Errorf("writing the form: %w", err)
		}
	}
	if _, err := form.CreateFormFile("file", filename); err != nil {
		return "", fmt.Errorf("writing the form: %w", err)
	}
	tail := "\r\n--" + form.Boundary() + "--\r\n"
	length := int64(head.Len()) + blob.Size() + int64(len(tail))
	body := func() io.Reader {
		return io.MultiReader(bytes.NewReader(head.Bytes()), io.NewSectionReader(blob, 0, blob.Size()), strings.NewReader(tail))
	}

	var status string
	once := deliver.Once{
		Name: name, Timeout: 5*time.Minute + time.Duration(blob.Size()>>16)*time.Second,
		MaybeDeliveredHint: "The project may already have been created. Check before retrying.",
	}
	err := once.Do(ctx, func(ctx context.Context) error {
		req, err := outbound.NewUpload(ctx, http.MethodPost, c.api+"/projects/", length, body)
		if err != nil {
			return errUnprepared
		}
		req.Header.Set("Content-Type", form.FormDataContentType())
		res, err := c.do(req)
		if err != nil {
			return explainRefusal(err)
		}
		defer res.Body.Close()
		outbound.Discard(res)
		if res.StatusCode != http.StatusAccepted {
			return outbound.Unexpected(req, fmt.Errorf("the status is %d", res.StatusCode), name)
		}
		status = c.statusAddress(res)
		return nil
	})
	return status, err
}

// explainRefusal says, of a refusal, why, if DataRobot does.
func explainRefusal(err error) error {
	s, ok := errors.AsType[*outbound.StatusError](err)
	if !ok || action.KindOf(err) != action.Invalid {
		return err
	}
	if said := parse(s.Body).Message; said != "" {
		return action.Wrap(err, action.Invalid, "DataRobot rejected the data: %s", said)
	}
	return err
}

// statusAddress is where an answer says that the project's status is told. The token goes to
// no other host, and to nothing but the API there.
func (c client) statusAddress(res *http.Response) string {
	at, err := res.Location()
	if err != nil {
		return ""
	}
	api, err := url.Parse(c.api)
	if err != nil || at.Host != api.Host || at.User != nil || !strings.HasPrefix(at.Path, api.Path+"/status/") || strings.Contains(at.Path, "..") {
		return ""
	}
	at.Scheme = api.Scheme // behind a proxy that ends TLS, DataRobot may name another
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
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	res, err := c.get(ctx, status)
	if s, ok := errors.AsType[*outbound.StatusError](err); ok && s.Code == http.StatusSeeOther {
		return &state{}, nil
	}
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err != nil {
		return nil, outbound.ConnectionError(ctx, err, name)
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
