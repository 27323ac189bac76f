// Package awsidentity has the credentials for requests to AWS: an access key, the hub's pod, or a role that is assumed with one
// of them.
package awsidentity

import (
	"strings"

	"integrationhub.dev/hub/action"
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

// Keyless reports whether the access key is optional.
func (i Identity) Keyless() bool { return i.PodRole != "" || i.Agent != "" }

// Pod are the settings that Amazon EKS makes in the hub's pod: a role and its token, or the agent of EKS Pod Identity and its
// token. The settings of an integration embed it.
type Pod struct {
	PodRole        string `env:"AWS_ROLE_ARN"`
	TokenFile      string `env:"AWS_WEB_IDENTITY_TOKEN_FILE"`
	Agent          string `env:"AWS_CONTAINER_CREDENTIALS_FULL_URI"`
	AgentTokenFile string `env:"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"`
}

// Identity returns the pod's identity, and an [action.MissingSettingsError] if EKS gave it none.
func (p Pod) Identity() (Identity, error) {
	switch {
	case p.PodRole != "" && p.TokenFile != "":
		return Identity{PodRole: p.PodRole, TokenFile: p.TokenFile}, nil
	case p.Agent != "" && p.AgentTokenFile != "":
		return Identity{Agent: p.Agent, AgentTokenFile: p.AgentTokenFile}, nil
	}
	return Identity{}, &action.MissingSettingsError{Keys: []string{"AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"}}
}

// Keys are an access key and its secret key, which an administrator enters in Looker.
type Keys struct{ Access, Secret action.Secret }

// Complete reports whether both are there.
func (k Keys) Complete() bool {
	return strings.TrimSpace(k.Access.Reveal()) != "" && strings.TrimSpace(k.Secret.Reveal()) != ""
}
