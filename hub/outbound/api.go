package outbound

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
)

// API calls the HTTP API of one destination. Its methods may be called by several goroutines.
//
// Nothing is retried here: see hub/deliver.
type API struct {
	// Name is the destination's name in messages to the Looker user.
	Name string
	// Base is the URL in front of each call's path. Without it, paths are complete URLs.
	Base string
	// Client sends the requests.
	Client *http.Client
	// Timeout limits a call, from connecting to the end of the response. 0 leaves the limit to
	// the context. Connecting and the TLS handshake have their own limits: see [NewClient].
	Timeout time.Duration
	// Authorize adds the credentials to a request. nil sends none.
	Authorize func(*http.Request)
	// Explain turns an unsuccessful response into an error for the Looker user. It is given the
	// default error, whose kind follows from the status, and returns it if it has nothing to add.
	// nil always keeps the default.
	Explain func(err *action.Error, status *StatusError) error
}

// Head is the result of a call whose response has no body that matters.
type Head struct {
	// Want, unless it is 0, is the only status that means success.
	Want int
	// Header receives the response's header.
	Header http.Header
}

// Answer is the result of a call whose status, header and body all matter.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
	// MaxBytes is the maximum size of the body that is read.
	MaxBytes int64
}

// validator is a response that can check itself after it was decoded.
type validator interface{ Validate() error }

// Call sends a request and reads the response.
//
// The body is in: nil sends none, [url.Values] a form, and a [Body] its bytes. Any other value is
// sent as JSON.
//
// The response goes to out: nil ignores its body, a [*Head] too, and *[]byte and [*Answer] receive the body as
// it is. Any other value is decoded from JSON. If it has a method Validate()
// error, an error of that method makes the call fail too: it is for responses that lack what a
// success must have. Because the request may have been processed by then, the message says so (see
// [WithDoubt]).
func (a API) Call(ctx context.Context, method, path string, in, out any) error {
	delivery := ctx
	if a.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, a.Timeout, action.Errorf(action.Timeout, "%s did not respond in time.", a.Name))
		defer cancel()
	}
	req, err := a.request(ctx, method, path, in)
	if err != nil {
		return err
	}
	res, err := Do(a.Client, req, a.Name) //nolint:bodyclose // read closes it
	if err != nil && isCause(delivery, err) {
		return err // another call's failure ended the delivery: it is explained already
	}
	if err != nil {
		return a.explain(err)
	}
	return a.read(req, res, out)
}

// isCause reports whether an error is the one that ended a context.
func isCause(ctx context.Context, err error) bool {
	own, ok := errors.AsType[*action.Error](err)
	cause, ended := errors.AsType[*action.Error](context.Cause(ctx))
	return ok && ended && own == cause
}

func (a API) request(ctx context.Context, method, path string, in any) (*http.Request, error) {
	body, err := bodyOf(in)
	if err != nil {
		return nil, fmt.Errorf("encoding a request to %s: %w", a.Name, err)
	}
	u, err := url.Parse(a.Base + path)
	if err != nil {
		return nil, fmt.Errorf("preparing a request to %s: %w", a.Name, withoutURL(err))
	}
	if hasDotSegment(u) {
		return nil, action.Errorf(action.Invalid, `An ID or name for %s must not be "." or "..".`, a.Name)
	}
	var req *http.Request
	if body == nil {
		req, err = http.NewRequestWithContext(ctx, method, u.String(), nil)
	} else {
		req, err = NewUpload(ctx, method, u.String(), body.Size, body.Open)
	}
	if err != nil {
		return nil, fmt.Errorf("preparing a request to %s: %w", a.Name, withoutURL(err))
	}
	if body != nil {
		maps.Copy(req.Header, body.Header)
		if body.ContentType != "" {
			req.Header.Set("Content-Type", body.ContentType)
		}
	}
	if a.Authorize != nil {
		a.Authorize(req)
	}
	return req, nil
}

// bodyOf encodes a call's body; nil is none.
func bodyOf(in any) (*Body, error) {
	switch in := in.(type) {
	case nil:
		return nil, nil //nolint:nilnil // no body
	case Body:
		return &in, nil
	case url.Values:
		body := Bytes("application/x-www-form-urlencoded", []byte(in.Encode()))
		return &body, nil
	}
	text, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	body := Bytes("application/json", text)
	return &body, nil
}

// withoutURL drops the URL from an error: it can hold a secret.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

func (a API) explain(err error) error {
	status, ok := errors.AsType[*StatusError](err)
	if !ok || a.Explain == nil {
		return err
	}
	return a.Explain(action.Wrap(status, action.KindOf(err), "%s", action.MessageOf(err)), status)
}

func (a API) read(req *http.Request, res *http.Response, out any) error {
	switch out := out.(type) {
	case nil:
		return Accepted(req, res, a.Name)
	case *Head:
		out.Header = res.Header
		err := Accepted(req, res, a.Name)
		if err == nil && out.Want != 0 && res.StatusCode != out.Want {
			err = Unexpected(req, fmt.Errorf("the status is %d, not %d", res.StatusCode, out.Want), a.Name)
		}
		return err
	case *Answer:
		body, err := readAtMost(out.MaxBytes, req, res, a.Name)
		out.Status, out.Header, out.Body = res.StatusCode, res.Header, body
		return afterSuccess(req, err, a.Name)
	}
	body, err := readAnswer(req, res, a.Name)
	if err == nil {
		err = a.decode(body, out)
	}
	return afterSuccess(req, err, a.Name)
}

func (a API) decode(body []byte, out any) error {
	if raw, ok := out.(*[]byte); ok {
		*raw = body
		return nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return unexpected(fmt.Errorf("decoding the response: %w", err), a.Name)
	}
	v, ok := out.(validator)
	if !ok {
		return nil
	}
	err := v.Validate()
	if _, ok := errors.AsType[*action.Error](err); err == nil || ok {
		return err
	}
	return unexpected(err, a.Name)
}

// Bearer authorizes requests by a token (RFC 6750). Blanks around it were copied with it.
func Bearer(token action.Secret) func(*http.Request) {
	return func(req *http.Request) { req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(token.Reveal())) }
}
