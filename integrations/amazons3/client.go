package amazons3

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
)

// name is what people call the destination.
const name = "Amazon S3"

// A call is tried again by the SDK: its body is a buffer, and every call here can be
// repeated without doing twice what it asks for.
const (
	tries       = 5
	longestWait = 20 * time.Second
)

// client makes a client for one request: the credentials are the request's.
func (i *Integration) client(a account, r region) *s3.Client {
	o := s3.Options{
		Region:     string(r),
		HTTPClient: i.deps.HTTP,
		Credentials: credentials.NewStaticCredentialsProvider(
			// Keys hold no blanks, but what is pasted does.
			strings.TrimSpace(a.AccessKey.Reveal()), strings.TrimSpace(a.SecretKey.Reveal()), ""),
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts, o.MaxBackoff = tries, i.longestWait
			o.Retryables = append([]retry.IsErrorRetryable{retry.IsErrorRetryableFunc(policyIsFinal)}, o.Retryables...)
		}),
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
	}
	if e := i.settings.Endpoint; e != "" {
		o.BaseEndpoint, o.UsePathStyle = aws.String(string(e)), true
		// Other servers do not all know the trailers in which the SDK sends checksums. TLS
		// guards the body there, or without TLS the signature.
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
	}
	return s3.New(o)
}

func policyIsFinal(err error) aws.Ternary {
	if errors.Is(err, outbound.ErrForbiddenAddress) {
		return aws.FalseTernary
	}
	return aws.UnknownTernary
}

// bucketsPerPage must be given: accounts with very many buckets are refused otherwise.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html
const bucketsPerPage = 1000

// errMayNotList says that the credentials are good, but not for seeing the buckets.
var errMayNotList = errors.New("the access key may not list buckets")

func (i *Integration) listBuckets(ctx context.Context, a account) ([]string, error) {
	var names []string
	pages := s3.NewListBucketsPaginator(i.client(a, a.Region), &s3.ListBucketsInput{MaxBuckets: aws.Int32(bucketsPerPage)},
		func(o *s3.ListBucketsPaginatorOptions) { o.StopOnDuplicateToken = true })
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if errorCode(err) == "AccessDenied" {
			return nil, errMayNotList
		}
		if err != nil {
			return nil, explain(ctx, "listing buckets", err)
		}
		for _, b := range page.Buckets {
			names = append(names, aws.ToString(b.Name))
		}
	}
	return names, nil
}

// bucketRegion is where an answer, or the bucket itself, says that the bucket is; empty
// when err has nothing to do with regions. The reference's SDK follows such answers by
// itself, so that schedules exist whose region is not the bucket's.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html
func bucketRegion(ctx context.Context, c *s3.Client, bucket string, err error) region {
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

func regionHeader(res *smithyhttp.ResponseError) region {
	var r region
	if res.Response == nil || r.UnmarshalText([]byte(res.Response.Header.Get("X-Amz-Bucket-Region"))) != nil {
		return ""
	}
	return r
}

func errorCode(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return plain(e.ErrorCode())
	}
	return ""
}

