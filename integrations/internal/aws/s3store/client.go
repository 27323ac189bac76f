package s3store

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"integrationhub.dev/integrations/internal/aws/awssdk"
	"integrationhub.dev/integrations/internal/choice"
	"integrationhub.dev/integrations/internal/objectstore"
)

// The SDK retries requests. Every request here can be repeated, because its body is a buffer and its
// effect is the same.
const (
	maxAttempts = 5
	maxBackoff  = 20 * time.Second
)

// client makes a client with the credentials of one delivery. Unless nil, failed is called for every
// failed attempt, by several goroutines.
func (s *Store) client(a Account, r Region, failed func(error)) *s3.Client {
	o := s3.Options{
		Region:                     string(r),
		HTTPClient:                 objectstore.Client{HTTP: s.deps.HTTP},
		Credentials:                s.credentials(a, r),
		Retryer:                    s.retryer(failed),
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
	}
	if s.foreign() {
		o.BaseEndpoint, o.UsePathStyle = aws.String(strings.ReplaceAll(s.service.Endpoint, "{region}", string(r))), true
		// Not all other servers support the trailers in which the SDK sends checksums. TLS protects
		// the body there, or without TLS the signature.
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
	}
	return s3.New(o)
}

// retryer retries requests. Unless nil, failed is called for every failed attempt.
func (s *Store) retryer(failed func(error)) aws.Retryer {
	return awssdk.Retryer(maxAttempts, s.MaxBackoff, retry.IsErrorRetryableFunc(func(err error) aws.Ternary {
		if failed != nil {
			failed(err)
		}
		return isFinal(err)
	}))
}

// isFinal prevents retries of requests for a role, which were retried already.
func isFinal(err error) aws.Ternary {
	if _, role := errors.AsType[*roleError](err); role {
		return aws.FalseTernary
	}
	return aws.UnknownTernary
}

// bucketsPerPage is required for accounts with more than 10,000 buckets.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html
const bucketsPerPage = 1000

// Buckets returns the names of the account's buckets. The error is [choice.ErrDenied] if the
// credentials do not allow listing.
func (s *Store) Buckets(ctx context.Context, a Account) ([]string, error) {
	var names []string
	pages := s3.NewListBucketsPaginator(s.client(a, a.Region, nil), &s3.ListBucketsInput{MaxBuckets: aws.Int32(bucketsPerPage)},
		func(o *s3.ListBucketsPaginatorOptions) { o.StopOnDuplicateToken = true })
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if errorCode(err) == "AccessDenied" {
			return nil, choice.ErrDenied
		}
		if err != nil {
			return nil, s.explain(ctx, "listing buckets", err)
		}
		for _, b := range page.Buckets {
			names = append(names, aws.ToString(b.Name))
		}
	}
	return names, nil
}

// bucketRegion returns the bucket's region if err is a redirect to it, and otherwise "". Existing
// schedules can have another region than the bucket, because the reference's SDK follows redirects.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html
func bucketRegion(ctx context.Context, c *s3.Client, bucket string, err error) Region {
	res, ok := errors.AsType[*smithyhttp.ResponseError](err)
	if !ok || res.HTTPStatusCode()/100 != 3 && errorCode(err) != "AuthorizationHeaderMalformed" {
		return ""
	}
	if r := regionHeader(res); r != "" {
		return r
	}
	_, err = c.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &bucket})
	if res, ok := errors.AsType[*smithyhttp.ResponseError](err); ok {
		return regionHeader(res)
	}
	return ""
}

func regionHeader(res *smithyhttp.ResponseError) Region {
	var r Region
	if res.Response == nil || r.UnmarshalText([]byte(res.Response.Header.Get("X-Amz-Bucket-Region"))) != nil {
		return ""
	}
	return r
}
