package s3store

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/aws/awsidentity"
	"integrationhub.dev/integrations/internal/aws/awssdk"
	"integrationhub.dev/integrations/internal/objectstore"
)

// wrongRegion is the error for a bucket in another region, which the response may name.
func wrongRegion(r Region) *action.Error {
	if r != "" {
		return action.Errorf(action.Invalid, "The bucket is in the region %s. Enter it in the action's settings in Looker.", r)
	}
	return action.Errorf(action.Invalid, "The bucket is not in this region. Check the region in the action's settings in Looker.")
}

// credentialsError explains an error code for credentials to the Looker user, or returns nil.
func (s *Store) credentialsError(code string) *action.Error {
	service := awssdk.Service{Name: s.service.Name}
	var e action.Error
	switch code {
	case "InvalidAccessKeyId":
		e = service.UnknownKey()
	case "SignatureDoesNotMatch":
		e = service.WrongSignature("")
		if s.foreign() {
			e.Message += " If it is correct, a proxy in front of the server may be changing requests."
		}
	case "InvalidSecurity", "CredentialsNotSupported":
		e = service.RejectedKeys()
	case "ExpiredToken", "TokenRefreshRequired":
		e = service.Expired()
	case "InvalidToken":
		e = *action.Errorf(action.Unauthenticated, "%s does not accept the hub's temporary credentials. The hub's administrator must "+
			"check the hub's identity.", s.service.Name)
	case "RequestTimeTooSkewed":
		e = service.WrongClock()
	default:
		return nil
	}
	return &e
}

// explanation explains an error code to the Looker user. It returns nil for a code that says no more
// than the status:
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
func (s *Store) explanation(code string) *action.Error {
	name := s.service.Name
	switch code {
	case "AccessDenied":
		return action.Errorf(action.Forbidden, "%s denied access. The access key needs %s.", name, s.service.Needs)
	case "AllAccessDisabled":
		return action.Errorf(action.Forbidden, "%s has disabled all access to this bucket.", name)
	case "AccountProblem":
		return action.Errorf(action.Forbidden, "%s reports a problem with the %s account.", name, s.service.Vendor)
	case "NotSignedUp":
		return action.Errorf(action.Forbidden, "The %s account is not signed up for %s.", s.service.Vendor, name)
	case "NoSuchBucket":
		e := action.InvalidField("bucket", "The bucket does not exist.")
		e.Kind = action.NotFound
		return e
	case "InvalidBucketName":
		return action.InvalidField("bucket", "The bucket's name is not valid.")
	case "KeyTooLongError":
		return action.Errorf(action.Invalid, "The path and the filename together are too long for %s.", name)
	case "EntityTooLarge":
		return action.Errorf(action.TooLarge, "The data is larger than %s allows.", name)
	case "BadDigest":
		return action.Errorf(action.Unavailable, "The data was corrupted in transit to %s.", name)
	case "PreconditionFailed":
		return exists()
	case "ConditionalRequestConflict", "OperationAborted":
		return action.Errorf(action.Unavailable, "Another upload to this name is in progress. Try again later.")
	case "NoSuchUpload":
		return action.Errorf(action.Unavailable, "The upload was terminated at %s before it was complete.", name)
	case "SlowDown", "Throttling", "ThrottlingException", "TooManyRequests", "RequestLimitExceeded":
		return action.Errorf(action.RateLimited, "%s is throttling requests. Try again later.", name)
	case "RequestTimeout":
		return action.Errorf(action.Timeout, "%s waited too long for the data.", name)
	}
	return nil
}

func errorCode(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return objectstore.ErrorCode(e.ErrorCode())
	}
	return ""
}

// explain converts the SDK's error. The SDK's text is dropped, because it quotes URLs and the response,
// which can quote the request.
func (s *Store) explain(ctx context.Context, doing string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", doing, context.Cause(ctx))
	}
	if err := awsidentity.Explain(ctx, err, s.service.Name); err != nil {
		return err
	}
	// This comes first, because the SDK adds an empty response if there was none.
	if e, ok := errors.AsType[*smithyhttp.RequestSendError](err); ok {
		return s.connectionError(ctx, doing, e.Err)
	}
	res, ok := errors.AsType[*smithyhttp.ResponseError](err)
	if !ok || res.Response == nil {
		return action.Wrap(fmt.Errorf("%s: %T", doing, err), action.Internal, "The hub could not prepare its request to %s.", s.service.Name)
	}
	code, status := errorCode(err), res.HTTPStatusCode()
	detail := fmt.Errorf("%s: code %q, request %q: %w", doing, code,
		objectstore.ErrorCode(res.Response.Header.Get("X-Amz-Request-Id")), &outbound.StatusError{Code: status})
	if e := s.responseError(res, code); e != nil {
		e.Err = detail
		return e
	}
	return objectstore.StatusError(detail, s.service.Name, status, code)
}

// responseError explains a response to the Looker user. It returns nil if it says no more than its status.
func (s *Store) responseError(res *smithyhttp.ResponseError, code string) *action.Error {
	region := regionHeader(res)
	switch {
	case isRedirect(res, code):
		return wrongRegion(region)
	case code == "AuthorizationHeaderMalformed" && region != "":
		return wrongRegion(region)
	case code == "AuthorizationHeaderMalformed": // the access key's form is not that of a key
		e := awssdk.Service{Name: s.service.Name}.RejectedKeys()
		return &e
	}
	if e := s.credentialsError(code); e != nil {
		return e
	}
	return s.explanation(code)
}

func (s *Store) connectionError(ctx context.Context, doing string, err error) error {
	err = fmt.Errorf("%s: %w", doing, outbound.ConnectionError(ctx, err, s.service.Name))
	if action.KindOf(err) == action.NotFound { // the region is part of the host name
		return action.Wrap(err, action.NotFound, "%s has no address in this region. Check the region in the action's settings in "+
			"Looker.", s.service.Name)
	}
	return err
}
