package s3store

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/aws/awssdk"
	"integrationhub.dev/integrations/internal/objectstore"
)

// Identity is the hub's own identity at AWS. The zero value is none.
type Identity struct {
	// PodRole is the role of the hub's pod, and TokenFile the token for it:
	// https://docs.aws.amazon.com/eks/latest/userguide/iam-roles-for-service-accounts.html
	// They replace the access key.
	PodRole, TokenFile string
	// Agent is the URL of EKS Pod Identity's agent, and AgentTokenFile the token for it. They are used if
	// there is no PodRole:
	// https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html
	Agent, AgentTokenFile string
	// Role is a role to assume, with an external ID if it requires one. It is assumed with the pod's
	// identity or the access key.
	Role, ExternalID string
}

// keyless reports whether the access key is optional.
func (i Identity) keyless() bool { return i.PodRole != "" || i.Agent != "" }

// sessionName identifies the hub in CloudTrail.
const sessionName = "integration-hub"

// credentials returns the credentials that requests are signed with.
func (s *Store) credentials(a Account, r Region) aws.CredentialsProvider {
	var base aws.CredentialsProvider
	id := s.service.Identity
	switch {
	case a.hasKey():
		base = awssdk.Credentials(a.AccessKey, a.SecretKey)
	case id.PodRole == "":
		base = s.temporary("the pod's role", endpointcreds.New(id.Agent, func(o *endpointcreds.Options) {
			o.HTTPClient, o.Retryer = objectstore.Client{HTTP: s.deps.Identity}, s.retryer(nil)
			o.AuthorizationTokenProvider = endpointcreds.TokenProviderFunc(func() (string, error) {
				token, err := os.ReadFile(id.AgentTokenFile) // each time, because Kubernetes replaces it
				return string(token), err
			})
		}))
	default:
		base = s.temporary("the pod's role", stscreds.NewWebIdentityRoleProvider(
			s.sts(r, aws.AnonymousCredentials{}), id.PodRole, stscreds.IdentityTokenFile(id.TokenFile),
			func(o *stscreds.WebIdentityRoleOptions) { o.RoleSessionName = sessionName }))
	}
	if id.Role == "" {
		return base
	}
	return s.temporary("the role", stscreds.NewAssumeRoleProvider(s.sts(r, base), id.Role, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = sessionName
		if id.ExternalID != "" {
			o.ExternalID = &id.ExternalID
		}
	}))
}

func (s *Store) sts(r Region, c aws.CredentialsProvider) *sts.Client {
	return sts.New(sts.Options{Region: string(r), HTTPClient: objectstore.Client{HTTP: s.deps.HTTP}, Credentials: c, Retryer: s.retryer(nil)})
}

// roleError is the error if AWS issues no credentials.
type roleError struct {
	whose string
	err   error
}

func (e *roleError) Error() string { return "assuming " + e.whose + ": " + e.err.Error() }
func (e *roleError) Unwrap() error { return e.err }

// temporary credentials are renewed before they expire, as a long upload needs it.
func (s *Store) temporary(whose string, from aws.CredentialsProvider) aws.CredentialsProvider {
	return aws.NewCredentialsCache(aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
		c, err := from.Retrieve(ctx)
		if err == nil {
			return c, nil
		}
		if e, ok := errors.AsType[*roleError](err); ok { // the pod's role failed, before the other one
			return c, e
		}
		return c, &roleError{whose, err}
	}))
}

// explainRole converts an error of assuming a role. The response is dropped, as in explain.
func (s *Store) explainRole(ctx context.Context, e *roleError) error {
	if sent, ok := errors.AsType[*smithyhttp.RequestSendError](e.err); ok {
		return fmt.Errorf("assuming %s: %w", e.whose, outbound.ConnectionError(ctx, sent.Err, "AWS"))
	}
	detail := fmt.Errorf("assuming %s: code %q", e.whose, errorCode(e.err))
	service := awssdk.Service{Name: "AWS"}
	var explained action.Error
	switch errorCode(e.err) {
	case "InvalidClientTokenId":
		explained = service.UnknownKey()
	case "SignatureDoesNotMatch":
		_, text := awssdk.Reason(e.err)
		explained = service.WrongSignature(text)
	case "RequestExpired":
		explained = service.WrongClock()
	case "Throttling":
		return action.Wrap(detail, action.RateLimited, "AWS is throttling requests. Try again later.")
	}
	if explained.Message != "" {
		explained.Err = detail
		return &explained
	}
	return action.Wrap(detail, action.Forbidden, "AWS does not allow the hub to assume %s for %s. The hub's administrator "+
		"must check the role and its trust policy.", e.whose, s.service.Name)
}
