package console

import (
	"bytes"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"integrationhub.dev/hub/action"
)

// caseHead is what a saved case begins with.
const caseHead = `# A case of hub console: hub console run FILE
# Secrets come from the environment. Form values are here as they were entered: replace one that is secret
# by {env: NAME} or {file: PATH}.
`

// save returns a run as a case without secrets.
func (s *Server) save(o Outcome) ([]byte, error) {
	name := o.Integration.Name
	c := Case{
		Integration: name, Type: o.Sent.Type, Form: map[string]Value{}, Format: o.Sent.Format, Title: o.Sent.Title,
		Download: o.Sent.Download, Force: o.Sent.Force, Expect: Expect{Success: o.Result.Success && o.Problem == ""},
	}
	values, err := s.session.Params(o.User, s.session.ID(name))
	if err != nil {
		return nil, err
	}
	c.Params = map[string]Value{}
	for _, p := range o.Integration.Params {
		if value := values[p.Name]; value != "" {
			c.Params[p.Name] = s.masked(value, p.Secret(), variable(name, p.Name))
		}
	}
	for field, value := range o.Sent.Form {
		c.Form[field] = s.masked(value, false, variable(name, field))
	}
	if s.session.HasState(o.User, s.session.ID(name)) {
		c.State = &Value{Env: variable(name, "state")}
	}
	switch {
	case o.Sent.Type == string(action.TypeCell):
		c.Data.Value, c.Title = new(s.masked(o.Sent.Value, false, variable(name, "value"))), ""
	case o.Draft.Source == "file" && o.Draft.File != nil:
		c.Data.File = o.Draft.File.Name
	default:
		c.Data.Sample = &o.Draft.Rows
	}
	if !c.Expect.Success {
		c.Expect.Message = o.Result.Message
		c.Expect.ValidationErrors = slices.Sorted(maps.Keys(o.Result.ValidationErrors))
	}
	b := bytes.NewBufferString(caseHead)
	e := yaml.NewEncoder(b)
	e.SetIndent(2)
	if err := e.Encode(c); err != nil {
		return nil, fmt.Errorf("writing the case: %w", err)
	}
	return b.Bytes(), nil
}

// masked is a value, or where it comes from if it is or has a secret.
func (s *Server) masked(value string, secret bool, env string) Value {
	if secret || s.session.Redact(value) != value {
		return Value{Env: env}
	}
	return Value{Text: value}
}

var notInVariable = regexp.MustCompile(`[^A-Z0-9]+`)

// variable is the environment variable for a secret of an integration.
func variable(integration, name string) string {
	return notInVariable.ReplaceAllString(strings.ToUpper(integration+"_"+name), "_")
}
