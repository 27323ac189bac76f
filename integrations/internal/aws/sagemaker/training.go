package sagemaker

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/aws/s3store"
)

// modelName is the name of a model to be made.
type modelName string

var validModel = regexp.MustCompile(`^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$`)

// UnmarshalText takes what SageMaker takes: the name becomes part of a job's and an object's.
func (m *modelName) UnmarshalText(text []byte) error {
	if !validModel.Match(text) {
		return fmt.Errorf("may hold letters, digits and hyphens, %d at most", longestName)
	}
	*m = modelName(text)
	return nil
}

// training is what the user answers for every algorithm.
type training struct {
	Model    modelName                  `form:"modelName,required"`
	Bucket   s3store.Bucket             `form:"bucket,required"`
	Instance types.TrainingInstanceType `form:"awsInstanceType,required"`
}

// The fields that every algorithm's form has.
var (
	instances = Number{Field: "numInstances", Min: 1, Max: 500, Default: 1}
	hours     = Number{Field: "maxRuntimeInHours", Min: 1, Max: 72, Default: 12}
)

// Trainer is the integration that trains models with one algorithm.
type Trainer struct {
	// Name, Label and Description are the integration's.
	Name, Label, Description string
	Client                   *Client
	Algorithm                Algorithm
	Task                     Task
	Rounds                   Rounds
	// Columns names the parameter, if any, that says how many columns beside the label the
	// data has.
	Columns string
}

var (
	_ action.Integration = Trainer{}
	_ action.FormBuilder = Trainer{}
)

// Definition implements [action.Integration].
func (t Trainer) Definition() action.Definition {
	d := Definition(false)
	d.Name, d.Label, d.Description = t.Name, t.Label, t.Description
	return d
}

// Form implements [action.FormBuilder].
func (t Trainer) Form(ctx context.Context, req *action.Request) (*action.Form, error) {
	account, err := action.Decode[Account](req)
	if err != nil {
		return nil, err
	}
	bucket, err := t.Client.BucketField(ctx, account, "Bucket", "The S3 bucket where SageMaker input training data should be stored")
	if err != nil {
		return nil, err
	}
	fields := []action.Field{{
		Name: "modelName", Label: "Model Name", Type: action.String, Required: true,
		Description: "The name for model to be created after training is complete.",
	}, bucket}
	fields = append(fields, t.Task.fields()...)
	fields = append(fields, InstanceFields(types.TrainingInstanceType("").Values())...)
	return &action.Form{Fields: append(fields, t.Rounds.field(), action.Field{
		Name: "maxRuntimeInHours", Label: "Maximum runtime in hours", Type: action.String, Default: "12",
		Description: "Maximum allowed time for the job to run, in hours. Valid values: 1 to 72.",
	})}, nil
}

// hyperparameters are the algorithm's, from the form.
func (t Trainer) hyperparameters(form map[string]string) (map[string]string, error) {
	parameters := map[string]string{}
	if err := t.Task.read(form, parameters); err != nil {
		return nil, err
	}
	return parameters, t.Rounds.read(form, parameters)
}

// job is one training job.
type job struct {
	client    *Client
	service   *sagemaker.Client
	account   Account
	name      string
	model     string
	image     string
	maxHours  int
	artifacts string
}

// Execute implements [action.Integration]'s Execute: it returns once SageMaker has accepted
// the job, which is then followed: its model is made when it has ended, and a mail sent.
func (t Trainer) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	account, err := action.Decode[Account](req)
	if err != nil {
		return nil, err
	}
	in, err := action.Decode[training](req)
	if err != nil {
		return nil, err
	}
	parameters, err := t.hyperparameters(req.Form)
	if err != nil {
		return nil, err
	}
	count, err := instances.Read(req.Form)
	if err != nil {
		return nil, err
	}
	maxHours, err := hours.Read(req.Form)
	if err != nil {
		return nil, err
	}
	reporter, mailFault := newReporter(t.Client.deps, req)
	response := &action.Response{}
	err = t.Client.deps.StartJob(ctx, func(ctx context.Context) (action.Job, error) {
		region, err := t.Client.store.Locate(ctx, account.s3(account.home()), in.Bucket)
		if err != nil {
			return action.Job{}, err
		}
		image, err := t.Algorithm.Image(region)
		if err != nil {
			return action.Job{}, err
		}
		j := &job{
			client: t.Client, service: t.Client.service(account, region), account: account,
			name: jobName(string(in.Model), time.Now()), model: string(in.Model), image: image, maxHours: maxHours,
		}
		if err := t.start(ctx, j, place{account.s3(region), in.Bucket, j.name}, in.Instance, count, parameters, req.Data); err != nil {
			return action.Job{}, err
		}
		what := "Training job " + j.name
		response.Message = what + " was started." + unmailed(mailFault)
		return action.Job{Name: what, Follow: func(ctx context.Context) error {
			return follow(ctx, reporter, what, j.poll)
		}}, nil
	})
	if err != nil {
		return nil, err
	}
	return response, nil
}

