package amazonsagemakerinfer_test

import (
	"context"
	"encoding/json"
	"regexp"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/amazonsagemakerinfer"
	"integrationhub.dev/integrations/internal/aws/sagemaker/sagemakertest"
)

type answers = map[string]string

var (
	form     = answers{"modelName": "churn", "numStripColumns": "1", "bucket": "data", "awsInstanceType": "ml.m5.xlarge", "numInstances": "2"}
	jobNames = regexp.MustCompile(`transform-job-\d{12,13}-[a-z2-7]{4}`)
)

func TestForm(t *testing.T) {
	t.Parallel()
	denied := sagemakertest.Error(400, "AccessDeniedException", "User: x is not authorized")
	deniedS3 := sagemakertest.S3Error(403, "AccessDenied")
	for name, tt := range map[string]struct {
		models map[string]string
		fail   func(operation string, nth int) *actiontest.Reply
		model  action.Field
		bucket action.Field
	}{
		"choices, of several pages": {
			map[string]string{"a": "", "b": "", "c": ""},
			nil,
			action.Field{
				Name: "modelName", Label: "Model", Description: "The model to perform the inference with.", Type: action.Select, Required: true,
				Options: []action.Option{{Name: "a", Label: "a"}, {Name: "b", Label: "b"}, {Name: "c", Label: "c"}},
			},
			action.Field{
				Name: "bucket", Label: "Output Bucket", Description: "The S3 bucket where inference data should be stored", Type: action.Select, Required: true,
				Default: "backup", Options: []action.Option{{Name: "backup", Label: "backup"}, {Name: "data", Label: "data"}},
			},
		},
		"nothing may be listed": {
			nil,
			func(o string, _ int) *actiontest.Reply {
				if o == "ListModels" {
					return &denied
				}
				return &deniedS3
			},
			action.Field{Name: "modelName", Label: "Model", Type: action.String, Required: true, Description: "The model to perform the inference with. The access key cannot list any. Enter the name."},
			action.Field{Name: "bucket", Label: "Output Bucket", Type: action.String, Required: true, Description: "The S3 bucket where inference data should be stored. The access key cannot list any. Enter the name."},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := sagemakertest.NewHub(t, 1)
			h.AWS.Models, h.AWS.Fail = tt.models, tt.fail
			h.AWS.Buckets = map[string]string{"data": "eu-west-1", "backup": "us-east-1"}
			i := actiontest.New(t, amazonsagemakerinfer.New, h.Deps())
			got, err := action.Resolve(i).Form.Form(t.Context(), sagemakertest.Request(t, "", nil, nil))
			if err != nil {
				t.Fatal(err)
			}
			types := got.Fields[3].Options
			if len(types) < 26 || types[0].Name != "ml.m4.xlarge" {
				t.Errorf("instance types %v", types)
			}
			got.Fields[3].Options = nil
			want := &action.Form{Fields: []action.Field{
				tt.model,
				{
					Name: "numStripColumns", Label: "Strip Columns", Type: action.Select, Required: true, Default: "0",
					Description: "Columns that are removed before the inference, such as a key or the value to be inferred. They must come first.",
					Options:     []action.Option{{Name: "0", Label: "None"}, {Name: "1", Label: "First Column"}, {Name: "2", Label: "First & Second Column"}},
				},
				tt.bucket,
				{
					Name: "awsInstanceType", Label: "AWS Instance Type", Type: action.Select, Required: true, Default: "ml.m5.xlarge",
					Description: "The type of AWS instance to use. More info: https://aws.amazon.com/sagemaker/pricing/instance-types",
				},
				{
					Name: "numInstances", Label: "Number of instances", Type: action.String, Default: "1",
					Description: "The number of instances to run. Valid values: 1 to 500. With more than one, only one works, because the " +
						"rows are one object in S3, and the others are paid for. Choose a larger instance type instead.",
				},
			}}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("form (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFormFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change  answers
		fail    func(operation string, nth int) *actiontest.Reply
		message string
	}{
		"no key":       {answers{"accessKeyId": ""}, nil, `"accessKeyId" is required.`},
		"wrong secret": {answers{"secretAccessKey": "x"}, nil, "Amazon S3 rejected the request's signature. Check the secret key in the action's settings in Looker."},
		"no region":    {answers{"region": "evil.example.com/"}, nil, `"region" must be the name of a region such as us-east-1: letters, digits and hyphens.`},
		"SageMaker": {nil, func(o string, _ int) *actiontest.Reply {
			if o != "ListModels" {
				return nil
			}
			r := sagemakertest.Error(400, "OptInRequired", "x")
			return &r
		}, "The AWS account is not subscribed to Amazon SageMaker in this region."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := sagemakertest.NewHub(t, 1)
			h.AWS.Fail = tt.fail
			i := actiontest.New(t, amazonsagemakerinfer.New, h.Deps())
			if _, err := action.Resolve(i).Form.Form(t.Context(), sagemakertest.Request(t, "", nil, tt.change)); action.MessageOf(err) != tt.message {
				t.Errorf("error %v, want %q", err, tt.message)
			}
		})
	}
}

// decoded returns JSON without the order of members.
func decoded(t *testing.T, text string) (value any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	return value
}

func TestWire(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := sagemakertest.NewHub(t, 1)
		i := actiontest.New(t, amazonsagemakerinfer.New, h.Deps())
		res, err := i.Execute(t.Context(), sagemakertest.Request(t, "id,age\n1,40\n", form, nil))
		if err != nil {
			t.Fatal(err)
		}
		const message = "Transform job JOB was started. Only one of the 2 instances processes the rows; the others are idle."
		if got := jobNames.ReplaceAllString(res.Message, "JOB"); got != message {
			t.Errorf("message %q, want %q", got, message)
		}
		h.Jobs.Drain(context.Background())
		if diff := cmp.Diff([]string{"PutObject", "CreateTransformJob", "DescribeTransformJob"}, h.AWS.Operations()); diff != "" {
			t.Errorf("operations (-want +got):\n%s", diff)
		}
		const want = `{"ModelName":"churn","TransformInput":{"ContentType":"text/csv","DataSource":{"S3DataSource":{"S3DataType":"S3Prefix","S3Uri":"s3://data/JOB/transform-input"}}},` +
			`"TransformJobName":"JOB","TransformOutput":{"S3OutputPath":"s3://data/JOB/transform-output"},"TransformResources":{"InstanceCount":2,"InstanceType":"ml.m5.xlarge"}}`
		got := jobNames.ReplaceAllString(h.AWS.Requests("CreateTransformJob")[0], "JOB")
		if diff := cmp.Diff(decoded(t, want), decoded(t, got)); diff != "" {
			t.Errorf("job (-want +got):\n%s", diff)
		}
	})
}
