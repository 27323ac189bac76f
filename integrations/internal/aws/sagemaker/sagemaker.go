// Package sagemaker is what the integrations with Amazon SageMaker have in common: a query's
// result goes to S3 as the CSV that SageMaker reads, a job is started with it, and somebody
// gets a mail when that has ended.
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

// name is what people call the destination.
const name = "Amazon SageMaker"

// Account is what the Looker administrator enters.
type Account struct {
	AccessKey action.Secret `param:"accessKeyId,required"`
	SecretKey action.Secret `param:"secretAccessKey,required"`
	Role      string        `param:"roleArn,required"`
	// Region is empty where the integration does not ask for it; then the bucket's counts.
	Region s3store.Region `param:"region"`
}

// homes are the regions that answer for a whole partition.
var homes = map[string]s3store.Region{"aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}

// home is where to ask about the account's buckets when no region is set.
func (a Account) home() s3store.Region {
	if a.Region != "" {
		return a.Region
	}
	if role, err := arn.Parse(strings.TrimSpace(a.Role)); err == nil && homes[role.Partition] != "" {
		return homes[role.Partition]
	}
	return "us-east-1"
}

func (a Account) s3(r s3store.Region) s3store.Account {
	return s3store.Account{AccessKey: a.AccessKey, SecretKey: a.SecretKey, Region: r}
}

// Client talks to SageMaker and S3 for the integrations.
type Client struct {
	deps  action.Deps
	store *s3store.Store
	// longestWait bounds the wait between two tries of one call.
	longestWait time.Duration
}

// New makes a client. It needs no settings.
func New(deps action.Deps) *Client {
	return &Client{
		deps: deps, longestWait: 20 * time.Second,
		store: s3store.New(deps, s3store.Service{
			Name: "Amazon S3", Vendor: "AWS",
			Needs: "s3:PutObject and s3:AbortMultipartUpload on the bucket, and the use of its encryption key if it has one",
		}),
	}
}

// longestName is how long the names of jobs and models may be.
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
const longestName = 63

// jobName is a name that no other job has: jobs of one millisecond are told apart.
func jobName(prefix string, now time.Time) string {
	suffix := fmt.Sprintf("-%d-%s", now.UnixMilli(), strings.ToLower(rand.Text()[:4]))
	return strings.TrimRight(prefix[:min(len(prefix), longestName-len(suffix))], "-") + suffix
}
