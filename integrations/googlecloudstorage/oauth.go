package googlecloudstorage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/google/serviceaccount"
)

const scope = "https://www.googleapis.com/auth/devstorage.read_write"

// client makes a client with the credentials of one delivery.
func (i *Integration) client(ctx context.Context, a account) (*client, error) {
	if strings.TrimSpace(a.Key.Reveal()) == "" && i.settings.keyless() {
		if i.settings.PodIdentity {
			return i.podClient(ctx), nil
		}
		return i.ownClient(ctx)
	}
	sa, err := serviceaccount.New(a.Email, a.Key)
	switch {
	case err != nil:
		return nil, action.Wrap(err, action.Invalid, "The private key cannot be used: %v. Copy it as it is from the key file, with "+
			"its first and last line, or the whole key file.", err)
	case sa.Email == "":
		return nil, action.Errorf(action.Invalid, "The client email is missing. Enter it in the action's settings in Looker.")
	}
	return &client{i, sa.Tokens(ctx, i.deps.HTTP, scope), "Google does not accept this client email with this private key. Check " +
		"both in the action's settings in Looker."}, nil
}

// ownClient uses the hub's own credentials: a service account, or workload identity federation
// (https://cloud.google.com/iam/docs/workload-identity-federation). The file is read each time, because
// Kubernetes may replace it.
func (i *Integration) ownClient(ctx context.Context) (*client, error) {
	const refused = "Google does not accept the hub's own credentials. The hub's administrator must check " +
		"GOOGLE_CLOUD_STORAGE_CREDENTIALS_FILE."
	file, err := os.ReadFile(i.settings.CredentialsFile)
	if err != nil {
		return nil, action.Wrap(fmt.Errorf("reading the hub's credentials: %w", err), action.Internal, refused)
	}
	var kind struct{ Type google.CredentialsType }
	err = json.Unmarshal(file, &kind)
	ctx, calls := serviceaccount.NewCalls(ctx, i.deps.HTTP)
	var c *google.Credentials
	if err == nil {
		c, err = google.CredentialsFromJSONWithType(ctx, file, kind.Type, scope)
	}
	if err != nil { // it may quote the file
		return nil, action.Wrap(errors.New("the hub's credentials file cannot be used"), action.Internal, refused)
	}
	return &client{i, calls.Source(c.TokenSource), refused}, nil
}

// metadataServer issues the access tokens of pods in Google Cloud. It is an IP address, because a host
// name could resolve to another one. https://cloud.google.com/compute/docs/metadata/querying-metadata
const metadataServer = "http://169.254.169.254/computeMetadata/v1/instance/service-accounts/default/token"

const podRefused = "Google gives the hub's pod no identity. The hub's administrator must check the Workload Identity of the " +
	"pod's service account."

// podClient uses the identity of the hub's pod
// (https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity).
func (i *Integration) podClient(ctx context.Context) *client {
	// The source gets a new token shortly before the old one expires, as a long upload needs it.
	tokens := oauth2.ReuseTokenSource(nil, podTokens{ctx, i.deps.Identity})
	return &client{i, tokens, podRefused}
}

// podTokens are the pod's access tokens.
type podTokens struct {
	ctx  context.Context //nolint:containedctx // the request's: [oauth2.TokenSource] takes none
	http *http.Client
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
	err := api.Call(p.ctx, http.MethodGet, outbound.WithQuery(metadataServer, url.Values{"scopes": {scope}}), nil, &answer)
	if _, ok := errors.AsType[*outbound.StatusError](err); ok && !action.KindOf(err).Retryable() || err == nil && answer.Access == "" {
		return nil, action.Wrap(errors.Join(errors.New("asking the metadata server"), err), action.Unauthenticated, podRefused)
	}
	if err != nil {
		return nil, err
	}
	expiry := time.Now().Add(time.Duration(answer.Seconds) * time.Second)
	return &oauth2.Token{AccessToken: answer.Access, TokenType: answer.Type, Expiry: expiry}, nil
}
