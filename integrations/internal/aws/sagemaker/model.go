package sagemaker

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"integrationhub.dev/hub/action"
)

// createModel makes the model of a job that is complete. One of a name that is taken gets the
// job's: what was trained for hours must not be lost to a schedule that runs again.
func (j *job) createModel(ctx context.Context) (*ending, error) {
	err := j.createNamed(ctx, j.model)
	if err == nil {
		return j.created(j.model, ""), nil
	}
	if taken(err) {
		if j.made(ctx) { // by an earlier try, whose answer was lost
			return j.created(j.model, ""), nil
		}
		if err = j.createNamed(ctx, j.name); err == nil || taken(err) {
			return j.created(j.name, fmt.Sprintf(" There is a model %s already.", j.model)), nil
		}
	}
	if action.KindOf(err).Retryable() {
		return nil, err // at the next look
	}
	return &ending{
		subject: fmt.Sprintf("The model %s could not be created", j.model),
		text: fmt.Sprintf("Training job %s is complete, but the model %s could not be created: %s\n\nWhat was trained is in %s; its "+
			"image is %s.",
			j.name, j.model, action.MessageOf(err), j.artifacts, j.image),
		err: err,
	}, nil
}

func (j *job) created(model, why string) *ending {
	return &ending{
		subject: fmt.Sprintf("The model %s has been created", model),
		text:    fmt.Sprintf("The model %s has been created by training job %s.%s\n\nWhat was trained is in %s.", model, j.name, why, j.artifacts),
	}
}

func (j *job) createNamed(ctx context.Context, model string) error {
	_, err := call(ctx, "sagemaker:CreateModel", j.service.CreateModel, &sagemaker.CreateModelInput{
		ModelName:        &model,
		PrimaryContainer: &types.ContainerDefinition{Image: &j.image, ModelDataUrl: &j.artifacts},
		ExecutionRoleArn: aws.String(strings.TrimSpace(j.account.Role)),
	})
	return err
}

// taken reports that there is a model of the name.
func taken(err error) bool {
	code, message := codeOf(err)
	return code == codeInUse || code == codeValidation && strings.Contains(message, "already existing")
}

// made reports that the model of the name that the user chose is this job's.
func (j *job) made(ctx context.Context) bool {
	out, err := call(ctx, "sagemaker:DescribeModel", j.service.DescribeModel, &sagemaker.DescribeModelInput{ModelName: &j.model})
	return err == nil && out.PrimaryContainer != nil && aws.ToString(out.PrimaryContainer.ModelDataUrl) == j.artifacts
}
