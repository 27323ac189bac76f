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
	"integrationhub.dev/integrations/internal/aws/s3store"
)

// name is the destination's name in messages.
const name = "Amazon SageMaker"

// Account is what the Looker administrator enters.
type Account struct {
	AccessKey action.Secret `param:"accessKeyId,required"`
	SecretKey action.Secret `param:"secretAccessKey,required"`
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

// Client calls SageMaker and S3 for the integrations.
type Client struct {
	deps  action.Deps
	store *s3store.Store
	// maxBackoff bounds the wait between two attempts of a call.
	maxBackoff time.Duration
}

// New makes a client. It needs no settings.
func New(deps action.Deps) *Client {
	return &Client{
		deps: deps, maxBackoff: 20 * time.Second,
		store: s3store.New(deps, s3store.Service{
			Name: "Amazon S3", Vendor: "AWS",
			Needs: "s3:PutObject and s3:AbortMultipartUpload on the bucket, and the use of its encryption key if it has one",
		}),
	}
}

// maxName is the maximum length of the names of jobs and models:
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
const maxName = 63

// jobName returns a unique name. The random part distinguishes jobs of the same millisecond.
func jobName(prefix string, now time.Time) string {
	suffix := fmt.Sprintf("-%d-%s", now.UnixMilli(), strings.ToLower(rand.Text()[:4]))
	return strings.TrimRight(prefix[:min(len(prefix), maxName-len(suffix))], "-") + suffix
}
