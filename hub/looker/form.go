package looker

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"

	"integrationhub.dev/hub/looker/api"
)

// Form is a hub's form.
// Source: docs/action_api.md of the reference, ActionForm.
type Form struct {
	Fields []Field `json:"fields"`
	// Error takes the place of the fields when the hub cannot make the form.
	Error string `json:"error,omitempty"`
}

// Field is one field of a form.
type Field struct {
	Name        string   `json:"name"`
	Label       string   `json:"label,omitempty"`
	Description string   `json:"description,omitempty"`
	Type        string   `json:"type,omitempty"`
	Default     string   `json:"default,omitempty"`
	Required    bool     `json:"required,omitempty"`
	Interactive bool     `json:"interactive,omitempty"`
	Options     []Option `json:"options,omitempty"`
	OAuthURL    string   `json:"oauth_url,omitempty"`
	Value       string   `json:"value,omitempty"`
}

// Option is a choice of a select field.
type Option struct {
	Name  string `json:"name"`
	Label string `json:"label,omitempty"`
}

// formAnswer is a hub's response to a request for a form. The form can also be an array of fields.
type formAnswer struct {
	Fields []Field          `json:"fields"`
	State  *json.RawMessage `json:"state"`
	Error  json.RawMessage  `json:"error"`
}

func parseForm(text []byte) (formAnswer, error) {
	var answer formAnswer
	var err error
	if bytes.HasPrefix(text, []byte("[")) {
		err = json.Unmarshal(text, &answer.Fields)
	} else {
		err = json.Unmarshal(text, &answer)
	}
	if err != nil {
		return formAnswer{}, fmt.Errorf("the action hub's form is not valid: %w", err)
	}
	return answer, nil
}

// problem is the error of a form: a text, or an object with a message.
func (a formAnswer) problem() string {
	var text string
	if len(a.Error) == 0 || json.Unmarshal(a.Error, &text) == nil {
		return text
	}
	var object struct {
		Message string `json:"message"`
	}
	_ = json.Unmarshal(a.Error, &object) // anything else has no message
	return cmp.Or(object.Message, "The action hub cannot make the form.")
}

// prepared is what Looker knows before it calls a hub for a user.
type prepared struct {
	user, hub, id, token string
	definition           Definition
	params               map[string]string
	stateJSON            string
	enabled              bool
	unset                []string // required params that have no value for this user
}

var (
	errNoIntegration = errors.New("the integration does not exist")
	errNoForm        = errors.New("the integration has no form")
)

func errNoUser(id string) error { return fmt.Errorf("there is no user %q", id) }

// prepare gathers the settings of an integration for a user.
func (l *Looker) prepare(user, id string) (prepared, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	u := l.state.user(user)
	if u == nil {
		return prepared{}, errNoUser(user)
	}
	h, i := l.state.integration(id)
	if i == nil {
		return prepared{}, errNoIntegration
	}
	if err := h.usable(); err != nil {
		return prepared{}, err
	}
	p := prepared{user: user, hub: h.ID, id: id, token: h.Token, definition: i.Definition, params: map[string]string{}, enabled: i.Enabled}
	for _, param := range i.Definition.Params {
		s := i.Settings[param.Name]
		value := s.Value
		if s.UserAttribute != "" {
			value = u.Attributes[s.UserAttribute]
			if param.Secret() {
				l.secrets.add(value)
			}
		}
		if value != "" {
			p.params[param.Name] = value
		} else if param.Required {
			p.unset = append(p.unset, param.Name)
		}
	}
	if s := l.state.userState(user, id); s != nil {
		p.stateJSON = i.delegatedState(s.Data)
	}
	return p, nil
}

// Form requests the form of an integration for a user. Values are the current values of its fields:
// Looker requests the form again when an interactive field has changed.
func (l *Looker) Form(ctx context.Context, user, id string, values map[string]string) (Form, error) {
	p, err := l.prepare(user, id)
	if err != nil {
		return Form{}, err
	}
	answer, err := l.requestForm(ctx, p, CallForm, values)
	if err != nil {
		return Form{}, err
	}
	return Form{Fields: answer.Fields, Error: answer.problem()}, nil
}

// requestForm requests a form, and keeps the state in the response.
func (l *Looker) requestForm(ctx context.Context, p prepared, kind CallKind, values map[string]string) (formAnswer, error) {
	if p.definition.FormURL == "" {
		return formAnswer{}, errNoForm
	}
	e := envelope{Type: "query", Data: maps.Clone(p.params), FormParams: values}
	if e.FormParams == nil {
		e.FormParams = map[string]string{}
	}
	if kind == CallTest {
		// Source: the reference's form route answers a request with params.test with a check of
		// the connection. That Looker sends it for every integration is an assumption.
		e.Data["test"] = "true"
	}
	l.addSignIn(&e, p)
	status, answer, err := l.post(ctx, p, hubCall{kind: kind, url: p.definition.FormURL, timeout: l.options.CallTimeout}, e)
	if err == nil {
		err = statusError(status, answer)
	}
	if err != nil {
		return formAnswer{}, err
	}
	form, err := parseForm(answer)
	if err != nil {
		return formAnswer{}, err
	}
	return form, l.keepState(p.user, p.id, form.State)
}

