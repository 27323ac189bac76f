// Package hubidentity signs in at Google with the hub's own identity: that of its pod, or a file of application default
// credentials. The token sources' errors are those of [serviceaccount.Explain].
package hubidentity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/google/serviceaccount"
)

// File returns a source for a file of application default credentials: a service account, or workload identity
// federation (https://cloud.google.com/iam/docs/workload-identity-federation). The file is read each time, because
// Kubernetes may replace it. refused is the message if it cannot be used.
func File(ctx context.Context, client *http.Client, file, scope, refused string) (oauth2.TokenSource, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, action.Wrap(fmt.Errorf("reading the hub's credentials: %w", err), action.Internal, "%s", refused)
	}
	var kind struct{ Type google.CredentialsType }
	err = json.Unmarshal(text, &kind)
	ctx, calls := serviceaccount.NewCalls(ctx, client)
	var c *google.Credentials
	if err == nil {
		c, err = google.CredentialsFromJSONWithType(ctx, text, kind.Type, scope)
	}
	if err != nil { // it may quote the file
		return nil, action.Wrap(errors.New("the hub's credentials file cannot be used"), action.Internal, "%s", refused)
	}
	return calls.Source(c.TokenSource), nil
}

// metadataServer issues the access tokens of pods in Google Cloud. It is an IP address, because a host
// name could resolve to another one. https://cloud.google.com/compute/docs/metadata/querying-metadata
const metadataServer = "http://169.254.169.254/computeMetadata/v1/instance/service-accounts/default/token"

// PodRefused is the message if the pod has no identity.
const PodRefused = "Google does not provide an identity for the hub's pod. The hub's administrator must check the Workload Identity of the " +
	"pod's service account."

// Pod returns a source for the identity of the hub's pod
// (https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity). client is the one for identities. The
// source gets a new token shortly before the old one expires, as a long upload needs it.
func Pod(ctx context.Context, client *http.Client, scope string) oauth2.TokenSource {
	return oauth2.ReuseTokenSource(nil, podTokens{ctx, client, scope})
}

// podTokens are the pod's access tokens.
type podTokens struct {
	ctx  context.Context //nolint:containedctx // the request's: [oauth2.TokenSource] takes none
	http *http.Client

	scope string
}

// tokenTimeout limits one request. The server is on the same machine.
const tokenTimeout = 10 * time.Second

// Token implements [oauth2.TokenSource]. Its errors can be shown to the Looker user. It does not retry,
// because the request that needs the token does.
func (p podTokens) Token() (*oauth2.Token, error) {
	var answer struct {
		Access  string `json:"access_token"`
		Type    string `json:"token_type"`
		Seconds int64  `json:"expires_in"`
	}
	api := outbound.API{
		Name: "Google's metadata server", Client: p.http, Timeout: tokenTimeout,
		Authorize: func(req *http.Request) { req.Header.Set("Metadata-Flavor", "Google") },
	}
	err := api.Call(p.ctx, http.MethodGet, outbound.WithQuery(metadataServer, url.Values{"scopes": {p.scope}}), nil, &answer)
	if _, ok := errors.AsType[*outbound.StatusError](err); ok && !action.KindOf(err).Retryable() || err == nil && answer.Access == "" {
		return nil, action.Wrap(errors.Join(errors.New("asking the metadata server"), err), action.Unauthenticated, PodRefused)
	}
	if err != nil {
		return nil, err
	}
	expiry := time.Now().Add(time.Duration(answer.Seconds) * time.Second)
	return &oauth2.Token{AccessToken: answer.Access, TokenType: answer.Type, Expiry: expiry}, nil
}
