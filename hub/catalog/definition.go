package catalog

import (
	"net/url"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/wire"
)

// definition is the JSON of an integration in Looker's Action API. Its names are a contract.
type definition struct {
	Description      string                 `json:"description"`
	FormURL          *string                `json:"form_url"`
	Label            string                 `json:"label"`
	Name             string                 `json:"name"`
	Params           []action.Param         `json:"params"`
	RequiredFields   []action.RequiredField `json:"required_fields"`
	Types            []action.Type          `json:"supported_action_types"`
	UsesOAuth        bool                   `json:"uses_oauth"`
	DelegateOAuth    bool                   `json:"delegate_oauth"`
	Formats          []action.Format        `json:"supported_formats,omitzero"`
	Formattings      []action.Formatting    `json:"supported_formattings,omitzero"`
	VisFormattings   []action.VisFormatting `json:"supported_visualization_formattings,omitzero"`
	DownloadSettings []action.Download      `json:"supported_download_settings"`
	IconDataURI      *string                `json:"icon_data_uri"`
	URL              string                 `json:"url"`
	TokenURL         string                 `json:"token_url"`
}

// DefinitionJSON returns the definition that a version of Looker gets.
func (e *Entry) DefinitionJSON(v action.Version) []byte {
	if e.json != nil {
		return e.json
	}
	return e.marshalDefinition(v)
}

func (e *Entry) marshalDefinition(v action.Version) []byte {
	d := e.Definition
	at := e.baseURL + "/actions/" + url.PathEscape(d.Name)
	out := definition{
		Description: d.Description, Label: d.Label, Name: d.Name,
		Params: d.Params, RequiredFields: d.RequiredFields, Types: d.Types,
		UsesOAuth: e.SignsIn() || e.Delegates(), DelegateOAuth: e.Delegates(),
		Formats: d.Formats, Formattings: d.Formattings, VisFormattings: d.VisFormattings,
		DownloadSettings: []action.Download{d.Download},
		URL:              at + "/execute",
	}
	if out.Params == nil {
		out.Params = []action.Param{}
	}
	if out.RequiredFields == nil {
		out.RequiredFields = []action.RequiredField{}
	}
	if d.FetchTokens {
		out.TokenURL = at + "/oauth_token"
	}
	if d.FormatsFor != nil {
		out.Formats = d.FormatsFor(v)
	}
	if e.HasForm() {
		form := at + "/form"
		out.FormURL = &form
	}
	if e.Icon != "" {
		out.IconDataURI = &e.Icon
	}
	return wire.Marshal(out)
}
