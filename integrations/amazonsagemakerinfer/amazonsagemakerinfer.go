// Package amazonsagemakerinfer performs inferences on a query's result by a model in Amazon SageMaker.
package amazonsagemakerinfer

import (
	"context"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/aws/sagemaker"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
)

// Integration starts batch transforms.
type Integration struct{ client *sagemaker.Client }

// New makes the integration. It needs no settings.
func New(deps action.Deps) (action.Integration, error) {
	client, err := sagemaker.New(deps)
	if err != nil {
		return nil, err
	}
	return &Integration{client}, nil
}

// Definition implements [action.Integration].
func (i *Integration) Definition() action.Definition {
	d := i.client.Definition(true)
	d.Name, d.Label = "amazon_sagemaker_infer", "Amazon SageMaker Infer"
	d.Description = "Perform an inference using Amazon SageMaker."
	return d
}

// Form implements [action.FormBuilder].
func (i *Integration) Form(ctx context.Context, req *action.Request) (*action.Form, error) {
	account, err := i.client.Account(req)
	if err != nil {
		return nil, err
	}
	bucket, err := i.client.BucketField(ctx, account, "Output Bucket", "The S3 bucket where inference data should be stored")
	if err != nil {
		return nil, err
	}
	model, err := i.client.ModelField(ctx, account)
	if err != nil {
		return nil, err
	}
	fields := []action.Field{model, {
		Name: "numStripColumns", Label: "Strip Columns", Type: action.Select, Required: true, Default: "0",
		Description: "Columns that are removed before the inference, such as a key or the value to be inferred. They must come first.",
		Options: []action.Option{
			{Name: "0", Label: "None"}, {Name: "1", Label: "First Column"}, {Name: "2", Label: "First & Second Column"},
		},
	}, bucket}
	return &action.Form{Fields: append(fields, sagemaker.InstanceFields(sagemaker.InferenceInstances)...)}, nil
}

// Execute implements [action.Integration].
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	return i.client.Infer(ctx, req)
}
