package awsidentity

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/aws/awssdk"
	"integrationhub.dev/integrations/internal/objectstore"
)

// RoleError is the error if AWS issues no credentials.
type RoleError struct {
	whose string
	err   error
}

func (e *RoleError) Error() string { return "assuming " + e.whose + ": " + e.err.Error() }

// Unwrap returns the SDK's error.
func (e *RoleError) Unwrap() error { return e.err }

// Final keeps a request from being repeated because of its credentials: the request for a role was retried already. It is a
// check for [awssdk.Retryer].
func Final(err error) aws.Ternary {
	if _, role := errors.AsType[*RoleError](err); role {
		return aws.FalseTernary
	}
	return aws.UnknownTernary
}

// isTemporary reports whether AWS refused nothing, but failed.
// https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
func isTemporary(code string, err error) bool {
	var res interface{ HTTPStatusCode() int } // of AWS STS, or of the agent
	return code == issuerUnreachable || errors.As(err, &res) && res.HTTPStatusCode() >= http.StatusInternalServerError
}

// Explain converts an error of assuming a role to one for the Looker user. service is the name of the service that the role
// is for. The response is dropped, because it can quote the request. It returns nil for any other error.
func Explain(ctx context.Context, err error, service string) error {
	e, ok := errors.AsType[*RoleError](err)
	if !ok {
		return nil
	}
	if sent, ok := errors.AsType[*smithyhttp.RequestSendError](e.err); ok {
		return fmt.Errorf("assuming %s: %w", e.whose, outbound.ConnectionError(ctx, sent.Err, "AWS"))
	}
	code, text := awssdk.Reason(e.err)
	code = objectstore.ErrorCode(code)
	detail := fmt.Errorf("assuming %s: code %q", e.whose, code)
	vendor := awssdk.Service{Name: "AWS"}
	var explained action.Error
	switch code {
	case "InvalidClientTokenId":
		explained = vendor.UnknownKey()
	case "SignatureDoesNotMatch":
		explained = vendor.WrongSignature(text)
	case "RequestExpired":
		explained = vendor.WrongClock()
	}
	switch _, throttled := retry.DefaultThrottleErrorCodes[code]; {
	case throttled:
		return action.Wrap(detail, action.RateLimited, "AWS is throttling requests. Try again later.")
	case isTemporary(code, e.err):
		return action.Wrap(detail, action.Unavailable, "AWS is temporarily unavailable. Try again later.")
	}
	if explained.Message != "" {
		explained.Err = detail
		return &explained
	}
	return action.Wrap(detail, action.Forbidden, "AWS does not allow the hub to assume %s for %s. The hub's administrator "+
		"must check the role and its trust policy.", e.whose, service)
}
