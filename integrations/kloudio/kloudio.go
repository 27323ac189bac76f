// Package kloudio adds a query's result to a Google sheet by way of Kloudio.
package kloudio

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/google/uuid"

	"integrationhub.dev/hub/action"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
)

// settings are the hub's: Kloudio's addresses. The first one ends where a file's name is to
// follow: https://api.example.com/v1/signed-url?key=.
type settings struct {
	SignedURL address `env:"KLOUDIO_SIGNED_URL,required,notEmpty"`
	APIURL    address `env:"KLOUDIO_API_URL,required,notEmpty"`
}

// address is an address as administrators have it in their environment: maybe with quotes.
type address string

// UnmarshalText implements [encoding.TextUnmarshaler].
func (a *address) UnmarshalText(text []byte) error {
	*a = address(unquoted(string(text)))
	if u, err := url.Parse(string(*a)); err != nil || u.Scheme != "https" || u.Host == "" {
		return errors.New("must be an address that begins with https://")
	}
	return nil
}

func unquoted(text string) string { return strings.NewReplacer(`'`, "", `"`, "").Replace(text) }

// input is what the Looker user enters.
type input struct {
	APIKey action.Secret `form:"apiKey"`
	URL    sheetURL      `form:"url"`
}

// Validate implements what [action.Decode] asks for.
func (in *input) Validate() error {
	switch {
	case in.APIKey == "":
		return action.InvalidField("apiKey", "Missing API key")
	case in.URL.spreadsheet == "":
		return action.InvalidField("url", "Missing Google sheets URL")
	}
	return nil
}

// sheetURL is the address of one sheet of a spreadsheet, as a browser shows it.
type sheetURL struct {
	spreadsheet, sheet string
}

var sheetPattern = regexp.MustCompile(`^https://docs\.google\.com/spreadsheets/(?:u/\d+/)?d/([A-Za-z0-9_-]+)/edit(?:\?[^#]*)?#gid=(\d+)`)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *sheetURL) UnmarshalText(text []byte) error {
	match := sheetPattern.FindSubmatch(text)
	if match == nil {
		return errors.New("must be the address of a sheet, such as https://docs.google.com/spreadsheets/d/…/edit#gid=0")
	}
	s.spreadsheet, s.sheet = string(match[1]), string(match[2])
	return nil
}

// Integration sends results to Kloudio.
type Integration struct {
	settings settings
	deps     action.Deps
}

// New makes the integration.
func New(deps action.Deps) (action.Integration, error) {
	s, err := action.Settings[settings](deps)
	if err != nil {
		return nil, err
	}
	return &Integration{s, deps}, nil
}

// Definition implements [action.Integration].
func (*Integration) Definition() action.Definition {
	return action.Definition{
		Name: "kloudio", Label: "Kloudio", Description: "Add data to Google sheets.",
		Types:          []action.Type{action.TypeQuery},
		Formats:        []action.Format{action.JSONDetail},
		Formattings:    []action.Formatting{action.Unformatted},
		VisFormattings: []action.VisFormatting{action.NoApply},
		Download:       action.Push,
		MinVersion:     action.V(5, 5, 0),
	}
}

// Form implements [action.FormBuilder].
func (*Integration) Form(context.Context, *action.Request) (*action.Form, error) {
	return &action.Form{Fields: []action.Field{
		{Name: "apiKey", Label: "API Key", Type: action.String, Required: true},
		{Name: "url", Label: "Google Sheets URL", Type: action.String, Required: true},
	}}, nil
}

// Execute implements [action.Integration]. The result is read twice: once to know that it is
// whole, and how long it is as Kloudio takes it, and again while it is sent.
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	if req.Data.Empty() {
		return nil, action.Errorf(action.Invalid, "No attached json.")
	}
	in, err := action.Decode[input](req)
	if err != nil {
		return nil, err
	}
	r := result{data: req.Data}
	if err := r.measure(ctx); err != nil {
		return nil, err
	}
	c := client{http: i.deps.HTTP, settings: i.settings, key: in.APIKey}
	file := uuid.NewString() + ".json"
	upload, err := c.sign(ctx, file)
	if err != nil {
		return nil, err
	}
	if err := c.upload(ctx, upload, &r); err != nil {
		return nil, err
	}
	if err := c.add(ctx, in.URL, file); err != nil {
		return nil, err
	}
	return &action.Response{Message: fmt.Sprintf("%d rows sent to Kloudio.", r.rows)}, nil
}
