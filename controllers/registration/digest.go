package registration

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"integrationhub.dev/api/v1alpha1"
)

// settingsDigest identifies the settings of an integration in the status. Unlike tokens, values of
// parameters can be guessed, so a plain hash would let a reader of the status try them. The key is the
// secret of the API key, which Looker generates; a new API key only has the values written once more. The
// object's UID keeps equal settings of two registrations from looking the same.
func settingsDigest(apiSecret string, registration types.UID, integration v1alpha1.RegisteredIntegration, values map[string]string) (string, error) {
	type param struct{ Name, Value, UserAttribute string }
	settings := struct {
		Registration types.UID
		Name         string
		Enabled      *bool
		Targets      []string
		Params       []param
	}{Registration: registration, Name: integration.Name, Enabled: integration.Enabled, Targets: slices.Sorted(slices.Values(integration.DelegateOAuthTargets))}
	for _, p := range integration.Params {
		settings.Params = append(settings.Params, param{Name: p.Name, Value: values[p.Name], UserAttribute: p.UserAttribute})
	}
	slices.SortFunc(settings.Params, func(a, b param) int { return strings.Compare(a.Name, b.Name) })
	text, err := json.Marshal(settings)
	if err != nil {
		return "", fmt.Errorf("encoding the settings of %s: %w", integration.Name, err)
	}
	mac := hmac.New(sha256.New, []byte(apiSecret))
	mac.Write(text)
	return "hmac-sha256:" + hex.EncodeToString(mac.Sum(nil)), nil
}
