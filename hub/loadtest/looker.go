package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// delivery is one execute request as Looker makes it.
type delivery struct {
	id           string // Looker's webhook id, by which the hub's log names the delivery
	integration  string
	params, form map[string]string
	document     *document // sent inside the envelope
	downloadURL  string    // or fetched from here
	cutShort     bool      // Looker breaks its request off before its end
}

// outcome is what the hub says in the end.
type outcome struct {
	Success bool   `json:"success"`
	Message string `json:"message"`
}

// errUnanswered says that the connection ended before the hub's answer did.
var errUnanswered = errors.New("the hub did not respond")

// errCutShort ends a request that Looker breaks off.
var errCutShort = errors.New("aborted on purpose")

// post sends a body in chunks, with Looker's headers.
func (h *hubProcess) post(ctx context.Context, c *http.Client, path, id string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url+path, io.NopCloser(body))
	if err != nil {
		return nil, fmt.Errorf("preparing the request: %w", err)
	}
	req.ContentLength = -1
	req.Header.Set("Authorization", fmt.Sprintf("Token token=%q", h.token))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "LookerOutgoingWebhook/24.20.41")
	req.Header.Set("X-Looker-Instance", "load")
	req.Header.Set("X-Looker-Webhook-Id", id)
	return c.Do(req)
}

// execute delivers, and returns the hub's outcome. Its error wraps errUnanswered when there
// is none.
func (h *hubProcess) execute(ctx context.Context, c *http.Client, d delivery) (outcome, error) {
	reader, writer := io.Pipe()
	go func() {
		buffered := bufio.NewWriterSize(writer, 256<<10)
		err := d.envelope(buffered)
		writer.CloseWithError(errors.Join(err, buffered.Flush()))
	}()
	defer reader.Close()
	res, err := h.post(ctx, c, "/actions/"+d.integration+"/execute", d.id, reader)
	if err != nil {
		return outcome{}, fmt.Errorf("%w: %w", errUnanswered, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return outcome{}, fmt.Errorf("%w: %w", errUnanswered, err)
	}
	var answer struct {
		Looker *outcome `json:"looker"`
		Error  string   `json:"error"`
	}
	switch err := json.Unmarshal(bytes.TrimSpace(text), &answer); {
	case err != nil:
		return outcome{}, fmt.Errorf("the hub's response %d %q is not JSON: %w", res.StatusCode, text, err)
	case answer.Looker != nil:
		return *answer.Looker, nil
	case res.StatusCode == http.StatusOK:
		return outcome{}, fmt.Errorf("the hub's answer has no outcome: %s", text)
	}
	return outcome{Message: answer.Error}, nil
}

// envelope writes the request's body.
func (d delivery) envelope(w io.Writer) error {
	plan := map[string]any{"scheduled_plan_id": 17, "title": "Orders by day", "type": "Look", "url": "https://looker.example.com/looks/1"}
	if d.downloadURL != "" {
		plan["download_url"] = d.downloadURL
	}
	head, err := json.Marshal(map[string]any{"type": "query", "scheduled_plan": plan, "data": d.params, "form_params": d.form})
	if err != nil {
		return fmt.Errorf("encoding the envelope: %w", err)
	}
	if d.document == nil {
		_, err := w.Write(head)
		return err
	}
	f := d.document.format
	_, err = fmt.Fprintf(w, `%s,"attachment":{"mimetype":%q,"extension":%q,"data":"`, head[:len(head)-1], f.mime, f.extension)
	if err != nil {
		return err
	}
	if err := d.document.attachment(w); err != nil {
		return err
	}
	if d.cutShort {
		return errCutShort
	}
	_, err = io.WriteString(w, `"}}`)
	return err
}
