package sagemaker

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/aws/awscall"
	"integrationhub.dev/integrations/internal/aws/awsidentity"
	"integrationhub.dev/integrations/internal/aws/awssdk"
	"integrationhub.dev/integrations/internal/aws/s3store"
)

const (
	// maxAttempts is how often the SDK makes a call. Each job has a unique name, so none is started
	// twice.
	maxAttempts = 5
	// timeout bounds a call with all of its attempts.
	timeout = 2 * time.Minute
)

// service returns a client of SageMaker for one request, with that request's credentials.
func (c *Client) service(a Account, r s3store.Region) *awscall.Client {
	return &awscall.Client{
		Service: api, Region: string(r), HTTP: c.deps.HTTP, Credentials: c.credentials(a, r), Retryer: c.retryer(),
	}
}

// credentials returns the credentials that requests are signed with.
func (c *Client) credentials(a Account, r s3store.Region) aws.CredentialsProvider {
	return awsidentity.Provider{
		Identity: c.identity, STS: c.deps.HTTP, Agent: c.deps.Identity, Retryer: c.retryer,
	}.Credentials(awsidentity.Keys{Access: a.AccessKey, Secret: a.SecretKey}, string(r))
}

func (c *Client) retryer() aws.Retryer {
	return awssdk.Retryer(maxAttempts, c.maxBackoff, retry.IsErrorRetryableFunc(awsidentity.Final))
}

// call makes one call of an operation with a timeout, and explains its error.
func call[Out any](ctx context.Context, service *awscall.Client, operation string, in any) (*Out, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, action.Errorf(action.Timeout, "%s did not respond in time.", name))
	defer cancel()
	out := new(Out)
	if err := service.Call(ctx, operation, in, out); err != nil {
		return nil, explain(ctx, "sagemaker:"+operation, err)
	}
	return out, nil
}

// codeError keeps SageMaker's error code and message for callers that depend on them.
type codeError struct {
	code    string
	message string
	err     error
}

func (e *codeError) Error() string { return fmt.Sprintf("code %q: %v", e.code, e.err) }
func (e *codeError) Unwrap() error { return e.err }

// The error codes for a name that is in use: codeInUse for jobs, codeValidation for models.
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

var awsService = awssdk.Service{Name: name}

// explanations are the meanings of error codes
// (https://docs.aws.amazon.com/sagemaker/latest/APIReference/CommonErrors.html).
var explanations = map[string]action.Error{
	"UnrecognizedClientException": awsService.UnknownKey(),
	"InvalidClientTokenId":        awsService.UnknownKey(),
	"InvalidSignatureException":   awsService.WrongSignature(""),
	"IncompleteSignature":         awsService.RejectedKeys(),
	"ExpiredTokenException":       awsService.Expired(),
	"MissingAuthenticationToken":  awsService.RejectedKeys(),
	"OptInRequired":               awsService.NotSubscribed(),
	"RequestExpired": {
		Kind: action.Internal, Message: "Amazon SageMaker rejects the hub's requests because the hub's clock is wrong.",
	},
	"ThrottlingException": throttled,
	"Throttling":          throttled,
}

var throttled = action.Error{Kind: action.RateLimited, Message: "Amazon SageMaker is throttling requests. Try again later."}

// explain converts an error of the SDK to one for the Looker user. SageMaker's text is shown only for
// client errors, which are about the user's choices.
func explain(ctx context.Context, doing string, err error) error {
	if ctx.Err() == nil {
		if err := awsidentity.Explain(ctx, err, name); err != nil {
			return err
		}
	}
	if err := awsService.WithoutResponse(ctx, doing, err); err != nil {
		return err
	}
	status := awssdk.Status(err)
	detail := &codeError{err: fmt.Errorf("%s: %w", doing, &outbound.StatusError{Code: status})}
	detail.code, detail.message = awssdk.Reason(err)
	e, ok := explanations[detail.code]
	if detail.code == "InvalidSignatureException" {
		e = awsService.WrongSignature(detail.message)
	}
	if ok {
		e.Err = detail
		return &e
	}
	switch {
	case status < 400:
		return action.Wrap(detail, action.Unavailable, "Unexpected response from %s.", name)
	case strings.HasPrefix(detail.code, "AccessDenied"): // its text names the account
		return action.Wrap(detail, action.Forbidden, "%s denied access. The access key or role lacks a permission for %s.", name, doing)
	case detail.code == "ResourceLimitExceeded": // the quota of one instance type
		return action.Wrap(detail, action.KindOfStatus(status), "%s rejected the request: %s (%s). Choose fewer instances or another "+
			"type, or "+
			"ask AWS for a larger quota.", name, detail.message, detail.code)
	case status < 500 && detail.message != "":
		return action.Wrap(detail, action.KindOfStatus(status), "%s rejected the request: %s (%s)", name, detail.message, detail.code)
	}
	return action.Wrap(detail, action.KindOfStatus(status), "%s returned %d %s.", name, status, http.StatusText(status))
}
