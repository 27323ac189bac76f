package googlecloudstorage

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/oauth2"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
)

// metadataServer tells a pod on Google's machines who it is. Its address is named, not its name:
// a name could lead elsewhere.
// https://cloud.google.com/compute/docs/metadata/querying-metadata
const metadataServer = "http://169.254.169.254/computeMetadata/v1/instance/service-accounts/default/token"

const podRefused = "Google gives the hub's pod no identity. The hub's administrator must look at the Workload Identity of the " +
	"pod's service account."

// podClient writes as the hub's pod
// (https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity).
func (i *Integration) podClient(ctx context.Context) *client {
	// A token is the same until shortly before it expires; a long upload outlives it.
	tokens := oauth2.ReuseTokenSource(nil, podTokens{ctx, i.deps.Identity})
	return &client{i, tokens, podRefused}
}

// podTokens are the pod's access tokens.
type podTokens struct {
	ctx  context.Context //nolint:containedctx // the request's: [oauth2.TokenSource] takes none
	http *http.Client
}

// tokenTimeout bounds one call: the server is on the same machine.
const tokenTimeout = 10 * time.Second

// Token implements [oauth2.TokenSource]. Its errors are fit for the Looker user. The call that
// needs the token tries again.
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
	err := api.Call(p.ctx, http.MethodGet, outbound.WithQuery(metadataServer, url.Values{"scopes": {scope}}), nil, &answer)
	if _, ok := errors.AsType[*outbound.StatusError](err); ok && !action.KindOf(err).Retryable() || err == nil && answer.Access == "" {
		return nil, action.Wrap(errors.Join(errors.New("asking the metadata server"), err), action.Unauthenticated, podRefused)
	}
	if err != nil {
		return nil, err
	}
	return &oauth2.Token{AccessToken: answer.Access, TokenType: answer.Type, Expiry: time.Now().Add(time.Duration(answer.Seconds) * time.Second)}, nil
}
