// Package auger sends query results to Auger, which trains models with them.
package auger

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"integrationhub.dev/hub/action"
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
	defaultTrials  positive = 100
	defaultMinutes positive = 60
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

// Execute implements [action.Integration]. It returns when the project has the file. Auger then processes it, which takes
// minutes, and the training starts after that: both run as a job.
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
		res.Message = fmt.Sprintf("%d rows were sent to Auger as %s.", f.rows, f.name)
		t := training{model: in.Model, trials: cmp.Or(in.Trials, a.Trials, defaultTrials), minutes: cmp.Or(a.Minutes, defaultMinutes)}
		return action.Job{Name: "Auger file " + f.name, Follow: func(ctx context.Context) error {
			return f.follow(ctx, in.Train, t)
		}}, nil
	})
	if err != nil {
		return nil, err
	}
	return res, nil
}

// training are the settings of a training.
type training struct {
	model           modelType
	trials, minutes positive
}

// How often Auger is polled, and for how long.
const (
	urlInterval  = 2 * time.Second
	urlLimit     = 5 * time.Minute
	pollInterval = 10 * time.Second
	startLimit   = 30 * time.Minute
	processLimit = 6 * time.Hour
)

// follow waits until Auger has processed the file and, if requested, trains a model.
func (f *file) follow(ctx context.Context, train bool, t training) error {
	if err := f.await(ctx, pollInterval, processLimit, "/project_files/"+f.id.path(), "processed"); err != nil {
		return fmt.Errorf("waiting for the file %s to be processed: %w", f.name, err)
	}
	if !train {
		return nil
	}
	if err := f.startProject(ctx); err != nil {
		return fmt.Errorf("starting the project: %w", err)
	}
	return f.train(ctx, t)
}

// startProject starts the machines of the project, unless they are running, and waits for them.
func (f *file) startProject(ctx context.Context) error {
	path := "/projects/" + f.project.ID.path()
	var now status
	if err := f.get(ctx, path, nil, &now); err != nil {
		return err
	}
	if now.Status == "running" {
		return nil
	}
	err := f.put(ctx, http.MethodPatch, path+"/deploy", map[string]any{
		"worker_type_id": 1, "workers_count": 2, "cluster_autoterminate_minutes": 10,
	}, nil)
	if err != nil && action.KindOf(err) != action.Invalid { // this is how Auger reports that they are being started
		return err
	}
	return f.await(ctx, pollInterval, startLimit, path, "running")
}

// train creates an experiment with the file's columns, and starts a session of it, as Auger's own client does:
// https://github.com/augerai/a2ml/blob/master/tests/cassettes/auger/train/valid.yaml
func (f *file) train(ctx context.Context, t training) error {
	experiment, err := f.post(ctx, "/experiments", map[string]any{
		"name": fmt.Sprintf("%s_%d", f.name, time.Now().UnixMilli()), "project_id": f.project.ID, "data_path": f.address,
	})
	if err != nil {
		return fmt.Errorf("creating the experiment: %w", err)
	}
	statistics, err := f.statistics(ctx)
	if err != nil {
		return fmt.Errorf("reading the file's statistics: %w", err)
	}
	session, err := f.post(ctx, "/experiment_sessions", map[string]any{
		"experiment_id": experiment, "model_type": t.model, "dataset_statistics": statistics,
		"model_settings": map[string]any{"evaluation_options": t.options()},
	})
	if err != nil {
		return fmt.Errorf("creating the training: %w", err)
	}
	err = f.put(ctx, http.MethodPatch, "/experiment_sessions/"+session.path(), map[string]any{"status": "preprocess"}, nil)
	if err != nil {
		return fmt.Errorf("starting the training: %w", err)
	}
	return nil
}

// options are the evaluation options. Those without a setting have the values of Auger's own client:
// https://github.com/augerai/a2ml/blob/master/a2ml/api/auger/impl/cloud/experiment.py
func (t training) options() map[string]any {
	scoring := "r2"
	if t.model == classification {
		scoring = "accuracy"
	}
	return map[string]any{
		"crossValidationFolds": 5, "max_total_time_mins": int(t.minutes), "max_eval_time_mins": 6, "max_n_trials": int(t.trials),
		"use_ensemble": true, "classification": t.model == classification, "scoring": scoring,
	}
}

// statistics returns what Auger knows about the file's columns, with the target marked. All other columns are features.
func (f *file) statistics(ctx context.Context) (map[string]any, error) {
	var now struct {
		Statistics map[string]json.RawMessage `json:"statistics"`
	}
	if err := f.get(ctx, "/project_files/"+f.id.path(), nil, &now); err != nil {
		return nil, err
	}
	var columns []map[string]json.RawMessage
	if err := json.Unmarshal(now.Statistics["stat_data"], &columns); err != nil {
		return nil, action.Wrap(err, action.Unavailable, "Unexpected response from Auger.")
	}
	all, found := map[string]any{}, false
	for name, value := range now.Statistics {
		all[name] = value
	}
	for _, c := range columns {
		var name string
		if err := json.Unmarshal(c["column_name"], &name); err != nil {
			return nil, action.Wrap(err, action.Unavailable, "Unexpected response from Auger.")
		}
		target := name == f.target
		found = found || target
		c["isTarget"], c["use"] = boolean(target), boolean(!target)
	}
	if !found {
		return nil, action.Errorf(action.Invalid, "Auger did not find the target column %s in the file %s.",
			f.target, f.name)
	}
	all["stat_data"] = columns
	return all, nil
}

func boolean(b bool) json.RawMessage { return json.RawMessage(strconv.FormatBool(b)) }
