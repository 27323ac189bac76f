package sagemakertest

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
)

type answers = map[string]string

// Algorithm describes an integration that trains models, and what its tests expect.
type Algorithm struct {
	New action.Constructor
	// Image is the algorithm's image in eu-west-1.
	Image string
	// Task, Classes and Rounds are the form's fields that differ between algorithms.
	Task, Classes, Rounds action.Field
	Wire                  map[string]Wire
	Invalid               map[string]Invalid
}

// Wire is a user's answers and the hyperparameters that are sent for them.
type Wire struct {
	Answers map[string]string
	// Parameters are a JSON object with sorted members.
	Parameters string
}

// Invalid are answers that are rejected, and the error for a field.
type Invalid struct {
	Answers        map[string]string
	Field, Message string
}

// Run tests an integration.
func (a Algorithm) Run(t *testing.T) {
	t.Helper()
	t.Parallel()
	t.Run("form", a.form)
	t.Run("form in China", a.formInChina)
	t.Run("wire", a.wire)
	t.Run("several instances", a.severalInstances)
	t.Run("invalid", a.invalid)
}

var (
	form     = answers{"modelName": "orders", "bucket": "data", "awsInstanceType": "ml.m5.xlarge", "maxRuntimeInHours": "2"}
	jobNames = regexp.MustCompile(`orders-\d{12,13}-[a-z2-7]{4}`)
)

