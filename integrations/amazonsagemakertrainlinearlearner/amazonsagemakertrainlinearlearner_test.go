package amazonsagemakertrainlinearlearner_test

import (
	"testing"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/amazonsagemakertrainlinearlearner"
	"integrationhub.dev/integrations/internal/aws/sagemaker/sagemakertest"
)

type answers = map[string]string

func TestLinearLearner(t *testing.T) {
	sagemakertest.Algorithm{
		New:   amazonsagemakertrainlinearlearner.New,
		Image: "438346466558.dkr.ecr.eu-west-1.amazonaws.com/linear-learner:1",
		Task: action.Field{
			Name: "predictorType", Label: "Predictor Type", Type: action.Select, Required: true, Default: "binary_classifier",
			Description: "The type of predictor to be performed.",
			Options:     []action.Option{{Name: "binary_classifier", Label: "binary_classifier"}, {Name: "multiclass_classifier", Label: "multiclass_classifier"}, {Name: "regressor", Label: "regressor"}},
		},
		Classes: action.Field{
			Name: "numClasses", Label: "Number of classes", Type: action.String, Default: "3",
			Description: "The number of classifications. Valid values: 3 to 1000000. Required if predictor type is multiclass_classifier. Otherwise ignored.",
		},
		Rounds: action.Field{
			Name: "epochs", Label: "Epochs", Type: action.String, Default: "15",
			Description: "The number of rounds to run. Valid values: 1 to 1000000.",
		},
		Wire: map[string]sagemakertest.Wire{
			"binary": {
				Answers:    answers{"predictorType": "binary_classifier", "numClasses": "nonsense"},
				Parameters: `{"epochs":"15","feature_dim":"2","predictor_type":"binary_classifier"}`,
			},
			"multiclass": {
				Answers:    answers{"predictorType": "multiclass_classifier", "numClasses": "4", "epochs": "7"},
				Parameters: `{"epochs":"7","feature_dim":"2","num_classes":"4","predictor_type":"multiclass_classifier"}`,
			},
			"regressor": {
				Answers:    answers{"predictorType": "regressor", "epochs": "1000000"},
				Parameters: `{"epochs":"1000000","feature_dim":"2","predictor_type":"regressor"}`,
			},
		},
		Invalid: map[string]sagemakertest.Invalid{
			"no type": {Field: "predictorType", Message: "Choose the predictor type."},
			"unknown type": {
				Answers: answers{"predictorType": "x"},
				Field:   "predictorType", Message: "Choose the predictor type.",
			},
			"no classes": {
				Answers: answers{"predictorType": "multiclass_classifier"},
				Field:   "numClasses", Message: "Missing required param: numClasses.",
			},
			"too few classes": {
				Answers: answers{"predictorType": "multiclass_classifier", "numClasses": "2"},
				Field:   "numClasses", Message: "Param numClasses: 2 is out of range: 3 - 1000000",
			},
			"too many epochs": {
				Answers: answers{"predictorType": "regressor", "epochs": "1000001"},
				Field:   "epochs", Message: "Param epochs: 1000001 is out of range: 1 - 1000000",
			},
			"epochs not a number": {
				Answers: answers{"predictorType": "regressor", "epochs": "many"},
				Field:   "epochs", Message: "Param epochs must be a whole number.",
			},
		},
	}.Run(t)
}
