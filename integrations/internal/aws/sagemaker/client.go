package sagemaker

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/aws/awssdk"
	"integrationhub.dev/integrations/internal/aws/s3store"
	"integrationhub.dev/integrations/internal/message"
)

const (
	// tries is how often the SDK makes a call. Jobs have names of their own, so that none is
	// started twice.
	tries = 5
	// timeout bounds a call with all of its tries.
	timeout = 2 * time.Minute
)

// service makes a client for one request: the credentials are the request's.
func (c *Client) service(a Account, r s3store.Region) *sagemaker.Client {
	return sagemaker.New(sagemaker.Options{
		Region:      string(r),
		HTTPClient:  c.deps.HTTP,
		Credentials: awssdk.Credentials(a.AccessKey, a.SecretKey),
		Retryer:     awssdk.Retryer(tries, c.longestWait),
	})
}

// call makes one call of the SDK within its time, and explains its error.
func call[In, Out any](ctx context.Context, doing string, f func(context.Context, *In, ...func(*sagemaker.Options)) (*Out, error), in *In) (*Out, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, action.Errorf(action.Timeout, "%s did not answer in time.", name))
	defer cancel()
	out, err := f(ctx, in)
	if err != nil {
		return nil, explain(ctx, doing, err)
	}
	return out, nil
}

// codeError keeps SageMaker's error code, for what depends on it.
type codeError struct {
	code    string
	message string
	err     error
}

func (e *codeError) Error() string { return fmt.Sprintf("code %q: %v", e.code, e.err) }
func (e *codeError) Unwrap() error { return e.err }

// Codes of SageMaker's that say that a name is taken. A taken name is a ValidationException
// where it is a model's.
const (
	codeInUse      = "ResourceInUse"
	codeValidation = "ValidationException"
)

func codeOf(err error) (code, message string) {
	if e, ok := errors.AsType[*codeError](err); ok {
		return e.code, e.message
	}
	return "", ""
}

// explanations are what codes mean for the person in Looker
// (https://docs.aws.amazon.com/sagemaker/latest/APIReference/CommonErrors.html).
var explanations = map[string]action.Error{
	"UnrecognizedClientException": wrongKeys,
	"InvalidClientTokenId":        wrongKeys,
	"InvalidSignatureException":   wrongKeys,
	"IncompleteSignature":         wrongKeys,
	"ExpiredTokenException":       wrongKeys,
	"MissingAuthenticationToken":  wrongKeys,
	"OptInRequired": {Kind: action.Forbidden, Message: "The AWS account is not subscribed to Amazon SageMaker in " +
		"this region."},
	"RequestExpired": {Kind: action.Internal, Message: "Amazon SageMaker refuses the hub's requests because the " +
		"hub's clock is wrong."},
	"ThrottlingException": tooMany,
	"Throttling":          tooMany,
}

var (
	wrongKeys = action.Error{Kind: action.Unauthenticated, Message: "Amazon SageMaker does not accept the access key with this " +
		"secret key. Check both in the action's settings in Looker."}
	tooMany = action.Error{Kind: action.RateLimited, Message: "Amazon SageMaker is throttling requests. Try again later."}
)

// explain turns the SDK's error into the hub's. Of SageMaker's own words only those are shown
// that are about what the user chose.
func explain(ctx context.Context, doing string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", doing, context.Cause(ctx))
	}
	if e, ok := errors.AsType[*smithyhttp.RequestSendError](err); ok {
		err := fmt.Errorf("%s: %w", doing, outbound.ConnectionError(ctx, e.Err, name))
		if action.KindOf(err) == action.NotFound { // the region is part of the host name
			return action.Wrap(err, action.NotFound, "%s has no address in this region. Check the region in the action's settings in "+
				"Looker.", name)
		}
		return err
	}
	res, ok := errors.AsType[*smithyhttp.ResponseError](err)
	if !ok || res.Response == nil {
		return action.Wrap(fmt.Errorf("%s: %T", doing, err), action.Internal, "The hub could not prepare its request to %s.", name)
	}
	return explainAnswer(doing, err, res.HTTPStatusCode())
}

func explainAnswer(doing string, err error, status int) error {
	detail := &codeError{err: fmt.Errorf("%s: %w", doing, &outbound.StatusError{Code: status})}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		detail.code, detail.message = message.Line(api.ErrorCode()), message.Line(api.ErrorMessage())
	}
	if e, ok := explanations[detail.code]; ok {
		e.Err = detail
		return &e
	}
	switch {
	case status < 400:
		return action.Wrap(detail, action.Unavailable, "Unexpected response from %s.", name)
	case strings.HasPrefix(detail.code, "AccessDenied"): // its message names the account
		return action.Wrap(detail, action.Forbidden, "%s denied access. The access key lacks a permission for %s.", name, doing)
	case status < 500 && detail.message != "":
		return action.Wrap(detail, action.KindOfStatus(status), "%s refuses: %s (%s)", name, detail.message, detail.code)
	}
	return action.Wrap(detail, action.KindOfStatus(status), "%s answered %d %s.", name, status, http.StatusText(status))
}
