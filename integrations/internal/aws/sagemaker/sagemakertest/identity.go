package sagemakertest

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"integrationhub.dev/hub/action/actiontest"
)

// The roles that the fake knows, the token of the hub's pod, and the host of EKS Pod Identity's agent.
const (
	PodRole    = "arn:aws:iam::123456789012:role/pod"
	HubRole    = "arn:aws:iam::123456789012:role/hub"
	ExternalID = "looker"
	PodToken   = "pod's token"
	AgentHost  = "169.254.170.23"
)

// owners are those who may sign: the owner of the access key, the pod, and whoever assumed the role.
var owners = map[string]aws.Credentials{
	AccessKey:  {AccessKeyID: AccessKey, SecretAccessKey: SecretKey},
	"ASIAPOD":  {AccessKeyID: "ASIAPOD", SecretAccessKey: "pod", SessionToken: "pod's session"}, //nolint:gosec // invented
	"ASIAROLE": {AccessKeyID: "ASIAROLE", SecretAccessKey: "role", SessionToken: "role's session"},
}

// issue answers as AWS STS and as the agent: https://docs.aws.amazon.com/STS/latest/APIReference/Welcome.html and
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
func (f *AWS) issue(ctx context.Context, r actiontest.Recorded, length int64) actiontest.Reply {
	form, err := url.ParseQuery(string(r.Body))
	operation := form.Get("Action")
	if r.Host == AgentHost {
		operation = "AssumeRoleForPodIdentity"
	}
	f.operations = append(f.operations, operation)
	f.count[operation]++
	if f.Fail != nil {
		if reply := f.Fail(operation, f.count[operation]); reply != nil {
			return *reply
		}
	}
	region := strings.TrimSuffix(strings.TrimPrefix(r.Host, "sts."), ".amazonaws.com")
	switch {
	case err != nil:
	case r.Host == AgentHost:
		if r.Header.Get("Authorization") != PodToken {
			return actiontest.Reply{Status: http.StatusForbidden, Body: `{"code":"AccessDenied","message":"quoted: ` + SecretKey + `"}`}
		}
		c := owners["ASIAPOD"]
		return actiontest.Reply{Header: map[string]string{"Content-Type": "application/json"}, Body: `{"AccessKeyId":"` + c.AccessKeyID +
			`","SecretAccessKey":"` + c.SecretAccessKey + `","Token":"` + c.SessionToken + `","Expiration":"2099-01-01T00:00:00Z"}`}
	case operation == "AssumeRoleWithWebIdentity" && form.Get("RoleArn") == PodRole && form.Get("WebIdentityToken") == PodToken:
		return issued(operation, owners["ASIAPOD"])
	case operation == "AssumeRole" && signed(ctx, r, length, "sts", region) && form.Get("RoleArn") == HubRole &&
		form.Get("ExternalId") == ExternalID:
		return issued(operation, owners["ASIAROLE"])
	}
	return actiontest.Reply{
		Status: http.StatusForbidden,
		Body:   "<ErrorResponse><Error><Code>AccessDenied</Code><Message>quoted: " + SecretKey + "</Message></Error></ErrorResponse>",
	}
}

func issued(operation string, c aws.Credentials) actiontest.Reply {
	return actiontest.Reply{Body: "<" + operation + "Response><" + operation + "Result><Credentials><AccessKeyId>" + c.AccessKeyID +
		"</AccessKeyId><SecretAccessKey>" + c.SecretAccessKey + "</SecretAccessKey><SessionToken>" + c.SessionToken +
		"</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></" + operation + "Result></" + operation + "Response>"}
}
