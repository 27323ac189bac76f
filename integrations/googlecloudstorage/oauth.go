package googlecloudstorage

import (
	"context"
	"strings"

	"integrationhub.dev/integrations/internal/google/hubidentity"
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
	sa, err := serviceaccount.Entered(a.Email, a.Key)
	if err != nil {
		return nil, err
	}
	return &client{i, sa.Tokens(ctx, i.deps.HTTP, scope), "Google does not accept this client email with this private key. Check " +
		"both in the action's settings in Looker."}, nil
}

// ownClient uses the hub's own credentials.
func (i *Integration) ownClient(ctx context.Context) (*client, error) {
	const refused = "Google does not accept the hub's own credentials. The hub's administrator must check " +
		"GOOGLE_CLOUD_STORAGE_CREDENTIALS_FILE."
	tokens, err := hubidentity.File(ctx, i.deps.HTTP, i.settings.CredentialsFile, scope, refused)
	if err != nil {
		return nil, err
	}
	return &client{i, tokens, refused}, nil
}

// podClient uses the identity of the hub's pod.
func (i *Integration) podClient(ctx context.Context) *client {
	return &client{i, hubidentity.Pod(ctx, i.deps.Identity, scope), hubidentity.PodRefused}
}
