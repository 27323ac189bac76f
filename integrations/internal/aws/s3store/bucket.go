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

// Locate returns the region of a bucket. S3 reports the region even if it denies access.
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
	switch res.HTTPStatusCode() { // a response to HEAD has no error code
	case http.StatusNotFound:
		e := action.Wrap(explained, action.NotFound, "The bucket does not exist.")
		e.Fields = map[string]string{"bucket": e.Message}
		return "", e
	case http.StatusForbidden:
		return "", action.Wrap(explained, action.Forbidden, "%s denied access. Check the access key and the bucket.", s.service.Name)
	}
	return "", explained
}

// validated returns a valid region, or "".
func validated(text string) (r Region) {
	if r.UnmarshalText([]byte(text)) != nil {
		return ""
	}
	return r
}

// Bucket is the name of a bucket; see [bucketName].
type Bucket = bucketName

// Write writes data as an object, which becomes visible when it is complete.
func (s *Store) Write(ctx context.Context, a Account, bucket Bucket, key, contentType string, data action.Data) error {
	o, err := s.newObject(ctx, a, bucket, objectstore.Delivery{Name: key, ContentType: contentType, Data: data})
	if err != nil {
		return err
	}
	return s.Plan.Write(ctx, data, o)
}
