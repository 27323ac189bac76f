package awsidentity

import (
	"context"
	"errors"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"

	"integrationhub.dev/integrations/internal/aws/awssdk"
)

// sessionName identifies the hub in CloudTrail.
const sessionName = "integration-hub"

// Provider makes the credentials that requests are signed with.
type Provider struct {
	Identity Identity
	// STS sends requests to AWS STS, and Agent those to EKS Pod Identity's agent.
	STS, Agent aws.HTTPClient
	// Retryer makes the retryer of a client.
	Retryer func() aws.Retryer
}

// Credentials returns the credentials for a region. The keys come before the pod's identity.
func (p Provider) Credentials(keys Keys, region string) aws.CredentialsProvider {
	var base aws.CredentialsProvider
	id := p.Identity
	switch {
	case keys.Complete():
		base = awssdk.Credentials(keys.Access, keys.Secret)
	case id.PodRole == "":
		base = temporary("the pod's role", endpointcreds.New(id.Agent, func(o *endpointcreds.Options) {
			o.HTTPClient, o.Retryer = p.Agent, p.Retryer()
			o.AuthorizationTokenProvider = endpointcreds.TokenProviderFunc(func() (string, error) {
				token, err := os.ReadFile(id.AgentTokenFile) // each time, because Kubernetes replaces it
				return string(token), err
			})
		}))
	default:
		base = temporary("the pod's role", stscreds.NewWebIdentityRoleProvider(
			p.sts(region, aws.AnonymousCredentials{}), id.PodRole, stscreds.IdentityTokenFile(id.TokenFile),
			func(o *stscreds.WebIdentityRoleOptions) { o.RoleSessionName = sessionName }))
	}
	if id.Role == "" {
		return base
	}
	return temporary("the role", stscreds.NewAssumeRoleProvider(p.sts(region, base), id.Role, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = sessionName
		if id.ExternalID != "" {
			o.ExternalID = &id.ExternalID
		}
	}))
}

func (p Provider) sts(region string, c aws.CredentialsProvider) stsClient {
	return stsClient{http: p.STS, region: region, credentials: c, retryer: p.Retryer()}
}

// temporary credentials are renewed before they expire, as a long upload needs it.
func temporary(whose string, from aws.CredentialsProvider) aws.CredentialsProvider {
	return aws.NewCredentialsCache(aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
		c, err := from.Retrieve(ctx)
		if err == nil {
			return c, nil
		}
		if e, ok := errors.AsType[*RoleError](err); ok { // the pod's role failed, before the other one
			return c, e
		}
		return c, &RoleError{whose, err}
	}))
}
