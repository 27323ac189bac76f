package sagemaker

import "integrationhub.dev/integrations/internal/aws/awscall"

// api is SageMaker as AWS's API model describes it: https://docs.aws.amazon.com/sagemaker/latest/APIReference/Welcome.html
// The types below have the members that are used here, with the API's names.
var api = awscall.Service{
	ID: "SageMaker", SigningName: "sagemaker", Host: "api.sagemaker", Protocol: awscall.JSON{Target: "SageMaker"},
}

// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListModels.html
type (
	listModels struct {
		MaxResults int
		SortBy     string
		SortOrder  string
		NextToken  string `json:",omitempty"`
	}
	modelList struct {
		Models    []struct{ ModelName string }
		NextToken string
	}
)

// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModel.html
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeModel.html
type (
	createModel struct {
		ModelName        string
		PrimaryContainer container
		ExecutionRoleArn string
	}
	container struct {
		Image        string
		ModelDataURL string `json:"ModelDataUrl"`
	}
	describeModel  struct{ ModelName string }
	describedModel struct{ PrimaryContainer *container }
)

// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeTrainingJob.html
type (
	createTrainingJob struct {
		TrainingJobName        string
		RoleArn                string
		AlgorithmSpecification algorithmSpecification
		HyperParameters        map[string]string
		InputDataConfig        []channel
		OutputDataConfig       outputData
		ResourceConfig         trainingResources
		StoppingCondition      stoppingCondition
	}
	algorithmSpecification struct{ TrainingImage, TrainingInputMode string }
	channel                struct {
		ChannelName, ContentType string
		DataSource               dataSource
	}
	dataSource struct{ S3DataSource s3Source }
	s3Source   struct {
		S3DataType             string
		S3URI                  string `json:"S3Uri"`
		S3DataDistributionType string `json:",omitempty"`
	}
	outputData        struct{ S3OutputPath string }
	trainingResources struct {
		InstanceCount  int
		InstanceType   string
		VolumeSizeInGB int64
	}
	stoppingCondition   struct{ MaxRuntimeInSeconds int }
	describeTrainingJob struct{ TrainingJobName string }
	trainingJob         struct {
		TrainingJobStatus, SecondaryStatus, FailureReason string
		ModelArtifacts                                    struct{ S3ModelArtifacts string }
	}
)

// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeTransformJob.html
type (
	createTransformJob struct {
		ModelName, TransformJobName string
		TransformInput              transformInput
		TransformOutput             transformOutput
		TransformResources          transformResources
		BatchStrategy               string `json:",omitempty"`
	}
	transformInput struct {
		DataSource  dataSource
		ContentType string
		SplitType   string `json:",omitempty"`
	}
	transformOutput struct {
		S3OutputPath string
		AssembleWith string `json:",omitempty"`
	}
	transformResources struct {
		InstanceCount int
		InstanceType  string
	}
	describeTransformJob struct{ TransformJobName string }
	transformJob         struct {
		TransformJobStatus, FailureReason string
		TransformOutput                   struct{ S3OutputPath string }
	}
)

// prefixData means that S3URI is the beginning of the names of objects.
const prefixData = "S3Prefix"

// The statuses of a job that has ended, and the secondary status of a training that took too long.
const (
	statusCompleted   = "Completed"
	statusFailed      = "Failed"
	statusStopped     = "Stopped"
	statusMaxExceeded = "MaxRuntimeExceeded"
)
