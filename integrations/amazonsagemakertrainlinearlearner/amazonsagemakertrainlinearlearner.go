// Package amazonsagemakertrainlinearlearner trains models in Amazon SageMaker with the algorithm
// Linear Learner.
package amazonsagemakertrainlinearlearner

import (
	"context"
	"slices"
	"strconv"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/sagemaker"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
)

// Integration starts training jobs.
type Integration struct{ trainer sagemaker.Trainer }

// New makes the integration. It needs no settings.
func New(deps action.Deps) (action.Integration, error) {
	return &Integration{sagemaker.Trainer{
		Client: sagemaker.New(deps), Algorithm: sagemaker.LinearLearner, Parameters: parameters, Columns: "feature_dim",
	}}, nil
}

// Definition implements [action.Integration].
func (*Integration) Definition() action.Definition {
	d := sagemaker.Definition(false)
	d.Name, d.Label = "amazon_sagemaker_train_linearlearner", "Amazon SageMaker Train: Linear Learner"
	d.Description = "Start a training job on Amazon SageMaker, using the Linear Learner algorithm."
	return d
}

const multiclass = "multiclass_classifier"

// predictors are what a model can be trained for.
// https://docs.aws.amazon.com/sagemaker/latest/dg/ll_hyperparameters.html
var predictors = []string{"binary_classifier", multiclass, "regressor"}

var (
	classes = sagemaker.Number{Field: "numClasses", Min: 3, Max: 1_000_000}
	epochs  = sagemaker.Number{Field: "epochs", Min: 1, Max: 1_000_000, Default: 15}
)

// parameters are Linear Learner's, but for the number of columns.
func parameters(form map[string]string) (map[string]string, error) {
	kind := form["predictorType"]
	if !slices.Contains(predictors, kind) {
		return nil, action.InvalidField("predictorType", "Choose a predictor type.")
	}
	n, err := epochs.Read(form)
	if err != nil {
		return nil, err
	}
	p := map[string]string{"predictor_type": kind, "epochs": strconv.Itoa(n)}
	if kind == multiclass {
		n, err := classes.Read(form)
		if err != nil {
			return nil, err
		}
		p["num_classes"] = strconv.Itoa(n)
	}
	return p, nil
}

// Form implements [action.FormBuilder].
func (i *Integration) Form(ctx context.Context, req *action.Request) (*action.Form, error) {
	account, err := action.Decode[sagemaker.Account](req)
	if err != nil {
		return nil, err
	}
	bucket, err := i.trainer.Client.BucketField(ctx, account, "Bucket", "The S3 bucket where SageMaker input training data should be stored")
	if err != nil {
		return nil, err
	}
	kind := action.Field{
		Name: "predictorType", Label: "Predictor Type", Type: action.Select, Required: true, Default: predictors[0],
		Description: "The type of predictor to be performed.",
	}
	for _, p := range predictors {
		kind.Options = append(kind.Options, action.Option{Name: p, Label: p})
	}
	fields := []action.Field{sagemaker.ModelNameField(), bucket, kind, {
		Name: "numClasses", Label: "Number of classes", Type: action.String, Default: "3",
		Description: "The number of classifications. Valid values: 3 to 1000000. Required if predictor type is multiclass_classifier. Otherwise ignored.",
	}}
	fields = append(fields, sagemaker.InstanceFields(sagemaker.TrainingInstances())...)
	return &action.Form{Fields: append(fields, action.Field{
		Name: "epochs", Label: "Epochs", Type: action.String, Default: "15",
		Description: "The number of rounds to run. Valid values: 1 to 1000000.",
	}, sagemaker.RuntimeField())}, nil
}

// Execute implements [action.Integration].
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	return i.trainer.Execute(ctx, req)
}
