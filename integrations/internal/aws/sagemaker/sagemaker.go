// Package sagemaker serves the integrations with Amazon SageMaker. It uploads a query's result to S3 as
// CSV, starts a job that reads it, follows the job, and mails how it ended.
package sagemaker

import (
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/aws/awsidentity"
	"integrationhub.dev/integrations/internal/aws/s3store"
)

// name is the destination's name in messages.
const name = "Amazon SageMaker"

// Account is what the Looker administrator enters.
type Account struct {
	AccessKey action.Secret `param:"accessKeyId"`
	SecretKey action.Secret `param:"secretAccessKey"`
	Role      string        `param:"roleArn,required"`
	// Region is empty if the integration does not ask for it: then it is the bucket's.
	Region s3store.Region `param:"region"`
}

// homeRegions are the regions whose endpoints serve a whole partition.
var homeRegions = map[string]s3store.Region{"aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}

// homeRegion is the region in which buckets are listed and located if none is set.
func (a Account) homeRegion() s3store.Region {
	if a.Region != "" {
		return a.Region
	}
	if role, err := arn.Parse(strings.TrimSpace(a.Role)); err == nil && homeRegions[role.Partition] != "" {
		return homeRegions[role.Partition]
	}
	return "us-east-1"
}

func (a Account) s3(r s3store.Region) s3store.Account {
	return s3store.Account{AccessKey: a.AccessKey, SecretKey: a.SecretKey, Region: r}
}

// settings are the hub's, for all integrations with SageMaker.
type settings struct {
	// Role is assumed for every request. SageMaker itself has the role in Looker's settings.
	Role       string `env:"AMAZON_SAGEMAKER_ROLE_ARN"`
	ExternalID string `env:"AMAZON_SAGEMAKER_EXTERNAL_ID"`
	// PodIdentity makes the access key optional. Without one, the hub uses its pod's identity.
	PodIdentity bool `env:"AMAZON_SAGEMAKER_POD_IDENTITY"`
	awsidentity.Pod
}

// identity returns the hub's own identity.
func (s settings) identity() (id awsidentity.Identity, err error) {
	if s.PodIdentity {
		id, err = s.Identity()
	}
	id.Role, id.ExternalID = s.Role, s.ExternalID
	return id, err
}

// Client calls SageMaker and S3 for the integrations.
type Client struct {
	deps     action.Deps
	identity awsidentity.Identity
	store    *s3store.Store
	// maxBackoff bounds the wait between two attempts of a call.
	maxBackoff time.Duration
}

// New makes a client.
func New(deps action.Deps) (*Client, error) {
	s, err := action.Settings[settings](deps)
	if err != nil {
		return nil, err
	}
	id, err := s.identity()
	if err != nil {
		return nil, err
	}
	return &Client{
		deps: deps, identity: id, maxBackoff: 20 * time.Second,
		store: s3store.New(deps, s3store.Service{
			Name: "Amazon S3", Vendor: "AWS", Identity: id,
			Needs: "s3:PutObject and s3:AbortMultipartUpload on the bucket, and the use of its encryption key if it has one",
		}),
	}, nil
}

// Account reads the administrator's settings. Without an identity of the hub's own, both keys are required.
func (c *Client) Account(req *action.Request) (Account, error) {
	if c.identity.Keyless() {
		return action.Decode[Account](req)
	}
	type required struct {
		AccessKey action.Secret `param:"accessKeyId,required"`
		SecretKey action.Secret `param:"secretAccessKey,required"`
		Role      string        `param:"roleArn,required"`
	}
	if _, err := action.Decode[required](req); err != nil {
		return Account{}, err
	}
	return action.Decode[Account](req)
}

// maxName is the maximum length of the names of jobs and models:
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
const maxName = 63

// jobName returns a unique name. The random part distinguishes jobs of the same millisecond.
func jobName(prefix string, now time.Time) string {
	suffix := fmt.Sprintf("-%d-%s", now.UnixMilli(), strings.ToLower(rand.Text()[:4]))
	return strings.TrimRight(prefix[:min(len(prefix), maxName-len(suffix))], "-") + suffix
}
