package looker

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Action is a delivery that a user starts.
type Action struct {
	User        string `json:"user"`
	Integration string `json:"integration"`
	// Type is cell, query or dashboard; empty means query if the integration supports it.
	Type string `json:"type,omitempty"`
	// Value is the cell's value of a cell action.
	Value string `json:"value,omitempty"`
	// Form are the user's answers.
	Form map[string]string `json:"form,omitempty"`
	// Format and Data are the result; a cell action has none.
	Format string `json:"format,omitempty"`
	Data   []byte `json:"data,omitempty"` // base64 in JSON
	Title  string `json:"title,omitempty"`
	// Download is push or url; empty lets Looker choose.
	Download string `json:"download,omitempty"`
	// CutAfter breaks the request, or the download, after as many bytes; 0 sends all.
	CutAfter int64 `json:"cut_after,omitempty"`
	// Force also sends a format, and in a way, that the integration does not list. Looker does not.
	Force bool `json:"force,omitempty"`
	// Progress counts what was transferred; it can be nil.
	Progress *Progress `json:"-"`
}

// Result is how a delivery ended. Success is also false when the hub did not run it.
// Source: docs/action_api.md of the reference.
type Result struct {
	// WebhookID is what the hub's log names the delivery.
	WebhookID        string            `json:"webhook_id"`
	Status           int               `json:"status"`
	Success          bool              `json:"success"`
	Message          string            `json:"message,omitempty"`
	RefreshQuery     bool              `json:"refresh_query,omitempty"`
	ValidationErrors map[string]string `json:"validation_errors,omitempty"`
	// Answer is the hub's whole response, without secrets.
	Answer string `json:"answer,omitempty"`
}

// RefusedError says why Looker did not call the hub.
type RefusedError struct{ Reason string }

func (e *RefusedError) Error() string { return "Looker did not run the action: " + e.Reason }

func refusef(format string, args ...any) error {
	return &RefusedError{fmt.Sprintf(format, args...)}
}

// Run runs an action. The error is a [*RefusedError] if the hub was not called; otherwise there was no
// whole response.
func (l *Looker) Run(ctx context.Context, a Action) (Result, error) {
	p, err := l.prepare(a.User, a.Integration)
	if err != nil {
		return Result{}, &RefusedError{err.Error()}
	}
	if err := l.checkAction(&a, p); err != nil {
		return Result{}, err
	}
	e, err := l.envelope(a, p)
	if err != nil {
		return Result{}, err
	}
	if p.stateJSON != "" {
		e.Data["state_json"] = p.stateJSON
	}
	body, err := json.Marshal(e)
	if err != nil {
		return Result{}, fmt.Errorf("encoding the envelope: %w", err)
	}
	c := hubCall{
		kind: CallExecute, hub: p.hub, integration: p.id, user: p.user, url: p.definition.URL, token: p.token,
		timeout: l.options.ExecuteTimeout, body: a.Progress.request(bytes.NewReader(body), len(body)), progress: a.Progress,
	}
	if e.Attachment != nil {
		c.body = interrupted(c.body, a.CutAfter)
	}
	if c.recorded.Body, err = e.recorded(p.definition); err != nil {
		return Result{}, fmt.Errorf("recording the envelope: %w", err)
	}
	if len(a.Data) > 0 {
		sum := sha256.Sum256(a.Data)
		c.recorded.DataBytes, c.recorded.DataSHA256 = len(a.Data), hex.EncodeToString(sum[:])
	}
	var answer []byte
	result := Result{}
	result.WebhookID, result.Status, answer, err = l.call(ctx, c)
	result.Answer = l.secrets.redactJSON(answer)
	if err != nil {
		return result, err
	}
	return l.readResult(result, p, answer)
}

