package looker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// hubCall is a request to a hub.
type hubCall struct {
	kind                   CallKind
	hub, integration, user string
	url, token             string
	timeout                time.Duration
	body                   io.Reader
	progress               *Progress
	// recorded is what the journal has of the body.
	recorded Call
}

// maxAnswer limits a hub's response.
// Source: Looker's documentation of the action hub: actions can return up to 7 MB.
const maxAnswer = 7 << 20

// errHub is an answer of a hub that Looker cannot use.
var errHub = errors.New("the action hub")

// call sends a request to a hub and returns its response without the newlines that keep the connection
// alive. An error means that there is no whole response.
func (l *Looker) call(ctx context.Context, c hubCall) (webhookID string, status int, answer []byte, err error) {
	webhookID = strings.ToLower(oneTimeID())
	entry := c.recorded
	entry.Kind, entry.Hub, entry.Integration, entry.User = c.kind, c.hub, c.integration, c.user
	entry.Method, entry.URL, entry.WebhookID = http.MethodPost, c.url, webhookID
	recorded := l.journal.call(entry)
	defer func() {
		shown := answer
		if c.kind == CallToken && status == http.StatusOK {
			shown = []byte(redacted) // the user's tokens
		}
		l.journal.called(recorded, status, shown, err)
	}()

	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	// Looker sends its bodies in chunks: a reader of an unknown size. Source: docs/action_api.md of
	// the reference.
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, struct{ io.Reader }{c.body})
	if err != nil {
		return webhookID, 0, nil, fmt.Errorf("calling the action hub: %w", err)
	}
	l.setHeaders(req, c.token, webhookID)
	l.journal.sending(recorded, req.Header)
	res, err := l.client.Do(req)
	if err != nil {
		return webhookID, 0, nil, fmt.Errorf("calling the action hub: %w", err)
	}
	defer res.Body.Close()
	l.journal.answered(recorded, res.Header)
	text, err := io.ReadAll(io.LimitReader(c.progress.answer(res.Body), maxAnswer+1))
	switch {
	case err != nil:
		return webhookID, res.StatusCode, nil, fmt.Errorf("reading the action hub's response: %w", err)
	case len(text) > maxAnswer:
		return webhookID, res.StatusCode, nil, fmt.Errorf("the action hub's response is larger than %d bytes", maxAnswer)
	}
	return webhookID, res.StatusCode, bytes.TrimSpace(text), nil
}

// setHeaders sets the headers of Looker.
// Source: the reference reads them in action_request.ts.
func (l *Looker) setHeaders(req *http.Request, token, webhookID string) {
	if token != "" {
		req.Header.Set("Authorization", `Token token="`+token+`"`)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "LookerOutgoingWebhook/"+l.options.Version)
	req.Header.Set("X-Looker-Instance", l.options.Instance)
	req.Header.Set("X-Looker-Webhook-Id", webhookID)
}

// statusError is what a hub's response other than 200 means.
func statusError(status int, answer []byte) error {
	if status == http.StatusOK {
		return nil
	}
	var body struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(answer, &body) == nil && body.Error != "" {
		return fmt.Errorf("%w returned status %d: %s", errHub, status, body.Error)
	}
	return fmt.Errorf("%w returned status %d", errHub, status)
}

// requestList requests a hub's list. Source: docs/action_api.md of the reference: a POST with an empty
// body.
func (l *Looker) requestList(ctx context.Context, id string, kind CallKind) (hubList, error) {
	l.mu.Lock()
	h := l.state.hub(id)
	if h == nil {
		l.mu.Unlock()
		return hubList{}, errors.New("the action hub was deleted")
	}
	c := hubCall{kind: kind, hub: id, url: h.URL, token: h.Token, timeout: l.options.CallTimeout, body: strings.NewReader("")}
	l.mu.Unlock()
	_, status, answer, err := l.call(ctx, c)
	if err == nil {
		err = statusError(status, answer)
	}
	if err != nil {
		return hubList{}, err
	}
	return parseList(answer, l.options.schemes())
}
