package auger

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"strings"

	"integrationhub.dev/hub/action"
)

// Form implements [action.FormBuilder]. A request checks the token.
func (i *Integration) Form(ctx context.Context, req *action.Request) (*action.Form, error) {
	a, err := action.Decode[account](req)
	if err == nil {
		err = i.client(a).checkToken(ctx)
	}
	if err != nil {
		return nil, err
	}
	return &action.Form{Fields: []action.Field{
		{Name: "project_name", Label: "Project Name", Type: action.String, Required: true, Description: "The project in Auger that " +
			"gets the data. It is created if it does not exist."},
		{
			Name: "model_type", Label: "Model Type", Type: action.Select, Required: true, Default: string(classification),
			Options: []action.Option{
				{Name: string(classification), Label: "Classification"}, {Name: string(regression), Label: "Regression"},
			},
		},
		{
			Name: "max_n_trials", Label: "Trials to run", Type: action.String, Default: strconv.Itoa(int(cmp.Or(a.Trials, defaultTrials))),
			Description: "The number of models to try.",
		},
		{
			Name: "train_data", Label: "Train after data transfer", Type: action.Select, Default: "false",
			Options: []action.Option{{Name: "true", Label: "True"}, {Name: "false", Label: "False"}},
		},
	}}, nil
}

// projectName becomes part of an object's path.
type projectName string

// UnmarshalText accepts one path segment.
func (p *projectName) UnmarshalText(text []byte) error {
	control := func(r rune) bool { return r < ' ' }
	if s := string(text); s == "." || s == ".." || strings.ContainsAny(s, "/\\") || strings.ContainsFunc(s, control) {
		return errors.New("must be the name of a project, without slashes")
	}
	*p = projectName(text)
	return nil
}

// is reports whether it is a project's name. Auger's own client takes a hyphen for an underscore:
// https://github.com/augerai/a2ml/blob/master/a2ml/api/auger/impl/cloud/base.py
func (p projectName) is(name string) bool {
	return name == string(p) || name == strings.ReplaceAll(string(p), "_", "-")
}

// modelType is the type of a model.
type modelType string

const (
	classification modelType = "classification"
	regression     modelType = "regression"
)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (m *modelType) UnmarshalText(text []byte) error {
	if *m = modelType(text); *m != classification && *m != regression {
		return errors.New("must be classification or regression")
	}
	return nil
}

// positive is a whole number above 0; 0 means none.
type positive int

// UnmarshalText implements [encoding.TextUnmarshaler].
func (p *positive) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 10, 30)
	if err != nil || n == 0 {
		return errors.New("must be a whole number above 0")
	}
	*p = positive(n)
	return nil
}
