package custom

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"integrationhub.dev/api/httpintegration"
	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/custom/expression"
	"integrationhub.dev/hub/outbound"
)

// field is a field of the form.
type field struct {
	httpintegration.FormField
	when         *expression.Expression
	defaultValue *expression.Text
	rules        []*expression.Expression
	options      *optionsSource
}

// optionsSource fetches the options of a select.
type optionsSource struct {
	spec                             *httpintegration.OptionsFrom
	endpoint                         endpoint
	list, name, label, more, nextURL *expression.Expression
}

// formFields compiles the form.
func (c *compiler) formFields() {
	// Defaults are evaluated before there are answers.
	defaults := c.formScope
	defaults.Variables = []string{"params", "plan", "delivery"}
	for n, spec := range c.Spec.Form {
		at := fmt.Sprintf("spec.form[%d]", n)
		f := field{
			FormField: spec, when: c.expression(at+".when", spec.When, c.formScope, boolResult),
			defaultValue: c.text(at+".default", spec.Default, defaults),
		}
		for r, rule := range spec.Validation {
			f.rules = append(f.rules, c.expression(fmt.Sprintf("%s.validation[%d].rule", at, r), rule.Rule, c.formScope.With("value"), boolResult))
		}
		if o := spec.OptionsFrom; o != nil {
			f.options = c.optionsSource(at+".optionsFrom", o)
		}
		c.i.form = append(c.i.form, f)
	}
	if len(c.problems) == 0 {
		c.formDefaults()
	}
}

// formDefaults checks the defaults that are constant: a user who keeps one that is not valid can send nothing.
func (c *compiler) formDefaults() {
	v := expression.Vars{}.WithBudget()
	for n, f := range c.i.form {
		if f.defaultValue == nil || !f.defaultValue.Constant() {
			continue
		}
		at := fmt.Sprintf("spec.form[%d].default", n)
		value, err := f.defaultValue.Eval(v)
		if err != nil || value == "" {
			continue
		}
		if !f.hasOption(value) {
			c.problem(at, "The default must be one of the options.")
			continue
		}
		for r, rule := range f.rules {
			if !rule.UsesOnly("value") {
				continue
			}
			switch valid, err := rule.Bool(v.With(expression.Vars{"value": value})); {
			case err != nil:
				c.problem(at, "validation[%d] cannot check the default: %s.", r, err)
			case !valid:
				c.problem(at, "The default is not valid: %s", f.Validation[r].Message)
			}
		}
	}
}

// hasOption reports whether a value can be chosen; any value can without fixed options.
func (f field) hasOption(value string) bool {
	return len(f.Options) == 0 || slices.ContainsFunc(f.Options, func(o httpintegration.Option) bool { return o.Name == value })
}

func (c *compiler) optionsSource(at string, o *httpintegration.OptionsFrom) *optionsSource {
	page := c.formScope.With("status", "body", "text", "headers", "page")
	item := c.formScope.With("item")
	return &optionsSource{
		spec:     o,
		endpoint: c.endpoint(at+".request", cmp.Or(o.Request.Method, http.MethodGet), o.Request.Endpoint, c.formScope.With("page", "previous")),
		list:     c.expression(at+".list", o.List, page, listResult),
		name:     c.expression(at+".name", o.Name, item, textResult), label: c.expression(at+".label", o.Label, item, textResult),
		more: c.expression(at+".more", o.More, page, boolResult), nextURL: c.expression(at+".nextURL", o.NextURL, page, textResult),
	}
}

// shown reports whether a field is in the form. A condition that cannot be evaluated shows the field.
func (f field) shown(v expression.Vars) bool {
	if f.when == nil {
		return true
	}
	shown, err := f.when.Bool(v)
	return shown || err != nil
}

// validate checks the user's answers, and completes the variable form with the defaults of fields that the
// schedule does not have.
func (i *Integration) validate(req *action.Request, v expression.Vars) error {
	form, _ := v["form"].(map[string]string)
	for _, f := range i.form {
		name := string(f.Name)
		if _, answered := req.Form[name]; !answered && f.defaultValue != nil {
			value, err := f.defaultValue.Eval(v)
			if err != nil {
				return configurationError("spec.form."+name+".default", err)
			}
			form[name] = value
		}
	}
	for _, f := range i.form {
		if err := f.validate(form[string(f.Name)], v); err != nil {
			return err
		}
	}
	return nil
}

func (f field) validate(value string, v expression.Vars) error {
	name, label := string(f.Name), cmp.Or(string(f.Label), string(f.Name))
	switch {
	case !f.shown(v):
		return nil
	case value == "" && f.Required:
		return action.InvalidField(name, "%s is required.", label)
	case value == "":
		return nil
	case !f.hasOption(value):
		return action.InvalidField(name, "%s must be one of the options.", label)
	}
	with := v.With(expression.Vars{"value": value})
	for n, rule := range f.rules {
		valid, err := rule.Bool(with)
		if err != nil {
			return action.InvalidField(name, "%s cannot be checked: %s.", label, err)
		}
		if !valid {
			return action.InvalidField(name, "%s", f.Validation[n].Message)
		}
	}
	return nil
}

// fieldTypes are Looker's.
var fieldTypes = map[string]action.FieldType{"": action.String, "text": action.String, "textarea": action.Textarea, "select": action.Select}

