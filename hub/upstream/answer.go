package upstream

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
)

// The maximum sizes of answers in bytes. Looker stores at most 32 KB of state; forms can have many options.
const (
	maxOutcome = 1 << 20
	maxForm    = 8 << 20
	maxTokens  = 1 << 20
	maxCheck   = 4 << 10
	// maxMessage is the maximum length of a quoted error.
	maxMessage = 1000
)

// mayBeDelivered is added to errors after the upstream had the whole request.
const mayBeDelivered = "The data may already have been delivered. Check before retrying."

// Execute passes a delivery and returns the upstream's outcome for Looker: the member "looker" of its answer.
// If that reports a failure, the error is set too. Without an outcome, the delivery failed or is in doubt.
func (h *Hub) Execute(ctx context.Context, r Request) (json.RawMessage, error) {
	res, err := h.do(ctx, http.MethodPost, "execute", r) //nolint:bodyclose // readOutcome closes it
	if err != nil {
		err = h.explain(err)
		if status, ok := errors.AsType[*outbound.StatusError](err); r.Body.Complete() && (!ok || isInDoubt(status.Code)) {
			err = inDoubt(err)
		}
		return nil, err
	}
	outcome, err := h.readOutcome(ctx, res)
	if outcome == nil {
		return nil, inDoubt(err)
	}
	return outcome, err
}

// isInDoubt reports whether a request may have been carried out even so: the reference answers 500 when an
// integration breaks, at whatever point.
func isInDoubt(status int) bool {
	return status >= http.StatusInternalServerError && status != http.StatusServiceUnavailable && status != http.StatusLoopDetected
}

func inDoubt(err error) error {
	return action.Wrap(fmt.Errorf("%w: %w", outbound.ErrInDoubt, err), action.KindOf(err), "%s %s", action.MessageOf(err), mayBeDelivered)
}

func (h *Hub) readOutcome(ctx context.Context, res *http.Response) (json.RawMessage, error) {
	text, err := h.read(ctx, res, maxOutcome)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Looker json.RawMessage `json:"looker"`
	}
	var outcome struct {
		Success          *bool           `json:"success"`
		ValidationErrors json.RawMessage `json:"validation_errors"`
		Error            json.RawMessage `json:"error"`
	}
	if err = json.Unmarshal(text, &answer); err == nil {
		err = json.Unmarshal(answer.Looker, &outcome)
	}
	switch {
	case err != nil || outcome.Success == nil:
		return nil, h.unexpected(errors.New("the response has no outcome"))
	case *outcome.Success:
		return answer.Looker, nil
	}
	var problem struct {
		Code int `json:"http_code"`
	}
	_ = json.Unmarshal(outcome.Error, &problem) // it is optional
	kind := action.Unavailable
	switch {
	case len(outcome.ValidationErrors) > len("{}"):
		kind = action.Invalid
	case problem.Code >= http.StatusBadRequest:
		kind = action.KindOfStatus(problem.Code)
	}
	// Its message can quote data and is not logged.
	return answer.Looker, action.Errorf(kind, "%s reported a failed delivery.", h.name)
}

// Form passes a request for a form, and returns the upstream's.
func (h *Hub) Form(ctx context.Context, r Request) ([]byte, error) {
	return h.ask(ctx, http.MethodPost, "form", r, maxForm, "{[")
}

// FetchTokens passes a request for a user's tokens, and returns them.
func (h *Hub) FetchTokens(ctx context.Context, r Request) ([]byte, error) {
	return h.ask(ctx, http.MethodPost, "oauth_token", r, maxTokens, "{")
}

// CheckLogin passes the question whether a user has signed in, and returns the answer.
func (h *Hub) CheckLogin(ctx context.Context, r Request) ([]byte, error) {
	return h.ask(ctx, http.MethodGet, "oauth_check", r, maxCheck, "tf")
}

// ask passes a request and returns the answer, which must be JSON that begins with one of some bytes.
func (h *Hub) ask(ctx context.Context, method, leg string, r Request, maxBytes int64, begins string) ([]byte, error) {
	res, err := h.do(ctx, method, leg, r)
	if err != nil {
		return nil, h.explain(err)
	}
	text, err := h.read(ctx, res, maxBytes)
	if err != nil {
		return nil, err
	}
	if text = bytes.TrimSpace(text); len(text) == 0 || strings.IndexByte(begins, text[0]) < 0 || !json.Valid(text) {
		return nil, h.unexpected(errors.New("the response is not the expected JSON"))
	}
	return text, nil
}

// read reads an answer completely. Newlines before it keep the connection alive, however long it takes.
func (h *Hub) read(ctx context.Context, res *http.Response, maxBytes int64) ([]byte, error) {
	defer res.Body.Close()
	if mediaType, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); mediaType == "text/html" {
		return nil, h.unexpected(errors.New("the response is a web page"))
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, maxBytes+1))
	switch {
	case err != nil:
		return nil, outbound.ConnectionError(ctx, err, h.name)
	case int64(len(text)) > maxBytes:
		return nil, action.Wrap(outbound.ErrAnswerTooLarge, action.Unavailable, "The response from %s is too large.", h.name)
	}
	return text, nil
}

func (h *Hub) unexpected(detail error) error {
	return action.Wrap(detail, action.Unavailable, "Unexpected response from %s.", h.name)
}

// explain quotes the error that a hub answers with, as {"success":false,"error":"…"}.
func (h *Hub) explain(err error) error {
	status, ok := errors.AsType[*outbound.StatusError](err)
	if !ok || isTokenRejected(status.Code) {
		return err
	}
	var answer struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(status.Body, &answer) != nil || answer.Error == "" {
		return err
	}
	kind := action.KindOf(err)
	if kind == action.NotFound { // with this status hubs answer requests that an integration cannot deliver
		kind = action.Invalid
	}
	text := strings.ToValidUTF8(answer.Error[:min(len(answer.Error), maxMessage)], "")
	return action.Wrap(err, kind, "%s returned an error: %s", h.name, text)
}
