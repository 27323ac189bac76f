package sagemaker

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/aws/awscall"
	"integrationhub.dev/integrations/internal/aws/s3store"
)

// modelName is the name of a model.
type modelName string

var validModel = regexp.MustCompile(`^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$`)

// UnmarshalText implements [encoding.TextUnmarshaler] for the names that SageMaker accepts. The name
// becomes part of the names of jobs and objects.
func (m *modelName) UnmarshalText(text []byte) error {
	if !validModel.Match(text) {
		return fmt.Errorf("must have at most %d letters, digits and hyphens", maxName)
	}
	*m = modelName(text)
	return nil
}

// training are the user's answers that all algorithms have in common.
type training struct {
	Model    modelName      `form:"modelName,required"`
	Bucket   s3store.Bucket `form:"bucket,required"`
	Instance string         `form:"awsInstanceType,required"`
	// Distribute divides the rows among several instances.
	Distribute bool `form:"distribute_rows"`
}

// The numbers in every algorithm's form.
var (
	instances = Number{Field: "numInstances", Min: 1, Max: 500, Default: 1}
	hours     = Number{Field: "maxRuntimeInHours", Min: 1, Max: 72, Default: 12}
)

// Trainer is an integration that trains models with one algorithm.
type Trainer struct {
	// Name, Label and Description are the integration's.
	Name, Label, Description string
	Client                   *Client
	Algorithm                Algorithm
	Task                     Task
	Rounds                   Rounds
	// Columns is the hyperparameter with the number of features, if the algorithm has one.
	Columns string
}

var (
	_ action.Integration = Trainer{}
	_ action.FormBuilder = Trainer{}
)

// Definition implements [action.Integration].
func (t Trainer) Definition() action.Definition {
	d := t.Client.Definition(false)
	d.Name, d.Label, d.Description = t.Name, t.Label, t.Description
	return d
}

// Form implements [action.FormBuilder].
func (t Trainer) Form(ctx context.Context, req *action.Request) (*action.Form, error) {
	account, err := t.Client.Account(req)
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
	fields = append(fields, InstanceFields(TrainingInstances)...)
	return &action.Form{Fields: append(fields, t.Rounds.field(), action.Field{
		Name: "maxRuntimeInHours", Label: "Maximum runtime in hours", Type: action.String, Default: "12",
		Description: "Maximum allowed time for the job to run, in hours. Valid values: 1 to 72.",
	}, action.Field{
		Name: "distribute_rows", Label: "Divide the rows among the instances", Type: action.Select, Default: "no",
		Description: "With yes, each of several instances gets its own part of the rows (ShardedByS3Key). With no, each gets a copy of " +
			"all.",
		Options: []action.Option{{Name: "no", Label: "No"}, {Name: "yes", Label: "Yes"}},
	})}, nil
}

// hyperparameters returns the algorithm's hyperparameters in the form's answers.
func (t Trainer) hyperparameters(form map[string]string) (map[string]string, error) {
	parameters := map[string]string{}
	if err := t.Task.read(form, parameters); err != nil {
		return nil, err
	}
	return parameters, t.Rounds.read(form, parameters)
}

// job is a training job.
type job struct {
	service  *awscall.Client
	account  Account
	name     string
	model    string
	image    string
	maxHours int
	// artifacts is the S3 URI of the trained model, once the job is complete.
	artifacts string
}

// Execute implements [action.Integration]. It returns once SageMaker has accepted the job. When the job
// is complete, the hub creates its model and sends a mail.
func (t Trainer) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	account, in, count, err := decode[training](t.Client, req)
	if err != nil {
		return nil, err
	}
	parameters, err := t.hyperparameters(req.Form)
	if err != nil {
		return nil, err
	}
	maxHours, err := hours.Read(req.Form)
	if err != nil {
		return nil, err
	}
	reporter, mailErr := newReporter(t.Client.deps, req)
	start := func(ctx context.Context) (string, poller, error) {
		region, err := t.Client.store.Locate(ctx, account.s3(account.homeRegion()), in.Bucket)
		if err != nil {
			return "", nil, err
		}
		image, err := t.Algorithm.Image(region)
		if err != nil {
			return "", nil, err
		}
		j := &job{
			service: t.Client.service(account, region), account: account,
			name: jobName(string(in.Model), time.Now()), model: string(in.Model), image: image, maxHours: maxHours,
		}
		p := place{account.s3(region), in.Bucket, j.name}
		return j.name, j.poll, t.start(ctx, j, p, in, count, parameters, req.Data)
	}
	note := TrainingInstances.note(count)
	if count > 1 && in.Distribute {
		note = fmt.Sprintf(" The rows were divided among the %d instances.", count)
	}
	return t.Client.runJob(ctx, "Training job", reporter, note+noMailNote(mailErr), start)
}

