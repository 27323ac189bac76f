package amazonsagemakertrainxgboost_test

import (
	"testing"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/amazonsagemakertrainxgboost"
	"integrationhub.dev/integrations/internal/aws/sagemaker/sagemakertest"
)

type answers = map[string]string

func TestXGBoost(t *testing.T) {
	sagemakertest.Algorithm{
		New:   amazonsagemakertrainxgboost.New,
		Image: "141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-xgboost:1.7-1",
		Task: action.Field{
			Name: "objective", Label: "Objective", Type: action.Select, Required: true, Default: "binary:logistic",
			Description: "The type of classification to be performed.",
			Options:     []action.Option{{Name: "binary:logistic", Label: "binary:logistic"}, {Name: "reg:linear", Label: "reg:linear"}, {Name: "multi:softmax", Label: "multi:softmax"}},
		},
		Classes: action.Field{
			Name: "numClass", Label: "Number of classes", Type: action.String, Default: "3",
			Description: "The number of classifications. Valid values: 3 to 1000000. Required if objective is multi:softmax. Otherwise ignored.",
		},
		Rounds: action.Field{
			Name: "numRounds", Label: "Number of rounds", Type: action.String, Default: "100",
			Description: "The number of rounds to run. Valid values: 1 to 1000000.",
		},
		Wire: map[string]sagemakertest.Wire{
			"binary": {
				Answers:    answers{"objective": "binary:logistic", "numClass": "nonsense"},
				Parameters: `{"num_round":"100","objective":"binary:logistic"}`,
			},
			"multiclass": {
				Answers:    answers{"objective": "multi:softmax", "numClass": "4", "numRounds": "7"},
				Parameters: `{"num_class":"4","num_round":"7","objective":"multi:softmax"}`,
			},
			"regression": {
				Answers:    answers{"objective": "reg:linear", "numRounds": "1000000"},
				Parameters: `{"num_round":"1000000","objective":"reg:squarederror"}`,
			},
		},
		Invalid: map[string]sagemakertest.Invalid{
			"no objective": {Field: "objective", Message: "Choose the objective."},
			"unknown objective": {
				Answers: answers{"objective": "x"},
				Field:   "objective", Message: "Choose the objective.",
			},
			"no classes": {
				Answers: answers{"objective": "multi:softmax"},
				Field:   "numClass", Message: "Missing required param: numClass.",
			},
			"too few classes": {
				Answers: answers{"objective": "multi:softmax", "numClass": "2"},
				Field:   "numClass", Message: "Param numClass: 2 is out of range: 3 - 1000000",
			},
			"too many rounds": {
				Answers: answers{"objective": "reg:linear", "numRounds": "1000001"},
				Field:   "numRounds", Message: "Param numRounds: 1000001 is out of range: 1 - 1000000",
			},
			"rounds not a number": {
				Answers: answers{"objective": "reg:linear", "numRounds": "many"},
				Field:   "numRounds", Message: "Param numRounds must be a whole number.",
			},
		},
	}.Run(t)
}