// buildForm returns the form.
func (i *Integration) buildForm(ctx context.Context, req *action.Request) (*action.Form, error) {
	v := i.variables(req, "form")
	form := &action.Form{Fields: []action.Field{}}
	for _, f := range i.form {
		if !f.shown(v) {
			continue
		}
		out := action.Field{
			Name: string(f.Name), Label: cmp.Or(string(f.Label), string(f.Name)), Description: string(f.Description),
			Type: fieldTypes[f.Type], Required: f.Required, Interactive: f.Interactive,
		}
		if f.defaultValue != nil {
			var err error
			if out.Default, err = f.defaultValue.Eval(v); err != nil {
				return nil, configurationError("spec.form."+string(f.Name)+".default", err)
			}
		}
		for _, o := range f.Options {
			out.Options = append(out.Options, action.Option{Name: o.Name, Label: cmp.Or(string(o.Label), o.Name)})
		}
		if f.options != nil {
			if err := i.fetchOptions(ctx, req, f, v, &out); err != nil {
				return nil, err
			}
		}
		form.Fields = append(form.Fields, out)
	}
	return form, nil
}

const (
	// maxOptions is the maximum number of options of a field.
	maxOptions      = 1000
	defaultMaxPages = 10
	maxOptionsBytes = 4 << 20
)

// fetchOptions fetches the options of a field page by page.
func (i *Integration) fetchOptions(ctx context.Context, req *action.Request, f field, v expression.Vars, out *action.Field) error {
	fail := func(err error) error {
		return action.Wrap(err, action.KindOf(err), "The options of %s cannot be loaded: %s", out.Label, action.MessageOf(err))
	}
	secrets, err := i.readSecrets()
	if err != nil {
		return fail(err)
	}
	ctx = outbound.WithDoubt(i.noteSecrets(ctx, req, secrets), "")
	v = v.With(expression.Vars{"secrets": secrets, "previous": nil, "page": 0})
	credentials, err := i.auth.credentials(ctx, v)
	if err != nil {
		return fail(err)
	}
	s := f.options
	next, complete := "", false
	for page := range cmp.Or(s.spec.MaxPages, defaultMaxPages) {
		v["page"] = page
		c, err := s.endpoint.prepare(v)
		if err != nil {
			return fail(err)
		}
		if next != "" {
			if c.url, err = sameHost(c.url, next); err != nil {
				return fail(err)
			}
		}
		c.id = fmt.Sprintf("form-%d", page)
		answer, err := i.fetchPage(ctx, credentials, c)
		if err != nil {
			return fail(err)
		}
		answered := i.response.vars(v, answer.Status, answer.Header, answer.Body, 0)
		var options []action.Option
		var more bool
		if options, more, next, err = s.read(answered); err != nil {
			return fail(action.Errorf(action.Unavailable, "Unexpected response from %s: %s.", i.definition.Label, err))
		}
		out.Options = append(out.Options, options...)
		if complete = !more; complete || len(out.Options) > maxOptions {
			break
		}
		v["previous"] = answered["body"]
	}
	if !complete || len(out.Options) > maxOptions {
		out.Options = out.Options[:min(maxOptions, len(out.Options))]
		out.Description = fmt.Sprintf("%s Only the first %d options are shown.", out.Description, len(out.Options))
	}
	return nil
}

// fetchPage fetches one page.
func (i *Integration) fetchPage(ctx context.Context, credentials *credentials, c call) (*outbound.Answer, error) {
	answer := &outbound.Answer{MaxBytes: maxOptionsBytes}
	authorize, err := credentials.authorize(ctx, c, nil)
	if err != nil {
		return nil, err
	}
	api := outbound.API{
		Name: i.definition.Label, Client: credentials.client, Timeout: (&delivery{Integration: i}).timeout(nil),
		Authorize: func(req *http.Request) {
			maps.Copy(req.Header, c.header)
			authorize(req)
		},
		Explain: func(err *action.Error, status *outbound.StatusError) error {
			return i.response.explain(outbound.SecretsOf(ctx), err, status, expression.Vars{"params": map[string]string{}, "form": map[string]string{}}, 0)
		},
	}
	return answer, api.Call(ctx, c.method, c.url, nil, answer)
}

// read returns the options of a page, and whether and where there is another page.
func (s *optionsSource) read(v expression.Vars) (options []action.Option, more bool, next string, err error) {
	items, err := s.list.List(v, maxOptions+1)
	if err != nil {
		return nil, false, "", err
	}
	with := v.With(nil)
	for _, item := range items {
		with["item"] = item
		o := action.Option{}
		if o.Name, err = s.name.Text(with); err != nil {
			return nil, false, "", err
		}
		o.Label = o.Name
		if s.label != nil {
			if o.Label, err = s.label.Text(with); err != nil {
				return nil, false, "", err
			}
		}
		if o.Name != "" {
			o.Label = cmp.Or(action.Line(o.Label), o.Name)
			options = append(options, o)
		}
	}
	switch {
	case s.more != nil:
		more, err = s.more.Bool(v)
	case s.nextURL != nil:
		next, err = s.nextURL.Text(v)
		more = next != ""
	}
	return options, more, next, err
}

// sameHost returns the URL of the next page, which must be at the host of the first: it gets the credentials.
func sameHost(first, next string) (string, error) {
	a, err := url.Parse(first)
	if err != nil {
		return "", action.Errorf(action.Invalid, "The URL of the options is not valid.")
	}
	b, err := a.Parse(next)
	if err != nil || b.Scheme != a.Scheme || b.Host != a.Host || b.User != nil {
		return "", action.Errorf(action.Unavailable, "The next page of options is on another host.")
	}
	b.Fragment = ""
	return b.String(), nil
}
