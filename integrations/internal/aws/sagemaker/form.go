package sagemaker

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/aws/s3store"
)

// BucketField offers the account's buckets. Credentials that may write but not list get a
// field to type the name into.
func (c *Client) BucketField(ctx context.Context, a Account, label, description string) (action.Field, error) {
	names, err := c.store.Buckets(ctx, a.s3(a.home()))
	if err != nil && !errors.Is(err, s3store.ErrMayNotList) {
		return action.Field{}, err
	}
	field := choice(names, action.Field{Name: "bucket", Label: label, Description: description})
	if len(names) > 0 {
		field.Default = names[0]
	}
	return field, nil
}

// mostModels bounds what a form offers. The newest models come first.
const mostModels = 1000

// ModelField offers the models of the account's region, or asks for a name where the
// credentials may not list them.
func (c *Client) ModelField(ctx context.Context, a Account) (action.Field, error) {
	var names []string
	service := c.service(a, a.home())
	in := &sagemaker.ListModelsInput{MaxResults: aws.Int32(100), SortBy: types.ModelSortKeyCreationTime, SortOrder: types.OrderKeyDescending}
	for len(names) < mostModels {
		page, err := call(ctx, "listing models", service.ListModels, in)
		if code, _ := codeOf(err); strings.HasPrefix(code, "AccessDenied") {
			break
		}
		if err != nil {
			return action.Field{}, err
		}
		for _, m := range page.Models {
			names = append(names, aws.ToString(m.ModelName))
		}
		if next := aws.ToString(page.NextToken); next == "" || next == aws.ToString(in.NextToken) {
			break
		}
		in.NextToken = page.NextToken
	}
	return choice(names, action.Field{Name: "modelName", Label: "Model", Description: "The model to perform the inference with."}), nil
}

// choice is a required field that offers names, or asks for one where there are none.
func choice(names []string, f action.Field) action.Field {
	f.Required, f.Type = true, action.Select
	if len(names) == 0 {
		f.Type = action.String
		f.Description = strings.TrimSuffix(f.Description, ".") + ". The access key sees none, so there is no choice to offer: enter the name."
	}
	for _, n := range names {
		f.Options = append(f.Options, action.Option{Name: n, Label: n})
	}
	return f
}

// InstanceFields ask on what a job runs. types are the SDK's, which is kept up to date.
func InstanceFields[T ~string](all []T) []action.Field {
	kind := action.Field{
		Name: "awsInstanceType", Label: "AWS Instance Type", Required: true, Type: action.Select, Default: "ml.m5.xlarge",
		Description: "The type of AWS instance to use. More info: https://aws.amazon.com/sagemaker/pricing/instance-types",
	}
	for _, t := range all {
		// These have Amazon's own chips, for which the algorithms here are not built.
		if s := string(t); !strings.HasPrefix(s, "ml.trn") && !strings.HasPrefix(s, "ml.inf") {
			kind.Options = append(kind.Options, action.Option{Name: s, Label: s})
		}
	}
	return []action.Field{kind, {
		Name: "numInstances", Label: "Number of instances", Type: action.String, Default: "1",
		Description: "The number of instances to run. Valid values: 1 to 500.",
	}}
}
