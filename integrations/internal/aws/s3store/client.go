package s3store

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
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/aws/awssdk"
	"integrationhub.dev/integrations/internal/objectstore"
)

// A call is tried again by the SDK: its body is a buffer, and every call here can be
// repeated without doing twice what it asks for.
const (
	tries       = 5
	longestWait = 20 * time.Second
)

// client makes a client for one request: the credentials are the request's. Unless nil,
// failed is told of every try that failed, from several goroutines.
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
		// Other servers do not all know the trailers in which the SDK sends checksums. TLS
		// guards the body there, or without TLS the signature.
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
	}
	return s3.New(o)
}

// retryer says how calls are tried again. Unless nil, failed is told of every try that failed.
func (s *Store) retryer(failed func(error)) aws.Retryer {
	return awssdk.Retryer(tries, s.LongestWait, retry.IsErrorRetryableFunc(func(err error) aws.Ternary {
		if failed != nil {
			failed(err)
		}
		return isFinal(err)
	}))
}

// isFinal prevents retries of what was already retried: calls for a role.
func isFinal(err error) aws.Ternary {
	if _, role := errors.AsType[*roleError](err); role {
		return aws.FalseTernary
	}
	return aws.UnknownTernary
}

// bucketsPerPage must be given: accounts with very many buckets are refused otherwise.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html
const bucketsPerPage = 1000

// errMayNotList says that the credentials are good, but not for seeing the buckets.
var errMayNotList = errors.New("the access key may not list buckets")

func (s *Store) listBuckets(ctx context.Context, a Account) ([]string, error) {
	var names []string
	pages := s3.NewListBucketsPaginator(s.client(a, a.Region, nil), &s3.ListBucketsInput{MaxBuckets: aws.Int32(bucketsPerPage)},
		func(o *s3.ListBucketsPaginatorOptions) { o.StopOnDuplicateToken = true })
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if errorCode(err) == "AccessDenied" {
			return nil, errMayNotList
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

// bucketRegion is where an answer, or the bucket itself, says that the bucket is; empty
// when err has nothing to do with regions. The reference's SDK follows such answers by
// itself, so that schedules exist whose region is not the bucket's.
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

func errorCode(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return plain(e.ErrorCode())
	}
	return ""
}

// explain turns the SDK's error into the hub's. The SDK's own text is dropped: it quotes
// addresses, and answers in which a server may quote what it was sent.
func (s *Store) explain(ctx context.Context, doing string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", doing, context.Cause(ctx))
	}
	if e, ok := errors.AsType[*roleError](err); ok {
		return s.explainRole(ctx, e)
	}
	// The SDK makes up an empty answer where there was none: so this comes first.
	if e, ok := errors.AsType[*smithyhttp.RequestSendError](err); ok {
		return s.connectionError(ctx, doing, e.Err)
	}
	res, ok := errors.AsType[*smithyhttp.ResponseError](err)
	if !ok || res.Response == nil {
		return action.Wrap(fmt.Errorf("%s: %T", doing, err), action.Internal, "The hub could not prepare its request to %s.", s.service.Name)
	}
	code, status := errorCode(err), res.HTTPStatusCode()
	detail := fmt.Errorf("%s: code %q, request %q: %w", doing, code,
		plain(res.Response.Header.Get("X-Amz-Request-Id")), &outbound.StatusError{Code: status})
	if e := s.explanation(code); e != nil {
		e.Err = detail
		return e
	}
	kind, text := action.KindOfStatus(status), http.StatusText(status)
	switch {
	case status < http.StatusMultipleChoices:
		return action.Wrap(detail, action.Unavailable, "Unexpected response from %s.", s.service.Name)
	case status < http.StatusBadRequest:
		return action.Wrap(detail, action.Invalid, "%s", wrongRegion)
	case kind == action.Invalid: // only here does the code say more than the status
		text = cmp.Or(code, text)
	}
	return action.Wrap(detail, kind, "%s answered %d %s.", s.service.Name, status, text)
}

func (s *Store) connectionError(ctx context.Context, doing string, err error) error {
	err = fmt.Errorf("%s: %w", doing, outbound.ConnectionError(ctx, err, s.service.Name))
	if action.KindOf(err) == action.NotFound { // the region is part of the host name
		return action.Wrap(err, action.NotFound, "%s has no address in this region. Check the region in the action's settings in "+
			"Looker.", s.service.Name)
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