// decode reads the account, the answers, and the number of instances.
func decode[In any](c *Client, req *action.Request) (account Account, in In, instanceCount int, err error) {
	if account, err = c.Account(req); err != nil {
		return account, in, 0, err
	}
	if in, err = action.Decode[In](req); err != nil {
		return account, in, 0, err
	}
	instanceCount, err = instances.Read(req.Form)
	return account, in, instanceCount, err
}

// noMailNote says why no mail will be sent about a job; "" if one will.
func noMailNote(err error) string {
	if err == nil {
		return ""
	}
	return " No mail will be sent: " + action.MessageOf(err)
}

// start uploads the data and starts the job.
func (t Trainer) start(
	ctx context.Context, j *job, p place, in training, count int, parameters map[string]string, data action.Data,
) error {
	rows := &table{Data: data, numeric: true}
	var distribution string // SageMaker's default is FullyReplicated
	if count > 1 && in.Distribute {
		distribution = "ShardedByS3Key"
		if err := t.Client.uploadShards(ctx, p, rows, count); err != nil {
			return err
		}
	} else if err := t.Client.upload(ctx, p, trainFolder, rows); err != nil {
		return err
	}
	if t.Columns != "" {
		parameters[t.Columns] = strconv.Itoa(rows.columns - 1)
	}
	_, err := call[struct{}](ctx, j.service, "CreateTrainingJob", createTrainingJob{
		TrainingJobName:        j.name,
		RoleArn:                strings.TrimSpace(j.account.Role),
		AlgorithmSpecification: algorithmSpecification{TrainingImage: j.image, TrainingInputMode: "File"},
		HyperParameters:        parameters,
		InputDataConfig: []channel{{
			ChannelName: "train", ContentType: contentType,
			DataSource: dataSource{s3Source{S3DataType: prefixData, S3URI: p.uri(trainFolder), S3DataDistributionType: distribution}},
		}},
		OutputDataConfig:  outputData{"s3://" + string(p.bucket)},
		ResourceConfig:    trainingResources{InstanceCount: count, InstanceType: in.Instance, VolumeSizeInGB: volume(rows.bytes)},
		StoppingCondition: stoppingCondition{MaxRuntimeInSeconds: j.maxHours * 3600},
	})
	return ignoreInUse(err)
}

// volume is the size of an instance's disk in GB. The data is copied there.
func volume(data int64) int64 {
	const minGB, maxGB = 10, 16384
	return min(minGB+2*(data>>30), maxGB)
}

// ignoreInUse drops the error for a job's name that is in use. The name is unique, so an earlier
// attempt of the same call started the job, and its response was lost.
func ignoreInUse(err error) error {
	if code, _ := codeOf(err); code == codeInUse {
		return nil
	}
	return err
}

// poll returns the outcome once the job has ended. It creates the model of a completed job.
func (j *job) poll(ctx context.Context) (*outcome, error) {
	out, err := call[trainingJob](ctx, j.service, "DescribeTrainingJob", describeTrainingJob{j.name})
	if err != nil {
		return nil, err
	}
	job := "Training job " + j.name
	switch out.TrainingJobStatus {
	case statusCompleted:
		j.artifacts = out.ModelArtifacts.S3ModelArtifacts
		return j.createModel(ctx)
	case statusFailed:
		return failed(job, out.FailureReason), nil
	case statusStopped:
		if out.SecondaryStatus == statusMaxExceeded {
			return &outcome{
				subject: job + " timed out",
				text:    fmt.Sprintf("%s exceeded the maximum run time of %d seconds.", job, j.maxHours*3600),
			}, nil
		}
		return stopped(job), nil
	default: // it is running
		return nil, nil
	}
}
