package looker

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"

	"integrationhub.dev/hub/looker/api"
)

// Definition is an integration as its hub lists it.
// Source: docs/action_api.md of the reference, ActionList and ActionDefinition.
type Definition struct {
	Name        string `json:"name"`
	Label       string `json:"label"`
	Description string `json:"description,omitempty"`
	URL         string `json:"url"`
	// FormURL is empty if the integration has no form.
	FormURL          string                         `json:"form_url,omitempty"`
	TokenURL         string                         `json:"token_url,omitempty"`
	Params           []Param                        `json:"params"`
	RequiredFields   []api.IntegrationRequiredField `json:"required_fields"`
	ActionTypes      []string                       `json:"supported_action_types"`
	Formats          []string                       `json:"supported_formats"`
	Formattings      []string                       `json:"supported_formattings"`
	VisFormattings   []string                       `json:"supported_visualization_formattings"`
	DownloadSettings []string                       `json:"supported_download_settings"`
	UsesOAuth        bool                           `json:"uses_oauth"`
	DelegateOAuth    bool                           `json:"delegate_oauth"`
	PrivacyLink      string                         `json:"privacy_link,omitempty"`
	// Icon is a data URI.
	Icon string `json:"icon_data_uri,omitempty"`
}

// Param is a setting of an integration.
type Param struct {
	Name        string `json:"name"`
	Label       string `json:"label"`
	Description string `json:"description,omitempty"`
	Required    bool   `json:"required"`
	// Sensitive is true if the hub does not say. Source: docs/action_api.md of the reference.
	Sensitive         *bool  `json:"sensitive"`
	PerUser           bool   `json:"per_user"`
	UserAttributeName string `json:"user_attribute_name,omitempty"`
	DelegateOAuthURL  string `json:"delegate_oauth_url,omitempty"`
}

// Secret reports whether a value of the param must not be shown.
func (p Param) Secret() bool { return p.Sensitive == nil || *p.Sensitive }

func (d Definition) param(name string) (Param, bool) {
	i := slices.IndexFunc(d.Params, func(p Param) bool { return p.Name == name })
	if i < 0 {
		return Param{}, false
	}
	return d.Params[i], true
}

func (d Definition) sensitive(name string) bool {
	p, ok := d.param(name)
	return !ok || p.Secret()
}

// hubList is a hub's answer to a request for its integrations.
type hubList struct {
	Label        string       `json:"label"`
	Integrations []Definition `json:"integrations"`
}

// parseList reads a list. Everything that the reference's documentation calls required must be there.
func parseList(text []byte, schemes []string) (hubList, error) {
	var list hubList
	if err := json.Unmarshal(text, &list); err != nil {
		return hubList{}, fmt.Errorf("the action hub's list is not valid: %w", err)
	}
	if list.Integrations == nil {
		return hubList{}, errors.New("the action hub's list has no integrations")
	}
	names := map[string]bool{}
	for _, d := range list.Integrations {
		if err := d.validate(schemes); err != nil {
			return hubList{}, err
		}
		if names[d.Name] {
			return hubList{}, fmt.Errorf("the action hub lists the integration %q twice", d.Name)
		}
		names[d.Name] = true
	}
	return list, nil
}

func (d Definition) validate(schemes []string) error {
	if d.Name == "" || d.Label == "" || len(d.ActionTypes) == 0 {
		return fmt.Errorf("the integration %q of the action hub's list needs a name, a label and action types", d.Name)
	}
	for _, address := range []string{d.URL, d.FormURL, d.TokenURL} {
		// The form and the token are optional, the address to execute at is not.
		if (address != "" || address == d.URL) && !absolute(address, schemes) {
			return fmt.Errorf("the integration %q of the action hub's list has the URL %q, which is not an absolute https:// URL", d.Name, address)
		}
	}
	return nil
}

// absolute reports whether an address is a URL with one of the schemes and a host.
func absolute(address string, schemes []string) bool {
	u, err := url.Parse(address)
	return err == nil && slices.Contains(schemes, u.Scheme) && u.Host != ""
}
