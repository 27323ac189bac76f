package s3store

import (
	"cmp"
	"context"
	"errors"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/objectstore"
)

// What follows is for integrations that use a bucket on the way to another service, and have
// forms of their own.

// ErrMayNotList is the error of [Store.Buckets] when the credentials are good, but not for
// seeing the buckets.
var ErrMayNotList = errMayNotList

// Buckets returns the names of the account's buckets.
func (s *Store) Buckets(ctx context.Context, a Account) ([]string, error) {
	return s.listBuckets(ctx, a)
}

// Locate returns the region of a bucket. Any credentials of the account may ask: S3 tells the
// region also where it denies access.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
func (s *Store) Locate(ctx context.Context, a Account, bucket Bucket) (Region, error) {
	name := string(bucket)
	out, err := s.client(a, a.Region, nil).HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &name})
	if err == nil {
		return cmp.Or(validated(aws.ToString(out.BucketRegion)), a.Region), nil
	}
	res, ok := errors.AsType[*smithyhttp.ResponseError](err)
	if !ok {
		return "", s.explain(ctx, "locating the bucket", err)
	}
	if r := regionHeader(res); r != "" && res.HTTPStatusCode() != http.StatusNotFound {
		return r, nil
	}
	explained := s.explain(ctx, "locating the bucket", err)
	switch res.HTTPStatusCode() { // an answer to HEAD has no code that would say more
	case http.StatusNotFound:
		e := action.Wrap(explained, action.NotFound, "The bucket does not exist.")
		e.Fields = map[string]string{"bucket": e.Message}
		return "", e
	case http.StatusForbidden:
		return "", action.Wrap(explained, action.Forbidden, "%s denied access. Check the access key and the bucket.", s.service.Name)
	}
	return "", explained
}

// validated is a region, or empty where the text names none.
func validated(text string) (r Region) {
	if r.UnmarshalText([]byte(text)) != nil {
		return ""
	}
	return r
}

// Bucket is the name of a bucket; see [bucketName].
type Bucket = bucketName

// Write writes data as an object, which appears once all of it has arrived.
func (s *Store) Write(ctx context.Context, a Account, bucket Bucket, key, contentType string, data action.Data) error {
	return s.write(ctx, a, bucket, objectstore.Delivery{Name: key, ContentType: contentType, Data: data})
}
