package awsec2stopinstance

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/aws/awssdk"
	"integrationhub.dev/integrations/internal/message"
)

const (
	// name is what people call the destination.
	name = "Amazon EC2"
	// tries is how often the SDK makes a call: what is stopped already stays stopped.
	tries = 5
	// timeout bounds a call with all of its tries.
	timeout = 2 * time.Minute
)

// client makes a client for one request: the credentials are the request's.
func (i *Integration) client(a account) *ec2.Client {
	return ec2.New(ec2.Options{
		Region:      string(a.Region),
		HTTPClient:  i.deps.HTTP,
		Credentials: awssdk.Credentials(a.AccessKey, a.SecretKey),
		Retryer:     awssdk.Retryer(tries, i.maxBackoff),
	})
}

// explanations say what those of EC2's error codes mean that hold for every instance
// (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html).
var explanations = map[string]action.Error{
	"AuthFailure":           wrongKeys,
	"InvalidClientTokenId":  wrongKeys,
	"SignatureDoesNotMatch": wrongKeys,
	"InvalidAccessKeyId":    wrongKeys,
	"Blocked":               {Kind: action.Forbidden, Message: "The AWS account is blocked."},
	"OptInRequired":         {Kind: action.Forbidden, Message: "The AWS account is not subscribed to Amazon EC2 in this region."},
	"PendingVerification":   {Kind: action.Forbidden, Message: "AWS has not verified the account yet."},
	"RequestExpired":        {Kind: action.Internal, Message: "Amazon EC2 rejects the hub's requests because the hub's clock is wrong."},
	"RequestLimitExceeded":  tooMany,
	"Throttling":            tooMany,
	"ThrottlingException":   tooMany,
}

var (
	wrongKeys = action.Error{Kind: action.Unauthenticated, Message: "Amazon EC2 does not accept the access key with this secret key. Check both in the action's settings in Looker."}
	tooMany   = action.Error{Kind: action.RateLimited, Message: "AWS is throttling requests. Try again later."}
)

// explain turns the SDK's error into the hub's. The SDK's own text is dropped: it quotes what
// was sent.
func explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("stopping instances: %w", context.Cause(ctx))
	}
	if e, ok := errors.AsType[*smithyhttp.RequestSendError](err); ok {
		err := outbound.ConnectionError(ctx, e.Err, name)
		if action.KindOf(err) == action.NotFound { // the region is part of the host name
			return action.Wrap(err, action.NotFound, "%s has no address in this region. Check the region in the action's settings in Looker.", name)
		}
		return err
	}
	code, status := errorCode(err), statusOf(err)
	if status == 0 {
		return action.Wrap(fmt.Errorf("stopping instances: %T", err), action.Internal, "The hub could not prepare its request to %s.", name)
	}
	detail := fmt.Errorf("stopping instances: code %q: %w", code, &outbound.StatusError{Code: status})
	if e, ok := explanations[code]; ok {
		e.Err = detail
		return &e
	}
	if status < 400 {
		return action.Wrap(detail, action.Unavailable, "Unexpected response from %s.", name)
	}
	return action.Wrap(detail, action.KindOfStatus(status), "%s answered %d %s.", name, status, code)
}

// explainInstance says why one instance cannot be stopped.
func explainInstance(ctx context.Context, id string, err error) error {
	explained := explain(ctx, err)
	api, ok := errors.AsType[smithy.APIError](err)
	switch {
	case !ok, statusOf(err) != http.StatusBadRequest: // not about the instance
		return explained
	case errorCode(err) == "UnauthorizedOperation": // its message is an encoded policy
		return action.Wrap(explained, action.Forbidden, "Instance %s: the access key lacks ec2:StopInstances.", id)
	}
	text := strings.TrimSuffix(message.Line(api.ErrorMessage()), ".")
	return action.Wrap(explained, action.Invalid, "Instance %s: %s (%s).", id, text, errorCode(err))
}

func statusOf(err error) int {
	if res, ok := errors.AsType[*smithyhttp.ResponseError](err); ok && res.Response != nil {
		return res.HTTPStatusCode()
	}
	return 0
}

func errorCode(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return message.Line(e.ErrorCode())
	}
	return ""
}
