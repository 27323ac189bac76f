// Package kloudio writes a query's dimensions to a Google Sheet by Kloudio: it uploads the rows to
// Kloudio's store, from which Kloudio imports them.
package kloudio

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/google/uuid"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/pasted"
	"integrationhub.dev/integrations/internal/rows"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
)

// settings are the URLs of Kloudio's API.
type settings struct {
	// SignedURL is the URL that issues upload URLs, without the file's name:
	// https://…/signed-url-put-object?key=
	SignedURL string `env:"KLOUDIO_SIGNED_URL,required,notEmpty"`
	// APIURL starts an import.
	APIURL string `env:"KLOUDIO_API_URL,required,notEmpty"`
}

// Integration delivers to Kloudio.
type Integration struct {
	http              *http.Client
	signedURL, apiURL string
}

// New makes the integration.
func New(deps action.Deps) (action.Integration, error) {
	s, err := action.Settings[settings](deps)
	if err != nil {
		return nil, err
	}
	// The reference also removes quotation marks.
	unquoted := strings.NewReplacer(`'`, "", `"`, "")
	return &Integration{deps.HTTP, unquoted.Replace(s.SignedURL), unquoted.Replace(s.APIURL)}, nil
}

// Definition implements [action.Integration].
func (*Integration) Definition() action.Definition {
	return rows.Definition(action.Definition{
		Name: "kloudio", Label: "Kloudio", Description: "Add data to Google sheets.",
		Formats:    []action.Format{action.JSONDetail},
		Download:   action.Push,
		MinVersion: action.V(5, 5, 0),
	})
}

// Form implements [action.FormBuilder].
func (*Integration) Form(context.Context, *action.Request) (*action.Form, error) {
	return &action.Form{Fields: []action.Field{
		{Name: "apiKey", Label: "API Key", Type: action.String, Required: true},
		{Name: "url", Label: "Google Sheets URL", Type: action.String, Required: true},
	}}, nil
}

// Execute implements [action.Integration]. The import starts after the complete upload.
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	if err := rows.RequireAttached(req); err != nil {
		return nil, err
	}
	key := action.Secret(pasted.Text(req.Form["apiKey"]))
	if key == "" {
		return nil, action.InvalidField("apiKey", "Missing API key")
	}
	target, err := readSheet(req.Form["url"])
	if err != nil {
		return nil, err
	}
	size, err := measure(ctx, req.Data)
	if err != nil {
		return nil, err
	}
	file := uuid.NewString() + ".json"
	address, err := i.uploadURL(ctx, file, key)
	if err != nil {
		return nil, err
	}
	if err := i.upload(ctx, address, req.Data, size); err != nil {
		return nil, err
	}
	message, err := i.startImport(ctx, importRequest{
		Destination: "looker", APIKey: key.Reveal(), Spreadsheet: target.spreadsheet, Sheet: target.id,
		FromStore: true, File: file, Report: "Looker Report",
	}, key)
	if err != nil {
		return nil, err
	}
	return &action.Response{Message: message}, nil
}

// sheet is one sheet of a spreadsheet.
type sheet struct{ spreadsheet, id string }

var (
	spreadsheetPath = regexp.MustCompile(`^/spreadsheets/(?:u/\d+/)?d/([A-Za-z0-9_-]+)/edit$`)
	sheetFragment   = regexp.MustCompile(`^gid=(\d+)`)
)

// readSheet parses the URL of a sheet from the browser:
// https://docs.google.com/spreadsheets/d/ID/edit#gid=0 or /edit?gid=0#gid=0.
func readSheet(text string) (sheet, error) {
	text = pasted.URL(text)
	if text == "" {
		return sheet{}, action.InvalidField("url", "Missing Google sheets URL")
	}
	u, err := url.Parse(text)
	if err == nil && u.Scheme == "https" && u.Host == "docs.google.com" {
		path, fragment := spreadsheetPath.FindStringSubmatch(u.Path), sheetFragment.FindStringSubmatch(u.Fragment)
		if path != nil && fragment != nil {
			return sheet{path[1], fragment[1]}, nil
		}
	}
	return sheet{}, action.InvalidField("url", "Invalid URL. Copy the URL of the sheet from the browser, such as "+
		"https://docs.google.com/spreadsheets/d/…/edit#gid=0")
}
