package outbound

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"sync/atomic"
	"time"

	"integrationhub.dev/hub/action"
)

const (
	maxAnswer = 32 << 20
	// answerTimeout bounds reading the answer to a request that succeeded.
	answerTimeout = time.Minute
	// maxDiscarded and discardTimeout bound reading an answer that nothing depends on, which is
	// read so that its connection can be used again.
	maxDiscarded   = 64 << 10
	discardTimeout = 2 * time.Second
)

// ErrAnswerTooLarge says that a JSON answer is past reason.
var ErrAnswerTooLarge = errors.New("the response is too large")

// ErrInDoubt marks an error that came after a status of success: the request may have been
// carried out, and its message says so.
var ErrInDoubt = errors.New("the request may have been processed")

type doubtKey struct{}

// WithDoubt sets the sentence that is added to an error after a status of success. An empty
// one is for requests that change nothing.
func WithDoubt(ctx context.Context, sentence string) context.Context {
	return context.WithValue(ctx, doubtKey{}, sentence)
}

// doubt is the sentence for a request. Methods that are safe change nothing.
func doubt(req *http.Request, name string) string {
	if req.Method == http.MethodGet || req.Method == http.MethodHead {
		return ""
	}
	if sentence, ok := req.Context().Value(doubtKey{}).(string); ok {
		return sentence
	}
	return name + " may already have accepted the request. Check before retrying."
}

// JSON sends req like [Do] and decodes the answer into out. A nil out is for requests whose
// status says all: see [Accepted].
func JSON(c *http.Client, req *http.Request, name string, out any) error {
	res, err := Do(c, req, name) //nolint:bodyclose // both ways of reading the answer close it
	if err != nil {
		return err
	}
	if out == nil {
		return Accepted(req, res, name)
	}
	body, err := readAnswer(req, res, name)
	if err == nil {
		err = json.Unmarshal(body, out)
		if err != nil {
			err = unexpected(fmt.Errorf("decoding the response: %w", err), name)
		}
	}
	return afterSuccess(req, err, name)
}

// Accepted closes a successful answer whose body does not matter. Whether it breaks off or
// takes long is not the delivery's concern; but a web page does not come from an API: it is
// from a proxy or a portal that kept the request.
func Accepted(req *http.Request, res *http.Response, name string) error {
	Discard(res)
	if mediaType, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); mediaType == "text/html" {
		return Unexpected(req, errors.New("the response is a web page"), name)
	}
	return nil
}

// Discard closes an answer, and reads a little of it so that its connection can be used again.
func Discard(res *http.Response) {
	timer := time.AfterFunc(discardTimeout, func() { _ = res.Body.Close() })
	defer timer.Stop()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, maxDiscarded)) // nothing depends on it
	_ = res.Body.Close()
}

// Unexpected is the error for a successful answer that does not say what it must.
func Unexpected(req *http.Request, detail error, name string) error {
	return afterSuccess(req, unexpected(detail, name), name)
}

func unexpected(detail error, name string) error {
	return action.Wrap(detail, action.Unavailable, "Unexpected response from %s.", name)
}

func readAnswer(req *http.Request, res *http.Response, name string) ([]byte, error) {
	return readAtMost(maxAnswer, req, res, name)
}

func readAtMost(maxBytes int64, req *http.Request, res *http.Response, name string) ([]byte, error) {
	var late atomic.Bool
	timer := time.AfterFunc(answerTimeout, func() {
		late.Store(true)
		_ = res.Body.Close()
	})
	defer res.Body.Close()
	defer timer.Stop()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBytes+1))
	switch {
	case err != nil && late.Load():
		return nil, action.Wrap(err, action.Timeout, "%s did not complete its response in time.", name)
	case err != nil:
		return nil, ConnectionError(req.Context(), err, name)
	case int64(len(body)) > maxBytes:
		return nil, action.Wrap(ErrAnswerTooLarge, action.Unavailable, "The response from %s is too large.", name)
	}
	return body, nil
}

// afterSuccess says that a request may have been carried out, though its answer is of no use.
func afterSuccess(req *http.Request, err error, name string) error {
	sentence := doubt(req, name)
	if err == nil || sentence == "" {
		return err
	}
	detail := err
	if e, ok := err.(*action.Error); ok && e.Err != nil { //nolint:errorlint // its message is repeated below
		detail = e.Err
	}
	return action.Wrap(fmt.Errorf("%w: %w", ErrInDoubt, detail), action.KindOf(err), "%s %s", action.MessageOf(err), sentence)
}
