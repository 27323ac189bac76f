package hub

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"

	"integrationhub.dev/hub/action"
)

// definition is an integration as Looker reads it.
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

// describe renders an integration for a version of Looker.
func (o *offer) describe(baseURL string, v action.Version) []byte {
	d := o.Definition
	at := baseURL + "/actions/" + url.PathEscape(d.Name)
	out := definition{
		Description: d.Description, Label: d.Label, Name: d.Name,
		Params: d.Params, RequiredFields: d.RequiredFields, Types: d.Types,
		UsesOAuth: o.OAuth != nil || o.Delegate != nil, DelegateOAuth: o.Delegate != nil,
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
	if o.Form != nil {
		form := at + "/form"
		out.FormURL = &form
	}
	if o.icon != "" {
		out.IconDataURI = &o.icon
	}
	return marshal(out)
}

// marshal renders JSON as the reference does, without escaping HTML.
func marshal(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err) // only values of our own types come here
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// description is one integration's definition for a version of Looker.
func (s *Server) description(o *offer, v action.Version) []byte {
	if o.json != nil {
		return o.json
	}
	return o.describe(s.config.BaseURL, v)
}

// listActions answers POST /: everything that the asking version of Looker can use.
func (s *Server) listActions(w http.ResponseWriter, r *http.Request) {
	d := s.lists.answer(action.ParseUserAgent(r.UserAgent()))
	w.Header().Set("Vary", "Accept-Encoding")
	if acceptsGzip(r.Header.Get("Accept-Encoding")) {
		w.Header().Set("Content-Encoding", "gzip")
		writeRaw(w, http.StatusOK, d.gzip)
		return
	}
	writeRaw(w, http.StatusOK, d.plain)
}

// showAction answers POST /actions/{name}.
func (s *Server) showAction(w http.ResponseWriter, r *http.Request) {
	o := offerFrom(r.Context())
	writeRaw(w, http.StatusOK, s.description(o, action.ParseUserAgent(r.UserAgent())))
}
