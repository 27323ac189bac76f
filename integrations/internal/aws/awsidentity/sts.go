package awsidentity

import (
	"context"
	"net/url"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"integrationhub.dev/integrations/internal/aws/awscall"
)

// stsAPI is AWS STS: https://docs.aws.amazon.com/STS/latest/APIReference/
var stsAPI = awscall.Service{ID: "STS", SigningName: "sts", Host: "sts", Protocol: awscall.Query{Version: "2011-06-15"}}

// stsClient calls the two operations of AWS STS that issue credentials for a role. The SDK's own client would link all operations
// and a table of endpoints.
type stsClient struct {
	http        aws.HTTPClient
	region      string
	credentials aws.CredentialsProvider
	retryer     aws.Retryer
}

// issued is the result of both operations.
type issued struct {
	Credentials *types.Credentials
	User        *types.AssumedRoleUser `xml:"AssumedRoleUser"`
}

// AssumeRole implements [stscreds.AssumeRoleAPIClient]:
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
func (c stsClient) AssumeRole(ctx context.Context, in *sts.AssumeRoleInput, with ...func(*sts.Options)) (*sts.AssumeRoleOutput, error) {
	form := url.Values{"RoleArn": {*in.RoleArn}, "RoleSessionName": {*in.RoleSessionName}}
	if in.DurationSeconds != nil {
		form.Set("DurationSeconds", strconv.Itoa(int(*in.DurationSeconds)))
	}
	if in.ExternalId != nil {
		form.Set("ExternalId", *in.ExternalId)
	}
	var out struct {
		Result issued `xml:"AssumeRoleResult"`
	}
	if err := c.call(ctx, "AssumeRole", form, &out, with); err != nil {
		return nil, err
	}
	return &sts.AssumeRoleOutput{Credentials: out.Result.Credentials, AssumedRoleUser: out.Result.User}, nil
}

// AssumeRoleWithWebIdentity implements [stscreds.AssumeRoleWithWebIdentityAPIClient]:
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
func (c stsClient) AssumeRoleWithWebIdentity(
	ctx context.Context, in *sts.AssumeRoleWithWebIdentityInput, with ...func(*sts.Options),
) (*sts.AssumeRoleWithWebIdentityOutput, error) {
	form := url.Values{
		"RoleArn": {*in.RoleArn}, "RoleSessionName": {*in.RoleSessionName}, "WebIdentityToken": {*in.WebIdentityToken},
	}
	var out struct {
		Result issued `xml:"AssumeRoleWithWebIdentityResult"`
	}
	if err := c.call(ctx, "AssumeRoleWithWebIdentity", form, &out, with); err != nil {
		return nil, err
	}
	return &sts.AssumeRoleWithWebIdentityOutput{Credentials: out.Result.Credentials, AssumedRoleUser: out.Result.User}, nil
}

// issuerUnreachable is the code if AWS did not reach the cluster's issuer of tokens: "This is often a transient error caused by
// network conditions. Retry the request a limited number of times".
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html#API_AssumeRoleWithWebIdentity_Errors
const issuerUnreachable = "IDPCommunicationError"

// call uses the retryer that an option can change; the SDK's providers change nothing else.
func (c stsClient) call(ctx context.Context, operation string, form url.Values, out any, with []func(*sts.Options)) error {
	o := sts.Options{Retryer: c.retryer}
	for _, change := range with {
		change(&o)
	}
	retryer := retry.AddWithErrorCodes(o.Retryer, issuerUnreachable)
	client := &awscall.Client{Service: stsAPI, Region: c.region, HTTP: c.http, Credentials: c.credentials, Retryer: retryer}
	return client.Call(ctx, operation, form, out)
}
