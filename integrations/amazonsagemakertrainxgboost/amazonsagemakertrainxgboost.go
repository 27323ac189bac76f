// Package amazonsagemakertrainxgboost trains models in Amazon SageMaker with the algorithm
// XGBoost.
package amazonsagemakertrainxgboost

import (
	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/aws/sagemaker"
)

var multiclass = sagemaker.Kind{Name: "multi:softmax", Sent: "multi:softmax"}

// task has the names in https://docs.aws.amazon.com/sagemaker/latest/dg/xgboost_hyperparameters.html.
var task = sagemaker.Task{
	Field: "objective", Parameter: "objective",
	Label: "Objective", Description: "The type of classification to be performed.",
	Kinds: []sagemaker.Kind{
		{Name: "binary:logistic", Sent: "binary:logistic"},
		{Name: "reg:linear", Sent: "reg:squarederror"},
		multiclass,
	},
	Multiclass: multiclass, ClassesField: "numClass", ClassesParameter: "num_class",
}

// New makes the integration. It needs no settings.
func New(deps action.Deps) (action.Integration, error) {
	client, err := sagemaker.New(deps)
	if err != nil {
		return nil, err
	}
	return sagemaker.Trainer{
		Name: "amazon_sagemaker_train_xgboost", Label: "Amazon SageMaker Train: Xgboost",
		Description: "Start a training job on Amazon SageMaker, using the Xgboost algorithm.",
		Client:      client, Algorithm: sagemaker.XGBoost, Task: task,
		Rounds: sagemaker.Rounds{Field: "numRounds", Parameter: "num_round", Label: "Number of rounds", Default: 100},
	}, nil
}
