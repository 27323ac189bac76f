package auger

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/jobs"
)

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
