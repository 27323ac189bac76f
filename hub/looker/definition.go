package looker

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"

	"integrationhub.dev/hub/looker/api"
)

// definition is an integration as its hub lists it.
// Source: docs/action_api.md of the reference, ActionList and ActionDefinition.
type definition struct {
	Name             string                         `json:"name"`
	Label            string                         `json:"label"`
	Description      string                         `json:"description,omitempty"`
	URL              string                         `json:"url"`
	FormURL          string                         `json:"form_url,omitempty"`
	TokenURL         string                         `json:"token_url,omitempty"`
	Params           []definitionParam              `json:"params"`
	RequiredFields   []api.IntegrationRequiredField `json:"required_fields"`
	ActionTypes      []string                       `json:"supported_action_types"`
	Formats          []string                       `json:"supported_formats"`
	Formattings      []string                       `json:"supported_formattings"`
	VisFormattings   []string                       `json:"supported_visualization_formattings"`
	DownloadSettings []string                       `json:"supported_download_settings"`
	UsesOAuth        bool                           `json:"uses_oauth"`
	DelegateOAuth    bool                           `json:"delegate_oauth"`
	PrivacyLink      string                         `json:"privacy_link,omitempty"`
}

type definitionParam struct {
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

func (p definitionParam) sensitive() bool { return p.Sensitive == nil || *p.Sensitive }

func (d definition) param(name string) (definitionParam, bool) {
	i := slices.IndexFunc(d.Params, func(p definitionParam) bool { return p.Name == name })
	if i < 0 {
		return definitionParam{}, false
	}
	return d.Params[i], true
}

func (d definition) sensitive(name string) bool {
	p, ok := d.param(name)
	return !ok || p.sensitive()
}

// hubList is a hub's answer to a request for its integrations.
type hubList struct {
	Label        string       `json:"label"`
	Integrations []definition `json:"integrations"`
}

// parseList reads a list. Everything that the reference's documentation calls required must be there.
func parseList(text []byte) (hubList, error) {
	var list hubList
	if err := json.Unmarshal(text, &list); err != nil {
		return hubList{}, fmt.Errorf("the action hub's list is not valid: %w", err)
	}
	if list.Integrations == nil {
		return hubList{}, errors.New("the action hub's list has no integrations")
	}
	names := map[string]bool{}
	for _, d := range list.Integrations {
		if err := d.validate(); err != nil {
			return hubList{}, err
		}
		if names[d.Name] {
			return hubList{}, fmt.Errorf("the action hub lists the integration %q twice", d.Name)
		}
		names[d.Name] = true
	}
	return list, nil
}

func (d definition) validate() error {
	if d.Name == "" || d.Label == "" || len(d.ActionTypes) == 0 {
		return fmt.Errorf("the integration %q of the action hub's list needs a name, a label and action types", d.Name)
	}
	for _, address := range []string{d.URL, d.FormURL, d.TokenURL} {
		u, err := url.Parse(address)
		// The form and the token are optional, the address to execute at is not.
		if (address != "" || address == d.URL) && (err != nil || u.Scheme != "https" || u.Host == "") {
			return fmt.Errorf("the integration %q of the action hub's list has the URL %q, which is not an absolute https:// URL", d.Name, address)
		}
	}
	return nil
}
