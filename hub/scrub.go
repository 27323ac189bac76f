package hub

import (
	"context"
	"encoding/json"
	"regexp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/catalog"
	"integrationhub.dev/hub/outbound"
)

// Destinations repeat what they were sent in their errors, and integrations quote those. So
// what goes to Looker and to the log is searched for the request's secrets, here and once.

// secretSetting is what the names of environment variables with secrets look like.
var secretSetting = regexp.MustCompile(`_(SECRET|PASSWORD|TOKEN|PRIVATE_KEY|DSN)$|^CIPHER_MASTER$`)

// secretField is what the names of parameters and form fields with secrets look like, beside
// those that a definition calls sensitive.
var secretField = regexp.MustCompile(`(?i)(password|passphrase|token|secret|api_?key|private_?key)$`)

// hubSecrets are the secrets in the hub's own settings.
func hubSecrets(env map[string]string) (all []string) {
	for name, value := range env {
		if secretSetting.MatchString(name) {
			all = append(all, value)
		}
	}
	return all
}

// noteSecrets remembers what a request holds that must not be shown.
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

// leaves are the texts in a JSON value. What is no JSON is one text.
func leaves(text string) []string { return textsIn(text, func(string) bool { return true }) }

// tokens are those texts in a user's state that are secret by their names.
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

// scrub removes the request's secrets from a text for Looker.
func scrub(ctx context.Context, text string) string { return outbound.SecretsOf(ctx).Scrub(text) }

// scrub removes the request's secrets from what an integration tells Looker. The state is
// Looker's to keep.
func (out *outcome) scrub(ctx context.Context) {
	out.Message = scrub(ctx, out.Message)
	if out.Error != nil {
		out.Error.Message = scrub(ctx, out.Error.Message)
	}
	for field, message := range out.ValidationErrors {
		out.ValidationErrors[field] = scrub(ctx, message)
	}
}
