package awssdk

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
)

// Service is an AWS service, as messages to the Looker user name it.
type Service struct {
	Name string
}

// WithoutResponse explains an error of the SDK for which there is no response: the context ended, or
// the request could not be made or sent. It returns nil if there is one. doing names the call in
// logs, such as "listing models".
//
// The SDK's own text is dropped, because it quotes the request.
func (s Service) WithoutResponse(ctx context.Context, doing string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", doing, context.Cause(ctx))
	}
	if e, ok := errors.AsType[*smithyhttp.RequestSendError](err); ok {
		err := fmt.Errorf("%s: %w", doing, outbound.ConnectionError(ctx, e.Err, s.Name))
		if action.KindOf(err) == action.NotFound { // the region is part of the host name
			return action.Wrap(err, action.NotFound,
				"%s has no address in this region. Check the region in the action's settings in Looker.", s.Name)
		}
		return err
	}
	if Status(err) == 0 {
		return action.Wrap(fmt.Errorf("%s: %T", doing, err), action.Internal, "The hub could not prepare its request to %s.", s.Name)
	}
	return nil
}

// RejectedKeys is the meaning of the error codes that do not say which of the two keys is wrong.
func (s Service) RejectedKeys() action.Error {
	return action.Error{Kind: action.Unauthenticated, Message: s.Name + " does not accept the access key with this secret key. " +
		"Check both in the action's settings in Looker."}
}

// UnknownKey is the meaning of the error codes for an access key that does not exist.
func (s Service) UnknownKey() action.Error {
	return action.Error{Kind: action.Unauthenticated, Message: s.Name + " does not recognize this access key. Check it in the action's " +
		"settings in Looker."}
}

// WrongSignature is the meaning of the error codes for a signature that another secret key made, or that was made at
// another time. Only the text of the response says which; S3 alone has a code for it.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
func (s Service) WrongSignature(text string) action.Error {
	if strings.HasPrefix(text, "Signature expired") || strings.HasPrefix(text, "Signature not yet current") {
		return s.WrongClock()
	}
	return action.Error{Kind: action.Unauthenticated, Message: s.Name + " rejected the request's signature. Check the secret key in " +
		"the action's settings in Looker."}
}

// Expired is the meaning of the error codes for credentials that are no longer valid.
func (s Service) Expired() action.Error {
	return action.Error{Kind: action.Unauthenticated, Message: "The credentials for " + s.Name + " have expired. Renew them where " +
		"they come from."}
}

// WrongClock is the meaning of the error codes for a request from another time.
func (s Service) WrongClock() action.Error {
	return action.Error{Kind: action.Internal, Message: s.Name + " rejects the hub's requests because the hub's clock is wrong."}
}

// NotSubscribed is the meaning of the error code OptInRequired.
func (s Service) NotSubscribed() action.Error {
	return action.Error{Kind: action.Forbidden, Message: "The AWS account is not subscribed to " + s.Name + " in this region."}
}

// Status is the HTTP status of the response that caused an error; 0 means that there was none.
func Status(err error) int {
	if res, ok := errors.AsType[*smithyhttp.ResponseError](err); ok && res.Response != nil {
		return res.HTTPStatusCode()
	}
	return 0
}

// Reason returns the error code and the text in the response that caused an error, each on one line.
// They are empty if there are none. The text can quote the request.
func Reason(err error) (code, text string) {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return action.Line(e.ErrorCode()), action.Line(e.ErrorMessage())
	}
	return "", ""
}
