package sagemaker

import (
	"context"
	"fmt"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/aws/awscall"
	"integrationhub.dev/integrations/internal/aws/s3store"
)

// transform are the user's answers for an inference.
type transform struct {
	Model    modelName      `form:"modelName,required"`
	Bucket   s3store.Bucket `form:"bucket,required"`
	Instance string         `form:"awsInstanceType,required"`
}

// stripColumns returns the number of columns at the beginning that the model must not get. An empty
// answer means 0.
func stripColumns(form map[string]string) (int, error) {
	const field = "numStripColumns"
	if form[field] == "" || form[field] == "0" {
		return 0, nil
	}
	return Number{Field: field, Min: 0, Max: 2}.Read(form)
}

// The objects of an inference, in the job's folder.
const (
	inputObject  = "transform-input"
	rawObject    = "transform-raw"
	outputFolder = "transform-output"
)

// Infer starts an inference for a query's result. It returns once SageMaker has accepted the job. When
// the job has ended, the hub sends a mail.
func (c *Client) Infer(ctx context.Context, req *action.Request) (*action.Response, error) {
	account, in, count, err := decode[transform](c, req)
	if err != nil {
		return nil, err
	}
	columns, err := stripColumns(req.Form)
	if err != nil {
		return nil, err
	}
	region := account.homeRegion()
	service := c.service(account, region)
	start := func(ctx context.Context) (string, poller, error) {
		p := place{account.s3(region), in.Bucket, jobName("transform-job", time.Now())}
		poll := func(ctx context.Context) (*outcome, error) { return pollTransform(ctx, service, p.job) }
		return p.job, poll, c.startTransform(ctx, service, p, in, count,
			&table{Data: req.Data, strip: columns, cutAbove: maxPayload})
	}
	const kind = "Transform job"
	note := InferenceInstances.note(count)
	reporter, mailErr := newReporter(c.deps, req)
	if mailErr != nil { // without a mail, there is no reason to follow the job
		job, _, err := start(ctx)
		if err != nil {
			return nil, err
		}
		return &action.Response{Message: started(kind+" "+job, note+noMailNote(mailErr))}, nil
	}
	return c.runJob(ctx, kind, reporter, note, start)
}

// maxPayload is the maximum size of a request to a model:
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html
const maxPayload = 6 << 20

func (c *Client) startTransform(ctx context.Context, service *awscall.Client, p place, in transform, count int, t *table) error {
	if err := c.uploadBoth(ctx, p, inputObject, t, rawObject); err != nil {
		return err
	}
	job := createTransformJob{
		ModelName: string(in.Model), TransformJobName: p.job,
		TransformInput: transformInput{
			DataSource:  dataSource{s3Source{S3DataType: prefixData, S3URI: p.uri(inputObject)}},
			ContentType: contentType,
		},
		TransformOutput:    transformOutput{S3OutputPath: p.uri(outputFolder)},
		TransformResources: transformResources{InstanceCount: count, InstanceType: in.Instance},
	}
	if t.bytes > maxPayload { // several requests, whose results are joined line by line
		job.TransformInput.SplitType = "Line"
		job.TransformOutput.AssembleWith = "Line"
		job.BatchStrategy = "MultiRecord"
	}
	_, err := call[struct{}](ctx, service, "CreateTransformJob", job)
	return ignoreInUse(err)
}

// pollTransform returns the outcome once a job has ended.
func pollTransform(ctx context.Context, service *awscall.Client, name string) (*outcome, error) {
	out, err := call[transformJob](ctx, service, "DescribeTransformJob", describeTransformJob{name})
	if err != nil {
		return nil, err
	}
	job := "Transform job " + name
	switch out.TransformJobStatus {
	case statusCompleted:
		return &outcome{
			subject: job + " is complete", text: fmt.Sprintf("%s is complete. The results are in %s.", job, out.TransformOutput.S3OutputPath),
		}, nil
	case statusFailed:
		return failed(job, out.FailureReason), nil
	case statusStopped:
		return stopped(job), nil
	default: // it is running
		return nil, nil
	}
}
