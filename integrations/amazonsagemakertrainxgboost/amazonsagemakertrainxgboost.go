// Package amazonsagemakertrainxgboost trains models in Amazon SageMaker with the algorithm
// XGBoost.
package amazonsagemakertrainxgboost

import (
	"context"
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
		Client: sagemaker.New(deps), Algorithm: sagemaker.XGBoost, Parameters: parameters,
	}}, nil
}

// Definition implements [action.Integration].
func (*Integration) Definition() action.Definition {
	d := sagemaker.Definition(false)
	d.Name, d.Label = "amazon_sagemaker_train_xgboost", "Amazon SageMaker Train: Xgboost"
	d.Description = "Start a training job on Amazon SageMaker, using the Xgboost algorithm."
	return d
}

const multiclass = "multi:softmax"

// objectives are what a model can be trained for. Their names in the form are those of
// existing schedules; XGBoost has renamed one of them since.
// https://docs.aws.amazon.com/sagemaker/latest/dg/xgboost_hyperparameters.html
var objectives = []struct{ name, sent string }{
	{"binary:logistic", "binary:logistic"},
	{"reg:linear", "reg:squarederror"},
	{multiclass, multiclass},
}

var (
	classes = sagemaker.Number{Field: "numClass", Min: 3, Max: 1_000_000}
	rounds  = sagemaker.Number{Field: "numRounds", Min: 1, Max: 1_000_000, Default: 100}
)

// parameters are XGBoost's.
func parameters(form map[string]string) (map[string]string, error) {
	sent := ""
	for _, o := range objectives {
		if o.name == form["objective"] {
			sent = o.sent
		}
	}
	if sent == "" {
		return nil, action.InvalidField("objective", "Choose an objective.")
	}
	n, err := rounds.Read(form)
	if err != nil {
		return nil, err
	}
	p := map[string]string{"objective": sent, "num_round": strconv.Itoa(n)}
	if sent == multiclass {
		n, err := classes.Read(form)
		if err != nil {
			return nil, err
		}
		p["num_class"] = strconv.Itoa(n)
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
	objective := action.Field{
		Name: "objective", Label: "Objective", Type: action.Select, Required: true, Default: objectives[0].name,
		Description: "The type of classification to be performed.",
	}
	for _, o := range objectives {
		objective.Options = append(objective.Options, action.Option{Name: o.name, Label: o.name})
	}
	fields := []action.Field{sagemaker.ModelNameField(), bucket, objective, {
		Name: "numClass", Label: "Number of classes", Type: action.String, Default: "3",
		Description: "The number of classifications. Valid values: 3 to 1000000. Required if objective is multi:softmax. Otherwise ignored.",
	}}
	fields = append(fields, sagemaker.InstanceFields(sagemaker.TrainingInstances())...)
	return &action.Form{Fields: append(fields, action.Field{
		Name: "numRounds", Label: "Number of rounds", Type: action.String, Default: "100",
		Description: "The number of rounds to run. Valid values: 1 to 1000000.",
	}, sagemaker.RuntimeField())}, nil
}

// Execute implements [action.Integration].
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	return i.trainer.Execute(ctx, req)
}
