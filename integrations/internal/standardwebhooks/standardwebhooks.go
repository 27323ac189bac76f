// Package standardwebhooks reads the secrets of the Standard Webhooks scheme from an integration's settings.
package standardwebhooks

import (
	"integrationhub.dev/hub/standardwebhooks"
	"integrationhub.dev/integrations/internal/pasted"
)

// Keys are the secrets that a request is signed with.
type Keys struct{ standardwebhooks.Keys }

// UnmarshalText implements [encoding.TextUnmarshaler]. Errors do not contain any part of a secret.
func (k *Keys) UnmarshalText(text []byte) (err error) {
	k.Keys, err = standardwebhooks.Parse(pasted.Text(string(text)))
	return err
}