// post sends an envelope to a hub.
func (l *Looker) post(ctx context.Context, p prepared, c hubCall, e envelope) (int, []byte, error) {
	if p.stateJSON != "" {
		e.Data["state_json"] = p.stateJSON
	}
	text, err := json.Marshal(e)
	if err != nil {
		return 0, nil, fmt.Errorf("encoding the envelope: %w", err)
	}
	if c.recorded.Body, err = e.recorded(p.definition); err != nil {
		return 0, nil, fmt.Errorf("recording the envelope: %w", err)
	}
	c.hub, c.integration, c.user, c.token, c.body = p.hub, p.id, p.user, p.token, bytes.NewReader(text)
	_, status, answer, err := l.call(ctx, c)
	return status, answer, err
}

// FillForm fills a form in like a user: it sets the values one after the other, and requests the form
// again after each interactive field, as far as the fields appear. It returns the last form, and the
// values of its fields with the defaults.
func (l *Looker) FillForm(ctx context.Context, user, id string, values map[string]string) (Form, map[string]string, error) {
	filled := map[string]string{}
	form, err := l.Form(ctx, user, id, nil)
	for err == nil {
		if !fillFields(form.Fields, values, filled) {
			break
		}
		form, err = l.Form(ctx, user, id, maps.Clone(filled))
	}
	return form, filled, err
}

// fillFields sets the values of fields up to the first interactive one that changes, and reports
// whether there is one.
func fillFields(fields []Field, values, filled map[string]string) bool {
	for _, f := range fields {
		value, ok := values[f.Name]
		before, known := filled[f.Name]
		if !ok && !known && f.Default != "" {
			filled[f.Name] = f.Default // the form was made for it
		}
		if !ok || known && before == value {
			continue
		}
		filled[f.Name] = value
		if f.Interactive && value != f.Default {
			return true
		}
	}
	return false
}

// showForm is POST /integrations/{integration_id}/form. That it answers 422 with the hub's message
// where there is no form is an assumption.
func (l *Looker) showForm(c *apiCall) reply {
	values := map[string]string{}
	if len(c.body) > 0 {
		if err := json.Unmarshal(c.body, &values); err != nil {
			return errorReply(http.StatusBadRequest, "The body is not valid JSON.")
		}
	}
	p, err := l.prepare(c.user.ID, c.path("integration_id"))
	switch {
	case errors.Is(err, errNoIntegration), err == nil && !p.enabled && !c.user.may(Admin):
		return notFound()
	case err != nil:
		return unprocessable(err.Error())
	}
	answer, err := l.requestForm(c.ctx, p, CallForm, values)
	if err != nil {
		return unprocessable(l.secrets.redact(err.Error()))
	}
	if problem := answer.problem(); problem != "" {
		return unprocessable(problem)
	}
	out := api.DataActionForm{Fields: []api.DataActionFormField{}}
	for _, f := range answer.Fields {
		out.Fields = append(out.Fields, f.view())
	}
	if s := answer.state(); s.Data != nil {
		out.State = &api.DataActionUserState{Data: s.Data, RefreshTime: s.RefreshTime}
	}
	return reply{status: http.StatusOK, body: out}
}

// view is a field as the API shows it. Looker's document has no value, so the text of a message field
// is only in the hub's own form.
func (f Field) view() api.DataActionFormField {
	v := api.DataActionFormField{Name: &f.Name, Required: &f.Required, Interactive: &f.Interactive}
	for text, member := range map[*string]**string{
		&f.Label: &v.Label, &f.Description: &v.Description, &f.Type: &v.Type, &f.Default: &v.Default, &f.OAuthURL: &v.OauthURL,
	} {
		if *text != "" {
			*member = text
		}
	}
	for _, o := range f.Options {
		v.Options = append(v.Options, api.DataActionFormSelectOption{Name: &o.Name, Label: &o.Label})
	}
	return v
}

// TestResult is the result of a test.
type TestResult struct {
	Success bool
	Message string
	// Installations are the results of a delegated OAuth client.
	Installations []api.DelegateOauthTest
}

// Test tests an integration for a user. An error means that there is nothing to test.
//
// Source: the description of POST /integrations/{integration_id}/test in Looker's document, and the
// reference's form route with params.test. That Looker tests an integration without a form with the list
// is an assumption.
func (l *Looker) Test(ctx context.Context, user, id string) (TestResult, error) {
	p, err := l.prepare(user, id)
	if err != nil {
		return TestResult{}, err
	}
	var message string
	var installations []api.DelegateOauthTest
	if p.definition.FormURL == "" {
		_, err = l.requestList(ctx, p.hub, CallTest)
	} else {
		var answer formAnswer
		answer, err = l.requestForm(ctx, p, CallTest, nil)
		installations = l.delegateResults(id, answer)
		message = cmp.Or(answer.problem(), notConnected(installations))
	}
	if err != nil {
		message = l.secrets.redact(err.Error())
	}
	return TestResult{Success: message == "", Message: cmp.Or(message, "The test succeeded."), Installations: installations}, nil
}

// testIntegration is POST /integrations/{integration_id}/test.
func (l *Looker) testIntegration(c *apiCall) reply {
	result, err := l.Test(c.ctx, c.user.ID, c.path("integration_id"))
	switch {
	case errors.Is(err, errNoIntegration):
		return notFound()
	case err != nil:
		return unprocessable(err.Error())
	}
	return reply{status: http.StatusOK, body: api.IntegrationTestResult{
		Success: &result.Success, Message: &result.Message, DelegateOauthResult: result.Installations,
	}}
}
