// Package auger sends query results to Auger, which trains models with them.
package auger

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/jobs"
	"integrationhub.dev/integrations/internal/rows"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
)

// account is what the Looker administrator enters.
type account struct {
	Token   action.Secret `param:"api_token"`
	Trials  positive      `param:"max_n_trials"`
	Minutes positive      `param:"max_total_time_mins"`
}

// Validate requires a token, with the reference's message.
func (a *account) Validate() error {
	if a.Token == "" {
		return action.Errorf(action.Unauthenticated, "No Auger API Token configured; consult your Looker admin.")
	}
	return nil
}

// input is what the Looker user enters.
type input struct {
	Project projectName `form:"project_name,required"`
	Model   modelType   `form:"model_type,required"`
	Trials  positive    `form:"max_n_trials"`
	Train   bool        `form:"train_data"`
}

// The reference's defaults.
const (
	defaultTrials  = "100"
	defaultMinutes = "60"
)

// Integration sends files to Auger.
type Integration struct{ deps action.Deps }

// New makes the integration. It needs no settings.
func New(deps action.Deps) (action.Integration, error) { return &Integration{deps}, nil }

// Definition implements [action.Integration].
func (*Integration) Definition() action.Definition {
	return rows.Definition(action.Definition{
		Name: "auger", Label: "Auger - AutoML Training", Description: "Send data to Auger to start training.",
		Params: []action.Param{
			{
				Name: "api_token", Label: "Auger API Token", Required: true, Sensitive: true,
				Description: "API Token from https://app.auger.com/<organization_name>/settings",
			},
			{Name: "max_n_trials", Label: "Max number of trials", Description: "The maximum number of trials to run on your data training"},
			{Name: "max_total_time_mins", Label: "Max training time minutes", Description: "Maximum time alloted to train your data in minutes"},
		},
		FormatsFor: func(v action.Version) []action.Format {
			if v.Known() && v.AtLeast(action.V(6, 2, 0)) {
				return []action.Format{action.JSONDetailLiteStream}
			}
			return []action.Format{action.JSONDetail}
		},
		Download:   action.URL,
		MinVersion: action.V(5, 24, 0),
	})
}

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
			Options: []action.Option{{Name: string(classification), Label: "Classification"}, {Name: string(regression), Label: "Regression"}},
		},
		{
			Name: "max_n_trials", Label: "Trials to run", Type: action.String, Default: a.Trials.or(defaultTrials),
			Description: "The number of models to try.",
		},
		{
			Name: "train_data", Label: "Train after data transfer", Type: action.Select, Default: "false",
			Options: []action.Option{{Name: "true", Label: "True"}, {Name: "false", Label: "False"}},
		},
	}}, nil
}

// Execute implements [action.Integration]. It returns when all data is uploaded and the project is
// starting. The rest takes minutes and runs as a job.
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	a, err := action.Decode[account](req)
	if err != nil {
		return nil, err
	}
	in, err := action.Decode[input](req)
	if err != nil {
		return nil, err
	}
	res := &action.Response{}
	err = i.deps.StartJob(ctx, func(ctx context.Context) (action.Job, error) {
		f, err := i.client(a).upload(ctx, in.Project, req.Data)
		if err != nil {
			return action.Job{}, err
		}
		if err := f.startProject(ctx); err != nil {
			return action.Job{}, err
		}
		res.Message = fmt.Sprintf("%d rows were sent to Auger as %s.", f.rows, f.name)
		t := training{model: in.Model, trials: in.Trials.or(a.Trials.or(defaultTrials)), minutes: a.Minutes.or(defaultMinutes)}
		return action.Job{Name: "Auger file " + f.name, Follow: func(ctx context.Context) error {
			return f.follow(ctx, in.Train, t)
		}}, nil
	})
	if err != nil {
		return nil, err
	}
	return res, nil
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

// positive is a whole number as text, as the reference sends it.
type positive string

// UnmarshalText implements [encoding.TextUnmarshaler].
func (p *positive) UnmarshalText(text []byte) error {
	s := strings.TrimLeft(string(text), "0")
	if s == "" || len(s) > 9 || strings.Trim(s, "0123456789") != "" {
		return errors.New("must be a whole number above 0")
	}
	*p = positive(s)
	return nil
}

