package s3store

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"integrationhub.dev/integrations/internal/aws/awsidentity"
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
		// Not all other servers support the trailers in which the SDK sends checksums, and Google's
		// supports none of the x-amz-checksum- headers. All know Content-MD5, which a bucket with
		// Object Lock requires as an alternative to them.
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		o.APIOptions = append(o.APIOptions, addContentMD5)
	}
	o.APIOptions = append(o.APIOptions, addRegionFromBody)
	return s3.New(o, func(o *s3.Options) { o.HTTPSignerV4 = signer{o.HTTPSignerV4} })
}

// credentials returns the credentials that requests are signed with.
func (s *Store) credentials(a Account, r Region) aws.CredentialsProvider {
	return awsidentity.Provider{
		Identity: s.service.Identity, STS: objectstore.Client{HTTP: s.deps.HTTP}, Agent: objectstore.Client{HTTP: s.deps.Identity},
		Retryer: func() aws.Retryer { return s.retryer(nil) },
	}.Credentials(a.keys(), string(r))
}

// addContentMD5 adds the header to requests with a body: an object, a part, and the list of the parts.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html
// https://cloud.google.com/storage/docs/xml-api/reference-headers#contentmd5
// https://docs.ceph.com/en/latest/radosgw/s3/objectops/#put-object
func addContentMD5(stack *middleware.Stack) error {
	switch stack.ID() {
	case "PutObject", "UploadPart", "CompleteMultipartUpload":
		return smithyhttp.AddContentChecksumMiddleware(stack)
	}
	return nil
}

// signer leaves Accept-Encoding out of the signature, which the SDK includes. Proxies may change the header, and
// Google's front end does before Cloud Storage verifies the signature: https://github.com/aws/aws-sdk-go-v2/issues/1816
// S3 requires only Host, Content-Type and the x-amz- headers to be signed:
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
type signer struct{ s3.HTTPSignerV4 }

// SignHTTP implements [s3.HTTPSignerV4].
func (s signer) SignHTTP(
	ctx context.Context, c aws.Credentials, r *http.Request, hash, service, region string, at time.Time, o ...func(*v4.SignerOptions),
) error {
	const name = "Accept-Encoding"
	values, sent := r.Header[name]
	delete(r.Header, name)
	err := s.HTTPSignerV4.SignHTTP(ctx, c, r, hash, service, region, at, o...)
	if sent {
		r.Header[name] = values
	}
	return err
}

// retryer retries requests. Unless nil, failed is called for every failed attempt.
func (s *Store) retryer(failed func(error)) aws.Retryer {
	return awssdk.Retryer(maxAttempts, s.MaxBackoff, retry.IsErrorRetryableFunc(func(err error) aws.Ternary {
		if failed != nil {
			failed(err)
		}
		return isTemporary(err)
	}), retry.IsErrorRetryableFunc(awsidentity.Final))
}

// isTemporary reports whether a request is repeated. The SDK does not
// repeat requests that were damaged in transit, or that conflict with another one, as S3 asks for:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html#conditional-error-response
// At the end of an upload in parts, S3 asks for a new upload, but the data can be read only once. If the upload is
// gone, the repeated request says so.
func isTemporary(err error) aws.Ternary {
	switch errorCode(err) {
	case "ConditionalRequestConflict", "OperationAborted", "BadDigest":
		return aws.TrueTernary
	}
	return aws.UnknownTernary
}

// bucketsPerPage is required for accounts with more than 10,000 buckets.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html
const bucketsPerPage = 1000

// Buckets returns the names of the account's buckets. The error is [choice.ErrDenied] if the
// credentials do not allow listing, or the server has no list.
func (s *Store) Buckets(ctx context.Context, a Account) ([]string, error) {
	var names []string
	in := &s3.ListBucketsInput{MaxBuckets: aws.Int32(bucketsPerPage)}
	if s.foreign() {
		// Some servers answer 501 NotImplemented for a parameter that is new: https://github.com/aws/aws-sdk-js-v3/issues/5565
		in.MaxBuckets = nil
	}
	pages := s3.NewListBucketsPaginator(s.client(a, a.Region, nil), in, func(o *s3.ListBucketsPaginatorOptions) {
		o.StopOnDuplicateToken = true
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		switch errorCode(err) {
		case "AccessDenied", "NotImplemented":
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
