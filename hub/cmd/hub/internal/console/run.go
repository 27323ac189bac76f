package console

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"integrationhub.dev/hub/looker"
	"integrationhub.dev/hub/suggest"
)

// RunCase runs a case as a new user of Looker would: it sets the params, fills the form in, and sends the
// result. The error says what differs from what the case expects, or why it could not be run.
func (s *Session) RunCase(ctx context.Context, file string, c Case, env map[string]string) (looker.Result, error) {
	a, err := s.prepare(ctx, sources{env, filepath.Dir(file)}, c)
	if err != nil {
		return looker.Result{}, err
	}
	a.Progress = &looker.Progress{}
	result, err := s.Run(ctx, a)
	if err != nil {
		return result, err
	}
	err = c.Expect.check(result)
	if d, _ := s.Definition(a.Integration); err != nil {
		err = withHint(err, downloadHint(d, a, result, a.Progress.Transferred()))
	}
	return result, err
}

// withHint adds what to do to an error.
func withHint(err error, hint string) error {
	if hint == "" {
		return err
	}
	return fmt.Errorf("%w\n  %s", err, hint)
}

// prepare makes the delivery of a case.
func (s *Session) prepare(ctx context.Context, from sources, c Case) (looker.Action, error) {
	user, id := Users[0], s.ID(c.Integration)
	d, err := s.Find(c.Integration)
	if err != nil {
		return looker.Action{}, err
	}
	params, err := from.resolveAll("the param", c.Params)
	if err != nil {
		return looker.Action{}, err
	}
	if err := s.SetParams(user, c.Integration, params); err != nil {
		return looker.Action{}, err
	}
	if c.State != nil {
		data, err := from.resolve("state", *c.State)
		if err == nil {
			err = s.SetState(user, id, data, 0)
		}
		if err != nil {
			return looker.Action{}, err
		}
	}
	form, err := from.resolveAll("the form field", c.Form)
	if err == nil {
		form, err = s.fill(ctx, user, d, form)
	}
	if err != nil {
		return looker.Action{}, err
	}
	return c.action(from, user, id, form)
}

// fill fills a form in, and refuses what Looker's form would: a field that it does not have, and a
// required one without a value.
func (s *Session) fill(ctx context.Context, user string, d looker.Definition, values map[string]string) (map[string]string, error) {
	if d.FormURL == "" {
		if len(values) > 0 {
			return nil, fmt.Errorf("%s has no form", d.Name)
		}
		return values, nil
	}
	form, filled, err := s.FillForm(ctx, user, s.ID(d.Name), values)
	switch {
	case err != nil:
		return nil, err
	case form.Error != "":
		return nil, withHint(errors.New("the hub cannot load the form: "+form.Error), s.signInHint(d))
	}
	if len(form.Fields) == 1 && form.Fields[0].OAuthURL != "" {
		return nil, fmt.Errorf("%s needs a sign-in: sign in with hub console --state FILE, and run the case with the same --state", d.Name)
	}
	var known, missing []string
	for _, f := range form.Fields {
		known = append(known, f.Name)
		if f.Required && filled[f.Name] == "" {
			missing = append(missing, cmp.Or(f.Label, f.Name))
		}
	}
	if len(missing) > 0 {
		return nil, errors.New("required form fields have no value: " + strings.Join(missing, ", "))
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("the form has no field %s%s", name, suggest.Text(name, known))
		}
	}
	return filled, nil
}
