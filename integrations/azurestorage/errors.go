package azurestorage

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/objectstore"
)

// explain converts the SDK's error. The SDK's text is dropped, because it quotes the response and the
// URL, which can contain a signature.
func explain(ctx context.Context, doing string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", doing, context.Cause(ctx))
	}
	if e, ok := errors.AsType[*action.Error](err); ok {
		return e // from podCredential
	}
	res, ok := errors.AsType[*azcore.ResponseError](err)
	if !ok {
		if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
			return action.Wrap(errors.New(doing), action.NotFound, "No storage account has this name. Check the account in the "+
				"action's settings in Looker.")
		}
		return fmt.Errorf("%s: %w", doing, outbound.ConnectionError(ctx, err, name))
	}
	code := objectstore.ErrorCode(res.ErrorCode)
	detail := fmt.Errorf("%s: code %q: %w", doing, code, &outbound.StatusError{Code: res.StatusCode})
	if e := explanation(res.ErrorCode); e != nil {
		e.Err = detail
		return e
	}
	return objectstore.StatusError(detail, name, res.StatusCode, code)
}

// errorCode returns the code of Azure's error response, or "".
func errorCode(err error) string {
	if res, ok := errors.AsType[*azcore.ResponseError](err); ok {
		return res.ErrorCode
	}
	return ""
}

// alreadyExists reports whether a code means that a blob exists that must not be replaced.
func alreadyExists(code string) bool { return code == "BlobAlreadyExists" || code == "ConditionNotMet" }

// explanation explains an error code to the Looker user. It returns nil for a code that says no more
// than the status:
// https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes
func explanation(code string) *action.Error {
	if alreadyExists(code) {
		return action.InvalidField("filename", "A file with this name already exists.")
	}
	switch code {
	case "AuthenticationFailed", "InvalidAuthenticationInfo", "NoAuthenticationInformation":
		return action.Errorf(action.Unauthenticated, "Azure Storage does not accept the access key for this account, or its "+
			"signature has expired. Check both in the action's settings in Looker.")
	case "AuthorizationFailure", "AuthorizationPermissionMismatch", "AuthorizationResourceTypeMismatch", "AuthorizationServiceMismatch",
		"AuthorizationProtocolMismatch", "AuthorizationSourceIPMismatch", "InsufficientAccountPermissions":
		return action.Errorf(action.Forbidden, "Azure Storage denied access. A shared access signature needs to create and write "+
			"blobs, an identity the role Storage Blob Data Contributor, and the account's firewall must let the hub in.")
	case "UnauthorizedBlobOverwrite":
		return action.Errorf(action.Forbidden, "A blob of this name exists, and the shared access signature may not replace it.")
	case "KeyBasedAuthenticationNotPermitted":
		return action.Errorf(action.Forbidden, "The storage account does not allow access by key.")
	case "AccountIsDisabled":
		return action.Errorf(action.Forbidden, "The storage account is disabled.")
	case "ContainerNotFound", "ContainerBeingDeleted", "ContainerDisabled":
		e := action.InvalidField("container", "The container does not exist.")
		e.Kind = action.NotFound
		return e
	case "BlobImmutableDueToPolicy", "BlobImmutableDueToLegalHold", "LeaseIdMissing":
		return action.InvalidField("filename", "A blob of this name exists and is protected.")
	case "InvalidBlobType":
		return action.InvalidField("filename", "A blob of this name exists and is of another type.")
	case "ServerBusy":
		return action.Errorf(action.RateLimited, "Azure Storage is throttling requests. Try again later.")
	case "OperationTimedOut":
		return action.Errorf(action.Timeout, "Azure Storage did not answer in time.")
	}
	return nil
}
