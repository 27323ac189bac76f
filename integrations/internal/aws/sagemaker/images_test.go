package sagemaker_test

import (
	"testing"

	"integrationhub.dev/integrations/internal/aws/s3store"
	"integrationhub.dev/integrations/internal/aws/sagemaker"
)

// LinearLearner has the reference's accounts in the regions that the reference knows.
func TestImages(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		algorithm sagemaker.Algorithm
		region    s3store.Region
		want      string
	}{
		{sagemaker.LinearLearner, "us-west-1", "632365934929.dkr.ecr.us-west-1.amazonaws.com/linear-learner:1"},
		{sagemaker.LinearLearner, "eu-west-2", "644912444149.dkr.ecr.eu-west-2.amazonaws.com/linear-learner:1"},
		{sagemaker.LinearLearner, "il-central-1", "898809789911.dkr.ecr.il-central-1.amazonaws.com/linear-learner:1"},
		{sagemaker.LinearLearner, "cn-north-1", "390948362332.dkr.ecr.cn-north-1.amazonaws.com.cn/linear-learner:1"},
		{sagemaker.LinearLearner, "us-isob-east-1", "765400339828.dkr.ecr.us-isob-east-1.sc2s.sgov.gov/linear-learner:1"},
		{sagemaker.XGBoost, "us-east-1", "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"},
		{sagemaker.XGBoost, "us-gov-west-1", "414596584902.dkr.ecr.us-gov-west-1.amazonaws.com/sagemaker-xgboost:1.7-1"},
		{sagemaker.XGBoost, "ca-west-1", "190319476487.dkr.ecr.ca-west-1.amazonaws.com/sagemaker-xgboost:1.7-1"},
		{sagemaker.XGBoost, "mars-north-1", ""},
	} {
		got, err := tt.algorithm.Image(tt.region)
		if got != tt.want {
			t.Errorf("%s in %s: %q, want %q", tt.algorithm.Repository, tt.region, got, tt.want)
		}
		if known := tt.want != ""; (err == nil) != known {
			t.Errorf("%s in %s: error %v", tt.algorithm.Repository, tt.region, err)
		}
	}
}
