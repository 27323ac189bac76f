package amazonsagemakertrainxgboost_test

import (
	"context"
	"encoding/json"
	"maps"
	"regexp"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/amazonsagemakertrainxgboost"
	"integrationhub.dev/integrations/internal/sagemaker/sagemakertest"
)

type answers = map[string]string

var (
	form     = answers{"modelName": "orders", "bucket": "data", "awsInstanceType": "ml.m5.xlarge", "maxRuntimeInHours": "2"}
	jobNames = regexp.MustCompile(`orders-\d{12,13}-[a-z2-7]{4}`)
)

func TestForm(t *testing.T) {
	t.Parallel()
	h := sagemakertest.NewHub(t, 1)
	i := actiontest.New(t, amazonsagemakertrainxgboost.New, h.Deps())
	got, err := action.Resolve(i).Form.Form(t.Context(), sagemakertest.Request(t, "", nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	types := got.Fields[4].Options
	if len(types) < 26 || types[0].Name != "ml.m4.xlarge" {
		t.Errorf("instance types %v", types)
	}
	got.Fields[4].Options = nil
	want := &action.Form{Fields: []action.Field{
		{Name: "modelName", Label: "Model Name", Type: action.String, Required: true, Description: "The name for model to be created after training is complete."},
		{
			Name: "bucket", Label: "Bucket", Description: "The S3 bucket where SageMaker input training data should be stored", Type: action.Select, Required: true,
			Default: "data", Options: []action.Option{{Name: "data", Label: "data"}},
		},
		{
			Name: "objective", Label: "Objective", Type: action.Select, Required: true, Default: "binary:logistic", Description: "The type of classification to be performed.",
			Options: []action.Option{{Name: "binary:logistic", Label: "binary:logistic"}, {Name: "reg:linear", Label: "reg:linear"}, {Name: "multi:softmax", Label: "multi:softmax"}},
		},
		{Name: "numClass", Label: "Number of classes", Type: action.String, Default: "3", Description: "The number of classifications. Valid values: 3 to 1000000. Required if objective is multi:softmax. Otherwise ignored."},
		{
			Name: "awsInstanceType", Label: "AWS Instance Type", Type: action.Select, Required: true, Default: "ml.m5.xlarge",
			Description: "The type of AWS instance to use. More info: https://aws.amazon.com/sagemaker/pricing/instance-types",
		},
		{Name: "numInstances", Label: "Number of instances", Type: action.String, Default: "1", Description: "The number of instances to run. Valid values: 1 to 500."},
		{Name: "numRounds", Label: "Number of rounds", Type: action.String, Default: "100", Description: "The number of rounds to run. Valid values: 1 to 1000000."},
		{Name: "maxRuntimeInHours", Label: "Maximum runtime in hours", Type: action.String, Default: "12", Description: "Maximum allowed time for the job to run, in hours. Valid values: 1 to 72."},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("form (-want +got):\n%s", diff)
	}
}

// China has other endpoints; where the account is, the role says.
func TestFormElsewhere(t *testing.T) {
	t.Parallel()
	h := sagemakertest.NewHub(t, 1)
	i := actiontest.New(t, amazonsagemakertrainxgboost.New, h.Deps())
	req := sagemakertest.Request(t, "", nil, answers{"region": "", "roleArn": "arn:aws-cn:iam::123456789012:role/sagemaker"})
	if _, err := action.Resolve(i).Form.Form(t.Context(), req); err != nil {
		t.Error(err) // a request to another region would not be signed well
	}
	_, err := action.Resolve(i).Form.Form(t.Context(), sagemakertest.Request(t, "", nil, answers{"secretAccessKey": "x"}))
	if action.KindOf(err) != action.Unauthenticated {
		t.Errorf("with a wrong secret: %v", err)
	}
}

func TestWire(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answers    answers
		parameters string
	}{
		"binary":     {answers{"objective": "binary:logistic", "numClass": "nonsense"}, `{"num_round":"100","objective":"binary:logistic"}`},
		"multiclass": {answers{"objective": "multi:softmax", "numClass": "4", "numRounds": "7"}, `{"num_class":"4","num_round":"7","objective":"multi:softmax"}`},
		"regression": {answers{"objective": "reg:linear", "numRounds": "1000000"}, `{"num_round":"1000000","objective":"reg:squarederror"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := sagemakertest.NewHub(t, 1)
				i := actiontest.New(t, amazonsagemakertrainxgboost.New, h.Deps())
				if _, err := i.Execute(t.Context(), sagemakertest.Request(t, "label,a,b\n1,40,2\n", form, withoutRegion(tt.answers))); err != nil {
					t.Fatal(err)
				}
				h.Watches.Drain(context.Background())
				if diff := cmp.Diff([]string{"HeadBucket", "PutObject", "CreateTrainingJob", "DescribeTrainingJob", "CreateModel"}, h.AWS.Operations()); diff != "" {
					t.Errorf("operations (-want +got):\n%s", diff)
				}
				const image = "141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-xgboost:1.7-1"
				job := `{"AlgorithmSpecification":{"TrainingImage":"` + image + `","TrainingInputMode":"File"},"HyperParameters":` + tt.parameters + `,` +
					`"InputDataConfig":[{"ChannelName":"train","ContentType":"text/csv","DataSource":{"S3DataSource":{"S3DataType":"S3Prefix","S3Uri":"s3://data/JOB/train"}}}],` +
					`"OutputDataConfig":{"S3OutputPath":"s3://data"},"ResourceConfig":{"InstanceCount":1,"InstanceType":"ml.m5.xlarge","VolumeSizeInGB":10},` +
					`"RoleArn":"arn:aws:iam::123456789012:role/sagemaker","StoppingCondition":{"MaxRuntimeInSeconds":7200},"TrainingJobName":"JOB"}`
				model := `{"ExecutionRoleArn":"arn:aws:iam::123456789012:role/sagemaker","ModelName":"orders",` +
					`"PrimaryContainer":{"Image":"` + image + `","ModelDataUrl":"s3://data/JOB/output/model.tar.gz"}}`
				var got []string
				for _, r := range append(h.AWS.Requests("CreateTrainingJob"), h.AWS.Requests("CreateModel")...) {
					got = append(got, ordered(t, jobNames.ReplaceAllString(r, "JOB")))
				}
				if diff := cmp.Diff([]string{job, model}, got); diff != "" {
					t.Errorf("requests (-want +got):\n%s", diff)
				}
				for name, body := range h.AWS.Objects() {
					if jobNames.ReplaceAllString(name, "JOB") != "data/JOB/train" || body != "1,40,2\n" {
						t.Errorf("object %s: %q", name, body)
					}
				}
			})
		})
	}
}

// withoutRegion are answers to an integration that asks for no region.
func withoutRegion(form answers) answers {
	form = maps.Clone(form)
	form["region"] = ""
	return form
}

// ordered is JSON with its members in order: the SDK's maps have none.
func ordered(t *testing.T, text string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answers        answers
		field, message string
	}{
		"no objective":      {nil, "objective", "Choose an objective."},
		"another objective": {answers{"objective": "x"}, "objective", "Choose an objective."},
		"no classes":        {answers{"objective": "multi:softmax"}, "numClass", "Missing required param: numClass."},
		"two classes":       {answers{"objective": "multi:softmax", "numClass": "2"}, "numClass", "Param numClass: 2 is out of range: 3 - 1000000"},
		"too many rounds":   {answers{"objective": "reg:linear", "numRounds": "1000001"}, "numRounds", "Param numRounds: 1000001 is out of range: 1 - 1000000"},
		"no rounds":         {answers{"objective": "reg:linear", "numRounds": "many"}, "numRounds", "Param numRounds must be a whole number."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := sagemakertest.NewHub(t, 1)
			i := actiontest.New(t, amazonsagemakertrainxgboost.New, h.Deps())
			_, err := i.Execute(t.Context(), sagemakertest.Request(t, "label,a\n1,2\n", form, tt.answers))
			if diff := cmp.Diff(error(action.InvalidField(tt.field, "%s", tt.message)), err); diff != "" || len(h.AWS.Operations()) != 0 {
				t.Errorf("error (-want +got):\n%s\nafter %v", diff, h.AWS.Operations())
			}
		})
	}
}
