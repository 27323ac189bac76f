package hub

import (
	"context"
	"encoding/json"
	"regexp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/catalog"
	"integrationhub.dev/hub/outbound"
)

// Destinations repeat parts of a request in their errors, and integrations quote those errors. So
// the secrets of a request are collected here, and removed from responses and from the log.

// secretSetting matches the names of environment variables that contain secrets.
var secretSetting = regexp.MustCompile(`_(SECRET|PASSWORD|TOKEN|PRIVATE_KEY|DSN)$|^CIPHER_MASTER$`)

// secretField matches the names of parameters and form fields that contain secrets, in addition to
// the parameters that a definition marks as sensitive.
var secretField = regexp.MustCompile(`(?i)(password|passphrase|token|secret|api_?key|private_?key)$`)

// hubSecrets returns the secrets in the hub's settings.
func hubSecrets(env map[string]string) *outbound.Secrets {
	all := &outbound.Secrets{}
	for name, value := range env {
		if secretSetting.MatchString(name) {
			all.Add(value)
		}
	}
	return all
}

// noteSecrets collects the secrets of a request.
func noteSecrets(ctx context.Context, entry *catalog.Entry, req *action.Request) {
	secrets := outbound.SecretsOf(ctx)
	secrets.Add(req.StateURL)
	secrets.Add(tokens(req.Params["state_json"])...)
	secrets.Add(tokens(req.State)...)
	sensitive := map[string]bool{}
	for _, p := range entry.Definition.Params {
		sensitive[p.Name] = p.Sensitive
	}
	for name, value := range req.Params {
		if sensitive[name] || secretField.MatchString(name) {
			secrets.Add(leaves(value)...)
		}
	}
	for name, value := range req.Form {
		if secretField.MatchString(name) {
			secrets.Add(leaves(value)...)
		}
	}
}

// leaves returns the strings in a JSON value. Text that is not JSON is one string.
func leaves(text string) []string { return textsIn(text, func(string) bool { return true }) }

// tokens returns the strings in a user's state whose names mark them as secrets.
func tokens(state string) []string { return textsIn(state, outbound.IsSecretName) }

func textsIn(text string, wanted func(name string) bool) (all []string) {
	var value any
	if json.Unmarshal([]byte(text), &value) != nil {
		return []string{text}
	}
	var visit func(value any, want bool)
	visit = func(value any, want bool) {
		switch v := value.(type) {
		case string:
			if want {
				all = append(all, v)
			}
		case []any:
			for _, item := range v {
				visit(item, want)
			}
		case map[string]any:
			for name, item := range v {
				visit(item, wanted(name))
			}
		}
	}
	visit(value, true)
	return all
}

// scrub removes the request's secrets from a message for Looker.
func scrub(ctx context.Context, text string) string { return outbound.SecretsOf(ctx).Scrub(text) }