// checkAction refuses what Looker would not send, and completes what the user left open.
func (l *Looker) checkAction(a *Action, p prepared) error {
	d := p.definition
	if !p.enabled {
		return refusef("the integration %s is not enabled", a.Integration)
	}
	if !l.mayRun(a.User) {
		// Source: Looker's documentation of the action hub.
		return refusef("the user %s needs the permission %s", a.User, SendToIntegration)
	}
	if len(p.unset) > 0 {
		// Source: docs/action_api.md of the reference, user_attribute_name. That a missing constant
		// has the same effect is an assumption.
		return refusef("the required parameters %s have no value for the user %s", strings.Join(p.unset, ", "), a.User)
	}
	if a.Type == "" {
		a.Type = d.ActionTypes[0]
		if slices.Contains(d.ActionTypes, "query") {
			a.Type = "query"
		}
	}
	if !slices.Contains(d.ActionTypes, a.Type) {
		return refusef("the integration supports %s, not %s", strings.Join(d.ActionTypes, ", "), a.Type)
	}
	if a.Type == "cell" {
		return nil
	}
	if _, ok := files[a.Format]; !ok {
		return refusef("there is no format %q", a.Format)
	}
	if len(d.Formats) > 0 && !a.Force && !slices.Contains(d.Formats, a.Format) {
		return refusef("the integration supports the formats %s, not %s", strings.Join(d.Formats, ", "), a.Format)
	}
	return chooseDownload(a, d)
}

func (l *Looker) mayRun(user string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state.user(user).may(SendToIntegration)
}

// chooseDownload chooses how the data is sent. Source: Looker's document: an integration that lists
// nothing supports both. That Looker then pushes is an assumption.
func chooseDownload(a *Action, d Definition) error {
	settings := d.DownloadSettings
	if len(settings) == 0 {
		settings = []string{"push", "url"}
	}
	if a.Download == "" {
		a.Download = "push"
		if !slices.Contains(settings, a.Download) {
			a.Download = "url"
		}
	}
	if !a.Force && !slices.Contains(settings, a.Download) || !slices.Contains([]string{"push", "url"}, a.Download) {
		return refusef("the integration supports the download settings %s, not %s", strings.Join(settings, ", "), a.Download)
	}
	return nil
}

// envelope is the request of an action.
func (l *Looker) envelope(a Action, p prepared) (envelope, error) {
	e := envelope{Type: a.Type, Data: maps.Clone(p.params), FormParams: map[string]string{}}
	maps.Copy(e.FormParams, a.Form)
	if a.Type == "cell" {
		e.Data["value"] = a.Value
		return e, nil
	}
	// Looker adds the format to the user's answers. Source: the reference reads it there.
	e.FormParams["format"] = a.Format
	kind, page := "Look", "looks"
	if a.Type == "dashboard" {
		kind, page = "Dashboard", "dashboards"
	}
	e.Plan = &scheduledPlan{ID: new(1), Title: a.Title, Type: kind, URL: l.options.URL + "/" + page + "/1", QueryID: new(1)}
	if a.Download == "url" {
		contentType, _, _ := strings.Cut(files[a.Format].mimeType, ";")
		id := l.tickets.issue(ticket{user: a.User, integration: a.Integration, download: &download{
			contentType: contentType, data: slices.Clone(a.Data), progress: a.Progress, cutAfter: a.CutAfter,
		}})
		e.Plan.DownloadURL = new(l.options.URL + downloadPath + id)
		return e, nil
	}
	var err error
	if e.Attachment, err = newAttachment(a.Format, a.Data); err != nil {
		return envelope{}, &RefusedError{err.Error()}
	}
	return e, nil
}

// readResult reads a hub's response to an execute request.
func (l *Looker) readResult(result Result, p prepared, answer []byte) (Result, error) {
	if err := statusError(result.Status, answer); err != nil {
		result.Message = l.secrets.redact(err.Error())
		return result, nil
	}
	var body struct {
		Looker *struct {
			Success          bool              `json:"success"`
			Message          string            `json:"message"`
			RefreshQuery     bool              `json:"refresh_query"`
			ValidationErrors map[string]string `json:"validation_errors"`
			State            *json.RawMessage  `json:"state"`
		} `json:"looker"`
	}
	if err := json.Unmarshal(answer, &body); err != nil {
		return result, fmt.Errorf("the action hub's response is not valid: %w", err)
	}
	if body.Looker == nil {
		return result, errors.New("the action hub's response does not say how the delivery ended")
	}
	result.Success, result.Message, result.RefreshQuery = body.Looker.Success, body.Looker.Message, body.Looker.RefreshQuery
	result.ValidationErrors = body.Looker.ValidationErrors
	return result, l.keepState(p.user, p.id, body.Looker.State)
}
