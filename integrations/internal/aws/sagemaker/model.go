package sagemaker

import (
	"context"
	"fmt"
	"strings"

	"integrationhub.dev/hub/action"
)

// createModel creates the model of a completed job. If its name is in use, it gets the job's name: a
// schedule that runs again must not lose a training of hours.
func (j *job) createModel(ctx context.Context) (*outcome, error) {
	err := j.createNamed(ctx, j.model)
	if err == nil {
		return j.created(j.model, ""), nil
	}
	if nameInUse(err) {
		if j.hasModel(ctx) { // the response to an earlier attempt was lost
			return j.created(j.model, ""), nil
		}
		if err = j.createNamed(ctx, j.name); err == nil || nameInUse(err) {
			return j.created(j.name, fmt.Sprintf(" The name %s is already in use.", j.model)), nil
		}
	}
	if action.KindOf(err).Retryable() {
		return nil, err // at the next poll
	}
	return &outcome{
		subject: fmt.Sprintf("The model %s could not be created", j.model),
		text: fmt.Sprintf("Training job %s is complete, but the model %s could not be created: %s\n\n"+
			"The model artifacts are in %s. The image is %s.", j.name, j.model, action.MessageOf(err), j.artifacts, j.image),
		err: err,
	}, nil
}

func (j *job) created(model, note string) *outcome {
	return &outcome{
		subject: fmt.Sprintf("The model %s has been created", model),
		text: fmt.Sprintf("The model %s has been created by training job %s.%s\n\nThe model artifacts are in %s.",
			model, j.name, note, j.artifacts),
	}
}

func (j *job) createNamed(ctx context.Context, model string) error {
	_, err := call[struct{}](ctx, j.service, "CreateModel", createModel{
		ModelName:        model,
		PrimaryContainer: container{Image: j.image, ModelDataURL: j.artifacts},
		ExecutionRoleArn: strings.TrimSpace(j.account.Role),
	})
	return err
}

// nameInUse reports whether the model's name is in use.
func nameInUse(err error) bool {
	code, message := codeOf(err)
	return code == codeInUse || code == codeValidation && strings.Contains(message, "already existing")
}

// hasModel reports whether the model with the user's name is this job's.
func (j *job) hasModel(ctx context.Context) bool {
	out, err := call[describedModel](ctx, j.service, "DescribeModel", describeModel{j.model})
	return err == nil && out.PrimaryContainer != nil && out.PrimaryContainer.ModelDataURL == j.artifacts
}
