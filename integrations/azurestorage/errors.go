package azurestorage

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/microsoft/workloadid"
	"integrationhub.dev/integrations/internal/objectstore"
)

// explain converts the SDK's error. The SDK's text is dropped, because it quotes the response and the
// URL, which can contain a signature.
func (c *credentials) explain(ctx context.Context, doing string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", doing, context.Cause(ctx))
	}
	if e, ok := errors.AsType[*action.Error](err); ok {
		return e // of the pod's identity
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
	e := c.refusal(res)
	if e == nil {
		e = explanation(res.ErrorCode)
	}
	if e != nil {
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

// lacksPermission reports whether a code means that the credentials do not allow the operation, but may allow others.
func lacksPermission(code string) bool {
	return code == "AuthorizationPermissionMismatch" || code == "AuthorizationResourceTypeMismatch"
}

const newSignature = " Enter a new one in the action's settings in Looker."

// refusal explains errors of the credentials, or returns nil.
// https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes
func (c *credentials) refusal(res *azcore.ResponseError) *action.Error {
	switch res.ErrorCode {
	case "AuthenticationFailed", "InvalidAuthenticationInfo", "NoAuthenticationInformation":
		return c.unauthenticated(readDetails(res).Authentication)
	case "AuthorizationPermissionMismatch":
		if c.signature == "" {
			break
		}
		return action.Errorf(action.Forbidden, "The shared access signature does not allow creating and writing blobs (sp=cw).%s", newSignature)
	case "AuthorizationResourceTypeMismatch":
		return action.Errorf(action.Forbidden, "The shared access signature does not cover objects (srt=o).%s", newSignature)
	case "AuthorizationServiceMismatch":
		return action.Errorf(action.Forbidden, "The shared access signature does not cover the blob service (ss=b).%s", newSignature)
	case "AuthorizationProtocolMismatch":
		return action.Errorf(action.Forbidden, "The shared access signature allows only HTTPS (spr=https), and the hub's endpoint is not HTTPS.")
	case "AuthorizationSourceIPMismatch":
		var address string
		if ip, err := netip.ParseAddr(readDetails(res).SourceIP); err == nil {
			address = " (" + ip.String() + ")"
		}
		return action.Errorf(action.Forbidden, "The shared access signature does not allow the hub's IP address%s.%s", address, newSignature)
	default:
		return nil
	}
	if c.isEmpty() {
		return action.Errorf(action.Forbidden, "Azure Storage denied access. The hub's identity needs the role Storage Blob Data Contributor.")
	}
	return action.Errorf(action.Forbidden, "Azure Storage denied access. The credentials need the permission to create and write blobs.")
}

// details are the parts of an error response that say what was refused.
type details struct {
	Authentication string `xml:"AuthenticationErrorDetail"`
	SourceIP       string
}

func readDetails(res *azcore.ResponseError) (d details) {
	if body, err := runtime.Payload(res.RawResponse); err == nil {
		_ = xml.Unmarshal(body, &d) // without details, the code has to be enough
	}
	return d
}

// unauthenticated explains why the credentials are not valid. The details are not documented, but Azure returns them:
// https://learn.microsoft.com/troubleshoot/azure/azure-storage/blobs/authentication/storage-troubleshoot-403-errors
func (c *credentials) unauthenticated(detail string) *action.Error {
	switch {
	case strings.HasPrefix(detail, "Request date header too old"):
		return action.Errorf(action.Internal, "Azure Storage rejects the hub's requests because the hub's clock is wrong.")
	case c.signature != "":
		return action.Errorf(action.Unauthenticated, "%s", c.invalidSignature(detail))
	case c.isEmpty():
		return action.Errorf(action.Unauthenticated, workloadid.Refused)
	}
	return action.Errorf(action.Unauthenticated, "The access key is not a key of this storage account. Check both in the action's "+
		"settings in Looker.")
}

// plain are details without a quotation.
var plain = regexp.MustCompile(`^[A-Za-z ,.']{1,120}$`)

// invalidSignature says why a shared access signature is not valid.
func (c *credentials) invalidSignature(detail string) string {
	const layout = "2006-01-02 15:04 UTC"
	start, expiry := c.validity()
	now := time.Now()
	switch {
	case strings.HasPrefix(detail, "Signature did not match"):
		return "The shared access signature is not valid. It may be incomplete, for another resource, or signed with a replaced key." + newSignature
	case !expiry.IsZero() && expiry.Before(start):
		return "The shared access signature expires before it is valid." + newSignature
	case !expiry.IsZero() && expiry.Before(now):
		return "The shared access signature expired on " + expiry.Format(layout) + "." + newSignature
	case start.After(now):
		return "The shared access signature is not valid before " + start.Format(layout) + ". Until then, use another one."
	case plain.MatchString(detail):
		return "Azure Storage does not accept the shared access signature: " + strings.TrimSuffix(detail, ".") + "." + newSignature
	}
	return "Azure Storage does not accept the shared access signature." + newSignature
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
	case "AuthorizationFailure":
		return action.Errorf(action.Forbidden, "Azure Storage denied access. The storage account's firewall may block the hub.")
	case "InsufficientAccountPermissions":
		return action.Errorf(action.Forbidden, "The storage account does not allow this operation.")
	case "UnauthorizedBlobOverwrite":
		return action.Errorf(action.Forbidden, "A blob with this name exists, and the shared access signature does not allow replacing it.")
	case "KeyBasedAuthenticationNotPermitted":
		return action.Errorf(action.Forbidden, "The storage account does not allow access by key.")
	case "AccountIsDisabled":
		return action.Errorf(action.Forbidden, "The storage account is disabled.")
	case "ContainerNotFound", "ContainerBeingDeleted", "ContainerDisabled":
		e := action.InvalidField("container", "The container does not exist.")
		e.Kind = action.NotFound
		return e
	case "BlobImmutableDueToPolicy", "BlobImmutableDueToLegalHold", "LeaseIdMissing":
		return action.InvalidField("filename", "A blob with this name exists and is protected.")
	case "InvalidBlobType":
		return action.InvalidField("filename", "A blob with this name exists and has another type.")
	case "ServerBusy":
		return action.Errorf(action.RateLimited, "Azure Storage is throttling requests. Try again later.")
	case "OperationTimedOut":
		return action.Errorf(action.Timeout, "Azure Storage did not respond in time.")
	}
	return nil
}