// or returns the number or, if it is empty, the default.
func (p positive) or(other string) string {
	if p == "" {
		return other
	}
	return string(p)
}

// How often an upload is polled, and for how long.
const (
	pollInterval = 10 * time.Second
	startLimit   = 30 * time.Minute
	processLimit = 6 * time.Hour
)

// training are the settings of a training.
type training struct {
	model           modelType
	trials, minutes string
}

// startProject starts the machines of the project, unless they are running.
func (f *file) startProject(ctx context.Context) error {
	err := f.put(ctx, http.MethodPatch, "/projects/"+f.projectID.path()+"/deploy", map[string]any{
		"worker_type_id": 1, "workers_count": 2, "cluster_autoterminate_minutes": 10,
	}, nil)
	if action.KindOf(err) == action.Invalid { // this is how Auger reports that they are running
		return nil
	}
	return err
}

// follow waits for the project's machines, adds the file to the project and, if requested, trains a
// model.
func (f *file) follow(ctx context.Context, train bool, t training) error {
	if _, err := f.await(ctx, startLimit, "/projects/"+f.projectID.path(), "running"); err != nil {
		return fmt.Errorf("waiting for the project: %w", err)
	}
	contentType := "application/json"
	if f.chunked {
		contentType = "multipart"
	}
	fileID, err := f.post(ctx, "/projects/"+f.projectID.path()+"/files/", map[string]any{
		"project_id": f.projectID, "file_name": f.name + ".json", "name": f.name, "content_type": contentType,
		"url": fmt.Sprintf("s3://%s/workspace/projects/%s/files/%s.json", f.bucket, f.project, f.name),
	})
	if err != nil {
		return fmt.Errorf("adding the file to the project: %w", err)
	}
	processed, err := f.await(ctx, processLimit, "/project_files/"+fileID.path(), "processed", "processed_with_error")
	if err != nil {
		return fmt.Errorf("waiting for the file to be processed: %w", err)
	}
	if processed != "processed" {
		return action.Errorf(action.Invalid, "Auger could not process the file %s without errors.", f.name)
	}
	if !train {
		return nil
	}
	return f.train(ctx, fileID, t)
}

// await polls a resource until it has one of the statuses.
func (f *file) await(ctx context.Context, limit time.Duration, path string, statuses ...string) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, action.Errorf(action.Timeout, "Auger took longer than %s.", limit))
	defer cancel()
	seen, err := jobs.Poll(ctx, pollInterval, func(ctx context.Context) (*string, error) {
		var now struct {
			Status string `json:"status"`
			Search string `json:"search_space_status"`
		}
		if err := f.get(ctx, path, &now); err != nil {
			return nil, err
		}
		for _, s := range statuses {
			if now.Status == s || now.Search == s {
				return &s, nil
			}
		}
		return nil, nil
	})
	if err != nil {
		return "", err
	}
	return *seen, nil
}

// train starts an experiment with the file's columns. The last one is the target.
func (f *file) train(ctx context.Context, fileID id, t training) error {
	experiment, err := f.post(ctx, "/experiments/", map[string]any{
		"project_id": f.projectID, "project_file_id": fileID, "name": fmt.Sprintf("%s_%d", f.name, time.Now().UnixMilli()),
	})
	if err != nil {
		return fmt.Errorf("creating the experiment: %w", err)
	}
	features := make([]feature, len(f.columns))
	for i, c := range f.columns {
		features[i] = feature{Column: c, Target: i == len(f.columns)-1}
	}
	_, err = f.post(ctx, "/experiment_sessions/", map[string]any{
		"experiment_id": experiment, "status": "preprocess", "model_type": t.model,
		"model_settings": map[string]any{"features": features, "max_n_trials": t.trials, "max_total_time_mins": t.minutes},
	})
	if err != nil {
		return fmt.Errorf("starting the training: %w", err)
	}
	return nil
}

// feature is a column of an experiment.
type feature struct {
	Column string `json:"column_name"`
	Target bool   `json:"isTarget,omitempty"`
}