// unmailed says that nobody will be told of a job's end.
func unmailed(fault error) string {
	if fault == nil {
		return ""
	}
	return " No mail will be sent: " + action.MessageOf(fault)
}

// start writes the data and starts the job.
func (t Trainer) start(ctx context.Context, j *job, p place, instance types.TrainingInstanceType, count int, parameters map[string]string, data action.Data) error {
	rows := &table{Data: data, numeric: true}
	if err := t.Client.upload(ctx, p, "train", rows); err != nil {
		return err
	}
	if t.Columns != "" {
		parameters[t.Columns] = strconv.Itoa(rows.columns - 1)
	}
	_, err := call(ctx, "sagemaker:CreateTrainingJob", j.service.CreateTrainingJob, &sagemaker.CreateTrainingJobInput{
		TrainingJobName:        &j.name,
		RoleArn:                aws.String(strings.TrimSpace(j.account.Role)),
		AlgorithmSpecification: &types.AlgorithmSpecification{TrainingImage: &j.image, TrainingInputMode: types.TrainingInputModeFile},
		HyperParameters:        parameters,
		InputDataConfig: []types.Channel{{
			ChannelName: aws.String("train"), ContentType: aws.String(contentType),
			DataSource: &types.DataSource{S3DataSource: &types.S3DataSource{S3DataType: types.S3DataTypeS3Prefix, S3Uri: aws.String(p.uri("train"))}},
		}},
		OutputDataConfig: &types.OutputDataConfig{S3OutputPath: aws.String("s3://" + string(p.bucket))},
		ResourceConfig: &types.ResourceConfig{
			InstanceCount: aws.Int32(int32(count)), //nolint:gosec // 500 at most
			InstanceType:  instance, VolumeSizeInGB: aws.Int32(volume(rows.bytes)),
		},
		StoppingCondition: &types.StoppingCondition{MaxRuntimeInSeconds: aws.Int32(int32(j.maxHours) * 3600)}, //nolint:gosec // 72 at most
	})
	return unlessStarted(err)
}

// volume is the size of a machine's disk, in GB: the data is copied there.
func volume(data int64) int32 {
	const least, most = 10, 16384
	return int32(min(least+2*(data>>30), most)) //nolint:gosec // 16,384 at most
}

// unlessStarted takes a name that is in use for success: it is of this delivery alone, so an
// earlier try of the same call started the job, and its answer was lost.
func unlessStarted(err error) error {
	if code, _ := codeOf(err); code == codeInUse {
		return nil
	}
	return err
}

// poll looks at the job, and makes its model once it is complete.
func (j *job) poll(ctx context.Context) (*ending, error) {
	out, err := call(ctx, "sagemaker:DescribeTrainingJob", j.service.DescribeTrainingJob, &sagemaker.DescribeTrainingJobInput{TrainingJobName: &j.name})
	if err != nil {
		return nil, err
	}
	switch out.TrainingJobStatus {
	case types.TrainingJobStatusCompleted:
		if out.ModelArtifacts != nil {
			j.artifacts = aws.ToString(out.ModelArtifacts.S3ModelArtifacts)
		}
		return j.createModel(ctx)
	case types.TrainingJobStatusFailed:
		return &ending{
			subject: fmt.Sprintf("Training job %s failed", j.name),
			text:    fmt.Sprintf("Training job %s failed: %s", j.name, aws.ToString(out.FailureReason)),
		}, nil
	case types.TrainingJobStatusStopped:
		if out.SecondaryStatus == types.SecondaryStatusMaxRuntimeExceeded {
			return &ending{
				subject: fmt.Sprintf("Training job %s timed out", j.name),
				text:    fmt.Sprintf("Training job %s exceeded the maximum run time of %d seconds.", j.name, j.maxHours*3600),
			}, nil
		}
		return &ending{
			subject: fmt.Sprintf("Training job %s was stopped", j.name),
			text:    fmt.Sprintf("Training job %s was stopped.", j.name),
		}, nil
	default: // it goes on
		return nil, nil
	}
}