// explanations say what S3's error codes mean for the person in Looker:
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
var explanations = map[string]action.Error{
	"InvalidAccessKeyId":           wrongKeys,
	"SignatureDoesNotMatch":        wrongKeys,
	"InvalidToken":                 wrongKeys,
	"ExpiredToken":                 wrongKeys,
	"InvalidSecurity":              wrongKeys,
	"AccessDenied":                 {Kind: action.Forbidden, Message: "Amazon S3 denied access. The access key needs s3:PutObject and s3:AbortMultipartUpload on the bucket, and the use of its encryption key if it has one."},
	"AllAccessDisabled":            {Kind: action.Forbidden, Message: "Amazon S3 has disabled all access to this bucket."},
	"AccountProblem":               {Kind: action.Forbidden, Message: "Amazon S3 reports a problem with the AWS account."},
	"NoSuchBucket":                 {Kind: action.NotFound, Message: "The bucket does not exist.", Fields: map[string]string{"bucket": "The bucket does not exist."}},
	"InvalidBucketName":            {Kind: action.Invalid, Message: "The bucket's name is not valid.", Fields: map[string]string{"bucket": "The bucket's name is not valid."}},
	"PermanentRedirect":            wrongRegion,
	"TemporaryRedirect":            wrongRegion,
	"AuthorizationHeaderMalformed": wrongRegion,
	"KeyTooLongError":              {Kind: action.Invalid, Message: "The path and the filename together are too long for Amazon S3."},
	"EntityTooLarge":               {Kind: action.TooLarge, Message: "The data is larger than Amazon S3 allows."},
	"RequestTimeTooSkewed":         {Kind: action.Internal, Message: "Amazon S3 refuses the hub's requests because the hub's clock is wrong."},
	"NoSuchUpload":                 {Kind: action.Unavailable, Message: "The upload was ended at Amazon S3 before it was complete."},
	"SlowDown":                     tooMany,
	"Throttling":                   tooMany,
	"ThrottlingException":          tooMany,
	"TooManyRequests":              tooMany,
	"RequestLimitExceeded":         tooMany,
	"RequestTimeout":               {Kind: action.Timeout, Message: "Amazon S3 waited too long for the data."},
}

var (
	wrongKeys   = action.Error{Kind: action.Unauthenticated, Message: "Amazon S3 does not accept the access key with this secret key. Check both in the action's settings in Looker."}
	wrongRegion = action.Error{Kind: action.Invalid, Message: "The bucket is not in this region. Check the region in the action's settings in Looker."}
	tooMany     = action.Error{Kind: action.RateLimited, Message: "Amazon S3 takes no more requests for the moment."}
)

// explain turns the SDK's error into the hub's. The SDK's own text is dropped: it quotes
// addresses, and answers in which a server may quote what it was sent.
func explain(ctx context.Context, doing string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", doing, context.Cause(ctx))
	}
	// The SDK makes up an empty answer where there was none: so this comes first.
	if e, ok := errors.AsType[*smithyhttp.RequestSendError](err); ok {
		return connectionError(ctx, doing, e.Err)
	}
	res, ok := errors.AsType[*smithyhttp.ResponseError](err)
	if !ok || res.Response == nil {
		return action.Wrap(fmt.Errorf("%s: %T", doing, err), action.Internal, "The hub could not prepare its request to %s.", name)
	}
	code, status := errorCode(err), res.HTTPStatusCode()
	detail := fmt.Errorf("%s: code %q, request %q: %w", doing, code,
		plain(res.Response.Header.Get("X-Amz-Request-Id")), &outbound.StatusError{Code: status})
	if e, ok := explanations[code]; ok {
		e.Err = detail
		return &e
	}
	kind, text := action.KindOfStatus(status), http.StatusText(status)
	switch {
	case status < http.StatusMultipleChoices:
		return action.Wrap(detail, action.Unavailable, "%s sent an answer that the hub does not understand.", name)
	case status < http.StatusBadRequest:
		return action.Wrap(detail, wrongRegion.Kind, "%s", wrongRegion.Message)
	case kind == action.Invalid: // only here does the code say more than the status
		text = cmp.Or(code, text)
	}
	return action.Wrap(detail, kind, "%s answered %d %s.", name, status, text)
}

func connectionError(ctx context.Context, doing string, err error) error {
	err = fmt.Errorf("%s: %w", doing, outbound.ConnectionError(ctx, err, name))
	if action.KindOf(err) == action.NotFound { // the region is part of the host name
		return action.Wrap(err, action.NotFound, "%s has no address in this region. Check the region in the action's settings in Looker.", name)
	}
	return err
}

// plain keeps what codes and identifiers are made of: they come from outside, and go into
// messages and logs.
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_' || r == '-' {
			return r
		}
		return -1
	}, text)
	return text[:min(len(text), 64)]
}
