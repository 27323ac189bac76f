package googlebigquery

import (
	"context"
	"strings"

	"golang.org/x/oauth2"

	"integrationhub.dev/integrations/internal/google/hubidentity"
	"integrationhub.dev/integrations/internal/google/serviceaccount"
)

const scope = "https://www.googleapis.com/auth/bigquery"

// client makes a client with the credentials of one request.
func (i *Integration) client(ctx context.Context, a account) (*client, error) {
	c := &client{Integration: i, project: string(a.Project)}
	var err error
	switch {
	case strings.TrimSpace(a.Key.Reveal()) != "" || !i.settings.keyless():
		c.refused = "Google does not accept this private key. Check it and the client email in the action's settings in Looker."
		c.tokens, err = i.keyTokens(ctx, a)
	case i.settings.PodIdentity:
		c.refused = hubidentity.PodRefused
		c.tokens = hubidentity.Pod(ctx, i.deps.Identity, scope)
	default:
		c.refused = "Google does not accept the hub's own credentials. The hub's administrator must check GOOGLE_BIGQUERY_CREDENTIALS_FILE."
		c.tokens, err = hubidentity.File(ctx, i.deps.HTTP, i.settings.CredentialsFile, scope, c.refused)
	}
	return c, err
}

// keyTokens signs in with the account's own key.
func (i *Integration) keyTokens(ctx context.Context, a account) (oauth2.TokenSource, error) {
	sa, err := serviceaccount.Entered(a.Email, a.Key)
	if err != nil {
		return nil, err
	}
	return sa.Tokens(ctx, i.deps.HTTP, scope), nil
}
