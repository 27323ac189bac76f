// Package amazonsagemakertrainlinearlearner trains models in Amazon SageMaker with the algorithm
// Linear Learner.
package amazonsagemakertrainlinearlearner

import (
	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/aws/sagemaker"
)

var multiclass = sagemaker.Kind{Name: "multiclass_classifier", Sent: "multiclass_classifier"}

// task has the names in https://docs.aws.amazon.com/sagemaker/latest/dg/ll_hyperparameters.html.
var task = sagemaker.Task{
	Field: "predictorType", Parameter: "predictor_type",
	Label: "Predictor Type", Description: "The type of predictor to be performed.",
	Kinds: []sagemaker.Kind{
		{Name: "binary_classifier", Sent: "binary_classifier"},
		multiclass,
		{Name: "regressor", Sent: "regressor"},
	},
	Multiclass: multiclass, ClassesField: "numClasses", ClassesParameter: "num_classes",
}

// New makes the integration. It needs no settings.
func New(deps action.Deps) (action.Integration, error) {
	client, err := sagemaker.New(deps)
	if err != nil {
		return nil, err
	}
	return sagemaker.Trainer{
		Name: "amazon_sagemaker_train_linearlearner", Label: "Amazon SageMaker Train: Linear Learner",
		Description: "Start a training job on Amazon SageMaker, using the Linear Learner algorithm.",
		Client:      client, Algorithm: sagemaker.LinearLearner, Task: task,
		Rounds:  sagemaker.Rounds{Field: "epochs", Parameter: "epochs", Label: "Epochs", Default: 15},
		Columns: "feature_dim",
	}, nil
}
