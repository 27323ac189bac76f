package sagemaker

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/aws/s3store"
)

// transform is what the user answers for an inference.
type transform struct {
	Model    modelName                   `form:"modelName,required"`
	Bucket   s3store.Bucket              `form:"bucket,required"`
	Instance types.TransformInstanceType `form:"awsInstanceType,required"`
}

// TransformInstances are the instance types that SageMaker performs inferences on.
func TransformInstances() []types.TransformInstanceType {
	return types.TransformInstanceType("").Values()
}

// strip is how many columns at the beginning are not for the model. Nothing answered and 0
// are the same.
func strip(form map[string]string) (int, error) {
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

// Infer has a model infer from a query's result. It returns once SageMaker has accepted the
// job, which is then followed so that a mail can be sent when it has ended.
func (c *Client) Infer(ctx context.Context, req *action.Request) (*action.Response, error) {
	account, err := action.Decode[Account](req)
	if err != nil {
		return nil, err
	}
	in, err := action.Decode[transform](req)
	if err != nil {
		return nil, err
	}
	count, err := instances.Read(req.Form)
	if err != nil {
		return nil, err
	}
	columns, err := strip(req.Form)
	if err != nil {
		return nil, err
	}
	region := account.home()
	service := c.service(account, region)
	begin := func(ctx context.Context) (string, error) {
		p := place{account.s3(region), in.Bucket, jobName("transform-job", time.Now())}
		return p.job, c.startTransform(ctx, service, p, in, count, &table{Data: req.Data, strip: columns})
	}
	reporter, mailFault := newReporter(c.deps, req)
	if mailFault != nil { // there is nothing to follow the job for
		job, err := begin(ctx)
		if err != nil {
			return nil, err
		}
		return &action.Response{Message: "Transform job " + job + " was started." + unmailed(mailFault)}, nil
	}
	response := &action.Response{}
	err = c.deps.StartJob(ctx, func(ctx context.Context) (action.Job, error) {
		job, err := begin(ctx)
		if err != nil {
			return action.Job{}, err
		}
		what := "Transform job " + job
		response.Message = what + " was started."
		return action.Job{Name: what, Follow: func(ctx context.Context) error {
			return follow(ctx, reporter, what, func(ctx context.Context) (*ending, error) { return pollTransform(ctx, service, job) })
		}}, nil
	})
	if err != nil {
		return nil, err
	}
	return response, nil
}

// mostWhole is how much a model takes in one call.
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html
const mostWhole = 6 << 20

func (c *Client) startTransform(ctx context.Context, service *sagemaker.Client, p place, in transform, count int, t *table) error {
	if err := c.uploadBoth(ctx, p, inputObject, t, rawObject); err != nil {
		return err
	}
	model := string(in.Model)
	job := &sagemaker.CreateTransformJobInput{
		ModelName: &model, TransformJobName: &p.job,
		TransformInput: &types.TransformInput{
			DataSource:  &types.TransformDataSource{S3DataSource: &types.TransformS3DataSource{S3DataType: types.S3DataTypeS3Prefix, S3Uri: aws.String(p.uri(inputObject))}},
			ContentType: aws.String(contentType),
		},
		TransformOutput: &types.TransformOutput{S3OutputPath: aws.String(p.uri(outputFolder))},
		TransformResources: &types.TransformResources{
			InstanceCount: aws.Int32(int32(count)), //nolint:gosec // 500 at most
			InstanceType:  in.Instance,
		},
	}
	if t.bytes > mostWhole { // in several calls, which the model answers line by line
		job.TransformInput.SplitType = types.SplitTypeLine
		job.TransformOutput.AssembleWith = types.AssemblyTypeLine
		job.BatchStrategy = types.BatchStrategyMultiRecord
	}
	_, err := call(ctx, "sagemaker:CreateTransformJob", service.CreateTransformJob, job)
	return unlessStarted(err)
}

func pollTransform(ctx context.Context, service *sagemaker.Client, job string) (*ending, error) {
	out, err := call(ctx, "sagemaker:DescribeTransformJob", service.DescribeTransformJob, &sagemaker.DescribeTransformJobInput{TransformJobName: &job})
	if err != nil {
		return nil, err
	}
	switch out.TransformJobStatus {
	case types.TransformJobStatusCompleted:
		where := ""
		if out.TransformOutput != nil {
			where = aws.ToString(out.TransformOutput.S3OutputPath)
		}
		return &ending{
			subject: fmt.Sprintf("Transform job %s is complete", job),
			text:    fmt.Sprintf("Transform job %s is complete. What was inferred is in %s.", job, where),
		}, nil
	case types.TransformJobStatusFailed:
		return &ending{
			subject: fmt.Sprintf("Transform job %s failed", job),
			text:    fmt.Sprintf("Transform job %s failed: %s", job, aws.ToString(out.FailureReason)),
		}, nil
	case types.TransformJobStatusStopped:
		return &ending{
			subject: fmt.Sprintf("Transform job %s was stopped", job),
			text:    fmt.Sprintf("Transform job %s was stopped.", job),
		}, nil
	default: // it goes on
		return nil, nil
	}
}
