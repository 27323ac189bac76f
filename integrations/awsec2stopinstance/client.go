package awsec2stopinstance

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/aws/awscall"
	"integrationhub.dev/integrations/internal/aws/awssdk"
)

const (
	// name is the destination's name in messages.
	name = "Amazon EC2"
	// doing names the call in logs.
	doing = "stopping instances"
	// maxAttempts is how often the SDK makes a call. Stopping can be repeated: a stopped instance
	// stays stopped.
	maxAttempts = 5
	// timeout bounds a call with all of its attempts.
	timeout = 2 * time.Minute
)

var service = awssdk.Service{Name: name}

// api is Amazon EC2: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Requests.html
var api = awscall.Service{ID: "EC2", SigningName: "ec2", Host: "ec2", Protocol: awscall.EC2Query{Version: "2016-11-15"}}

// client returns a client for one request, with that request's credentials.
func (i *Integration) client(a account) *awscall.Client {
	return &awscall.Client{
		Service: api, Region: string(a.Region), HTTP: i.deps.HTTP,
		Credentials: awssdk.Credentials(a.AccessKey, a.SecretKey), Retryer: awssdk.Retryer(maxAttempts, i.maxBackoff),
	}
}

// stopInstances returns the instances that EC2 is stopping.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StopInstances.html
func stopInstances(ctx context.Context, c *awscall.Client, ids []string) ([]string, error) {
	parameters := url.Values{}
	for n, id := range ids {
		parameters.Set("InstanceId."+strconv.Itoa(n+1), id)
	}
	var out struct {
		Stopping []string `xml:"instancesSet>item>instanceId"`
	}
	err := c.Call(ctx, "StopInstances", parameters, &out)
	return out.Stopping, err
}

// explanations are the meanings of the error codes that apply to every instance
// (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html).
var explanations = map[string]action.Error{
	"AuthFailure":           service.RejectedKeys(),
	"InvalidClientTokenId":  service.UnknownKey(),
	"SignatureDoesNotMatch": service.WrongSignature(""),
	"InvalidAccessKeyId":    service.UnknownKey(),
	"Blocked":               {Kind: action.Forbidden, Message: "The AWS account is blocked."},
	"OptInRequired":         service.NotSubscribed(),
	"PendingVerification":   {Kind: action.Forbidden, Message: "AWS has not verified the account yet."},
	"RequestExpired":        {Kind: action.Internal, Message: "Amazon EC2 rejects the hub's requests because the hub's clock is wrong."},
	"RequestLimitExceeded":  throttled,
	"Throttling":            throttled,
	"ThrottlingException":   throttled,
}

var throttled = action.Error{Kind: action.RateLimited, Message: "AWS is throttling requests. Try again later."}

// explain converts an error of the SDK to one for the Looker user. EC2's text is dropped, because it
// can quote the request.
func explain(ctx context.Context, err error) error {
	if err := service.WithoutResponse(ctx, doing, err); err != nil {
		return err
	}
	status := awssdk.Status(err)
	code, text := awssdk.Reason(err)
	detail := fmt.Errorf("%s: code %q: %w", doing, code, &outbound.StatusError{Code: status})
	e, ok := explanations[code]
	if code == "SignatureDoesNotMatch" {
		e = service.WrongSignature(text)
	}
	if ok {
		e.Err = detail
		return &e
	}
	if status < 400 {
		return action.Wrap(detail, action.Unavailable, "Unexpected response from %s.", name)
	}
	return action.Wrap(detail, action.KindOfStatus(status), "%s returned %d %s.", name, status, code)
}

// explainInstance says why one instance cannot be stopped.
func explainInstance(ctx context.Context, id string, err error) error {
	explained := explain(ctx, err)
	code, text := awssdk.Reason(err)
	switch {
	case code == "", awssdk.Status(err) != http.StatusBadRequest: // not about the instance
		return explained
	case code == "UnauthorizedOperation": // its text is an encoded policy
		return action.Wrap(explained, action.Forbidden, "Instance %s: the access key lacks ec2:StopInstances.", id)
	}
	return action.Wrap(explained, action.Invalid, "Instance %s: %s (%s).", id, strings.TrimSuffix(text, "."), code)
}

func errorCode(err error) string {
	code, _ := awssdk.Reason(err)
	return code
}
