// Package workloadid is the identity of the hub's pod at Microsoft Azure: Microsoft Entra Workload ID.
package workloadid

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
)

// Pod is the pod's identity. Microsoft Entra Workload ID sets these variables in the pod:
// https://azure.github.io/azure-workload-identity/docs/
type Pod struct {
	Client    string `env:"AZURE_CLIENT_ID"`
	Tenant    string `env:"AZURE_TENANT_ID"`
	TokenFile string `env:"AZURE_FEDERATED_TOKEN_FILE"`
	Authority string `env:"AZURE_AUTHORITY_HOST" envDefault:"https://login.microsoftonline.com/"`
}

// Missing returns the names of the variables that are not set.
func (p Pod) Missing() []string {
	var keys []string
	for _, variable := range [][2]string{
		{"AZURE_CLIENT_ID", p.Client}, {"AZURE_FEDERATED_TOKEN_FILE", p.TokenFile}, {"AZURE_TENANT_ID", p.Tenant},
	} {
		if key, value := variable[0], variable[1]; value == "" {
			keys = append(keys, key)
		}
	}
	return keys
}

var _ azcore.TokenCredential = Credential{}

// Credential exchanges the pod's token for an access token:
// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow, third case.
// Microsoft's azidentity does the same, but it is a large dependency.
type Credential struct {
	Pod   Pod
	HTTP  *http.Client
	Retry deliver.Retry
}

// GetToken implements [azcore.TokenCredential]. The SDK keeps the token until it expires, but it does
// not retry. Errors can be shown to the Looker user.
func (c Credential) GetToken(ctx context.Context, o policy.TokenRequestOptions) (token azcore.AccessToken, err error) {
	err = c.Retry.Do(ctx, func(ctx context.Context) error {
		token, err = c.exchange(ctx, o.Scopes)
		return err
	})
	return token, err
}

// Refused is the message if Azure does not accept the pod's identity.
const Refused = "Azure does not accept the hub's own identity. The hub's administrator must check its federated credential."

func (c Credential) exchange(ctx context.Context, scopes []string) (azcore.AccessToken, error) {
	assertion, err := os.ReadFile(c.Pod.TokenFile) // each time, because Kubernetes replaces it
	if err != nil {
		return azcore.AccessToken{}, action.Wrap(fmt.Errorf("reading the pod's token: %w", err), action.Internal, Refused)
	}
	config := clientcredentials.Config{
		ClientID: c.Pod.Client, Scopes: scopes, AuthStyle: oauth2.AuthStyleInParams,
		TokenURL: strings.TrimRight(c.Pod.Authority, "/") + "/" + url.PathEscape(c.Pod.Tenant) + "/oauth2/v2.0/token",
		EndpointParams: url.Values{
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {string(assertion)},
		},
	}
	token, err := config.Token(context.WithValue(ctx, oauth2.HTTPClient, c.HTTP))
	if err != nil {
		return azcore.AccessToken{}, explain(ctx, err)
	}
	return azcore.AccessToken{Token: token.AccessToken, ExpiresOn: token.Expiry.UTC()}, nil
}

// explain drops the response, which can quote the request.
func explain(ctx context.Context, err error) error {
	answer, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		return outbound.ConnectionError(ctx, err, "Microsoft Entra")
	}
	detail := outbound.StatusOf(answer.Response)
	if kind := action.KindOfStatus(detail.Code); kind.Retryable() {
		return action.Wrap(detail, kind, "Microsoft Entra is temporarily unavailable. Try again later.")
	}
	return action.Wrap(detail, action.Unauthenticated, Refused)
}
