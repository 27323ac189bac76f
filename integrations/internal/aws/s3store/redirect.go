package s3store

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// regionName is the header with the region of a bucket.
const regionName = "X-Amz-Bucket-Region"

// bucketRegion returns the bucket's region if err is a redirect to it, and otherwise "". Existing
// schedules can have another region than the bucket, because the reference's SDK follows redirects.
func bucketRegion(ctx context.Context, c *s3.Client, bucket string, err error) Region {
	res, ok := errors.AsType[*smithyhttp.ResponseError](err)
	if !ok || !isRedirect(res, errorCode(err)) && errorCode(err) != "AuthorizationHeaderMalformed" {
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

// isRedirect reports whether a response means that the bucket is in another region. Regions that an account must
// opt in to answer 400 instead of 301.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
func isRedirect(res *smithyhttp.ResponseError, code string) bool {
	return res.HTTPStatusCode()/100 == 3 || code == "IllegalLocationConstraintException"
}

func regionHeader(res *smithyhttp.ResponseError) Region {
	if res.Response == nil {
		return ""
	}
	return validated(res.Response.Header.Get(regionName))
}

// addRegionFromBody adds [regionFromBody] next to the transport, because the SDK drops the body.
func addRegionFromBody(stack *middleware.Stack) error {
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("RegionFromBody", regionFromBody), middleware.After)
}

const maxErrorBody = 64 << 10

// regionFromBody sets the header with the bucket's region if only the body of an error names it, as that of
// AuthorizationHeaderMalformed does: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
func regionFromBody(
	ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler,
) (middleware.DeserializeOutput, middleware.Metadata, error) {
	out, metadata, err := next.HandleDeserialize(ctx, in)
	res, ok := out.RawResponse.(*smithyhttp.Response)
	if err != nil || !ok || res.StatusCode < http.StatusMultipleChoices || res.Header.Get(regionName) != "" {
		return out, metadata, err
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxErrorBody))
	if err != nil {
		return out, metadata, &smithyhttp.ResponseError{Response: res, Err: err}
	}
	res.Body = readCloser{io.MultiReader(bytes.NewReader(body), res.Body), res.Body}
	var named struct{ Region string }
	if xml.Unmarshal(body, &named) == nil && validated(named.Region) != "" {
		res.Header.Set(regionName, named.Region)
	}
	return out, metadata, nil
}

type readCloser struct {
	io.Reader
	io.Closer
}