func (a Algorithm) form(t *testing.T) {
	t.Parallel()
	h := NewHub(t, 1)
	i := actiontest.New(t, a.New, h.Deps())
	got, err := action.Resolve(i).Form.Form(t.Context(), Request(t, "", nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	types := got.Fields[4].Options
	if len(types) < 26 || types[0].Name != "ml.m4.xlarge" {
		t.Errorf("instance types %v", types)
	}
	got.Fields[4].Options = nil
	want := &action.Form{Fields: []action.Field{
		{
			Name: "modelName", Label: "Model Name", Type: action.String, Required: true,
			Description: "The name for model to be created after training is complete.",
		},
		{
			Name: "bucket", Label: "Bucket", Type: action.Select, Required: true,
			Description: "The S3 bucket where SageMaker input training data should be stored",
			Default:     "data", Options: []action.Option{{Name: "data", Label: "data"}},
		},
		a.Task, a.Classes,
		{
			Name: "awsInstanceType", Label: "AWS Instance Type", Type: action.Select, Required: true, Default: "ml.m5.xlarge",
			Description: "The type of AWS instance to use. More info: https://aws.amazon.com/sagemaker/pricing/instance-types",
		},
		{
			Name: "numInstances", Label: "Number of instances", Type: action.String, Default: "1",
			Description: "The number of instances to run. Valid values: 1 to 500. With more than one, each gets a copy of all rows, which " +
				"" +
				"costs more and is rarely faster, unless the rows are divided among them. Try a larger instance type first.",
		},
		a.Rounds,
		{
			Name: "maxRuntimeInHours", Label: "Maximum runtime in hours", Type: action.String, Default: "12",
			Description: "Maximum allowed time for the job to run, in hours. Valid values: 1 to 72.",
		},
		{
			Name: "distribute_rows", Label: "Divide the rows among the instances", Type: action.Select, Default: "no",
			Description: "With yes, each of several instances gets its own part of the rows (ShardedByS3Key). With no, each gets a copy " +
				"of all.",
			Options: []action.Option{{Name: "no", Label: "No"}, {Name: "yes", Label: "Yes"}},
		},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("form (-want +got):\n%s", diff)
	}
}

// China has its own endpoints. The role says in which partition an account is.
func (a Algorithm) formInChina(t *testing.T) {
	t.Parallel()
	h := NewHub(t, 1)
	i := actiontest.New(t, a.New, h.Deps())
	req := Request(t, "", nil, answers{"region": "", "roleArn": "arn:aws-cn:iam::123456789012:role/sagemaker"})
	if _, err := action.Resolve(i).Form.Form(t.Context(), req); err != nil {
		t.Error(err) // the fake rejects a signature for another region
	}
	_, err := action.Resolve(i).Form.Form(t.Context(), Request(t, "", nil, answers{"secretAccessKey": "x"}))
	if action.KindOf(err) != action.Unauthenticated {
		t.Errorf("wrong secret key: error %v, want kind %v", err, action.Unauthenticated)
	}
}

func (a Algorithm) wire(t *testing.T) {
	t.Parallel()
	for name, tt := range a.Wire {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := NewHub(t, 1)
				i := actiontest.New(t, a.New, h.Deps())
				req := Request(t, "label,a,b\n1,40,2\n", form, withoutRegion(tt.Answers))
				if _, err := i.Execute(t.Context(), req); err != nil {
					t.Fatal(err)
				}
				h.Jobs.Drain(context.Background())
				operations := []string{"HeadBucket", "PutObject", "CreateTrainingJob", "DescribeTrainingJob", "CreateModel"}
				if diff := cmp.Diff(operations, h.AWS.Operations()); diff != "" {
					t.Errorf("operations (-want +got):\n%s", diff)
				}
				job := `{"AlgorithmSpecification":{"TrainingImage":"` + a.Image + `","TrainingInputMode":"File"},` +
					`"HyperParameters":` + tt.Parameters + `,"InputDataConfig":[{"ChannelName":"train","ContentType":"text/csv",` +
					`"DataSource":{"S3DataSource":{"S3DataType":"S3Prefix","S3Uri":"s3://data/JOB/train"}}}],` +
					`"OutputDataConfig":{"S3OutputPath":"s3://data"},` +
					`"ResourceConfig":{"InstanceCount":1,"InstanceType":"ml.m5.xlarge","VolumeSizeInGB":10},` +
					`"RoleArn":"arn:aws:iam::123456789012:role/sagemaker",` +
					`"StoppingCondition":{"MaxRuntimeInSeconds":7200},"TrainingJobName":"JOB"}`
				model := `{"ExecutionRoleArn":"arn:aws:iam::123456789012:role/sagemaker","ModelName":"orders",` +
					`"PrimaryContainer":{"Image":"` + a.Image + `","ModelDataUrl":"s3://data/JOB/output/model.tar.gz"}}`
				var got []string
				for _, r := range append(h.AWS.Requests("CreateTrainingJob"), h.AWS.Requests("CreateModel")...) {
					got = append(got, sorted(t, jobNames.ReplaceAllString(r, "JOB")))
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

// The response says what several instances do with the rows.
func (a Algorithm) severalInstances(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := NewHub(t, 1)
		change := answers{"numInstances": "3", "region": ""}
		for _, tt := range a.Wire { // any of them
			maps.Copy(change, tt.Answers)
		}
		res, err := actiontest.New(t, a.New, h.Deps()).Execute(t.Context(), Request(t, "label,a,b\n1,40,2\n", form, change))
		if err != nil {
			t.Fatal(err)
		}
		h.Jobs.Drain(context.Background())
		const want = "Training job JOB was started. Each of the 3 instances gets a copy of all rows."
		if got := jobNames.ReplaceAllString(res.Message, "JOB"); got != want {
			t.Errorf("message %q, want %q", got, want)
		}
	})
}

// withoutRegion returns answers for an integration without a parameter for the region.
func withoutRegion(form answers) answers {
	form = maps.Clone(form)
	form["region"] = ""
	return form
}

// sorted returns JSON with sorted members: the SDK encodes maps in any order.
func sorted(t *testing.T, text string) string {
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

func (a Algorithm) invalid(t *testing.T) {
	t.Parallel()
	for name, tt := range a.Invalid {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := NewHub(t, 1)
			i := actiontest.New(t, a.New, h.Deps())
			_, err := i.Execute(t.Context(), Request(t, "label,a\n1,2\n", form, tt.Answers))
			if diff := cmp.Diff(error(action.InvalidField(tt.Field, "%s", tt.Message)), err); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if got := h.AWS.Operations(); len(got) != 0 {
				t.Errorf("operations %v, want none", got)
			}
		})
	}
}
