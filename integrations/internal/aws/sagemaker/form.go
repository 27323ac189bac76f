package sagemaker

import (
	"context"
	"fmt"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/choice"
)

// BucketField returns a field with the account's buckets as options, or a text field if the
// credentials cannot list them.
func (c *Client) BucketField(ctx context.Context, a Account, label, description string) (action.Field, error) {
	names, err := c.store.Buckets(ctx, a.s3(a.homeRegion()))
	return listField("bucket", label, description, names, err)
}

// maxModels is the maximum number of models in a form. The newest models come first.
const maxModels = 1000

// ModelField returns a field with the models in the account's region as options, or a text field if
// the credentials cannot list them.
func (c *Client) ModelField(ctx context.Context, a Account) (action.Field, error) {
	var names []string
	service := c.service(a, a.homeRegion())
	in := listModels{MaxResults: 100, SortBy: "CreationTime", SortOrder: "Descending"}
	for len(names) < maxModels {
		page, err := call[modelList](ctx, service, "ListModels", in)
		if code, _ := codeOf(err); strings.HasPrefix(code, "AccessDenied") {
			break
		}
		if err != nil {
			return action.Field{}, err
		}
		for _, m := range page.Models {
			names = append(names, m.ModelName)
		}
		if page.NextToken == "" || page.NextToken == in.NextToken {
			break
		}
		in.NextToken = page.NextToken
	}
	field, err := listField("modelName", "Model", "The model to perform the inference with.", names, nil)
	field.Default = ""
	return field, err
}

// listField returns a required field for one of the account's names.
func listField(name, label, description string, names []string, err error) (action.Field, error) {
	unlisted := strings.TrimSuffix(description, ".") + ". The access key cannot list any. Enter the name."
	list := choice.List{Name: name, Label: label, Description: description, Denied: unlisted, Empty: unlisted}
	return list.Field(names, err)
}

// Instances is what several instances do for a job with one object in S3, which SageMaker does not divide.
type Instances struct {
	// types are the types of instances to choose from; see [instanceTypes].
	types string
	// form completes the description of the form's field, and response is the sentence in the message of a delivery.
	form, response string
}

var (
	// TrainingInstances are those of the built-in algorithms:
	// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3DataSource.html
	TrainingInstances = Instances{
		trainingTypes,
		"With more than one, each gets a copy of all rows, which costs more and is rarely faster, unless the rows are divided among them. " +
			"" +
			"Try a larger instance type first.",
		"Each of the %d instances gets a copy of all rows.",
	}
	// InferenceInstances are those of a batch transform: https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform.html
	InferenceInstances = Instances{
		transformTypes,
		"With more than one, only one works, because the rows are one object in S3, and the others are paid for. Choose a larger " +
			"instance type instead.",
		"Only one of the %d instances processes the rows; the others are idle.",
	}
)

// note is the sentence about several instances; "" for one.
func (i Instances) note(count int) string {
	if count == 1 {
		return ""
	}
	return " " + fmt.Sprintf(i.response, count)
}

// InstanceFields are the fields for the instances of a job.
func InstanceFields(i Instances) []action.Field {
	kind := action.Field{
		Name: "awsInstanceType", Label: "AWS Instance Type", Required: true, Type: action.Select, Default: "ml.m5.xlarge",
		Description: "The type of AWS instance to use. More info: https://aws.amazon.com/sagemaker/pricing/instance-types",
	}
	for _, name := range instanceTypes(i.types) {
		kind.Options = append(kind.Options, action.Option{Name: name, Label: name})
	}
	return []action.Field{kind, {
		Name: "numInstances", Label: "Number of instances", Type: action.String, Default: "1",
		Description: "The number of instances to run. Valid values: 1 to 500. " + i.form,
	}}
}
