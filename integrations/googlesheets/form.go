package googlesheets

import (
	"context"
	"errors"
	"slices"
	"strings"
	"unicode"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/choice"
	"integrationhub.dev/integrations/internal/google"
)

// What to do if a spreadsheet with the name exists.
const (
	overwrite = "yes"
	makeNew   = "no"
	appendTo  = "append"
)

// valueInput says what becomes of formatted values. The names are those of Google's ValueInputOption.
type valueInput string

const (
	// parsed is the default, since the reference let Google parse all values.
	parsed valueInput = "USER_ENTERED"
	raw    valueInput = "RAW"
)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (v *valueInput) UnmarshalText(text []byte) error {
	return choice.Parse(v, string(text), parsed, raw)
}

// tabTitle is the title of a tab, or empty for the first one.
type tabTitle string

// UnmarshalText implements [encoding.TextUnmarshaler].
func (t *tabTitle) UnmarshalText(text []byte) error {
	title := strings.TrimSpace(string(text))
	if len([]rune(title)) > maxTitle || strings.ContainsFunc(title, unicode.IsControl) {
		return errors.New("must have at most 100 characters on one line")
	}
	*t = tabTitle(title)
	return nil
}

// choices are what the user chose in addition to Google Drive's form.
type choices struct {
	Values valueInput `form:"valueInputOption"`
	Tab    tabTitle   `form:"tab"`
}

// Form implements [action.FormBuilder].
func (i *Integration) Form(ctx context.Context, req *action.Request) (*action.Form, error) {
	form, err := i.Service.Form(ctx, req)
	if err != nil || form.Fields[0].Name == "login" {
		return form, err
	}
	tab, err := i.tabFields(ctx, req)
	if err != nil {
		return nil, err
	}
	form.Fields = append(form.Fields, action.Field{
		Name: "overwrite", Label: "Overwrite Existing Files", Type: action.Select, Required: true, Default: overwrite,
		Options: []action.Option{{Name: overwrite, Label: "Yes"}, {Name: makeNew, Label: "No"}, {Name: appendTo, Label: "Append"}},
		Description: "What happens to a spreadsheet of the same name: its tab is overwritten, a new spreadsheet is created, " +
			"or the rows are added below those of its tab",
	}, action.Field{
		Name: "valueInputOption", Label: "Formatted numbers and dates", Type: action.Select, Default: string(parsed),
		Options: []action.Option{{Name: string(parsed), Label: "Numbers and dates"}, {Name: string(raw), Label: "Text"}},
		Description: "Columns such as $1,234.50 and Jan 31, 2024 become numbers and dates, which formulas can use, or stay text. " +
			"Nothing becomes a formula.",
	})
	form.Fields = append(form.Fields, tab...)
	return form, nil
}

// tabFields are the fields for the tab. Existing tabs are listed only on demand, because that is slow.
func (i *Integration) tabFields(ctx context.Context, req *action.Request) ([]action.Field, error) {
	field := action.Field{
		Name: "tab", Label: "Tab", Type: action.String,
		Description: "The name of the tab, which is created if the spreadsheet has none of this name. Without a name, it is the first " +
			"tab. A dashboard has a tab for each tile instead.",
	}
	fetch := action.Field{
		Name: "fetchtabs", Label: "Select Fetch to fetch a list of tabs of this spreadsheet", Type: action.Select, Interactive: true,
		Description: "Fetch tabs", Options: []action.Option{{Name: "fetch", Label: "Fetch"}},
	}
	if req.Form["fetchtabs"] == "" || req.Form["filename"] == "" {
		return []action.Field{field, fetch}, nil
	}
	tabs, err := i.existingTabs(ctx, req)
	if err != nil {
		return nil, err
	}
	if len(tabs) == 0 {
		field.Description = "There is no spreadsheet with this name yet. " + field.Description
		return []action.Field{field, fetch}, nil
	}
	if current := req.Form["tab"]; current != "" && !slices.ContainsFunc(tabs, func(t tab) bool { return t.Title == current }) {
		tabs = append(tabs, tab{Title: current})
	}
	field.Type, field.Description = action.Select, "The tab of the spreadsheet that the rows are written to."
	field.Options = []action.Option{{Name: "", Label: "First tab"}}
	for _, t := range tabs {
		field.Options = append(field.Options, action.Option{Name: t.Title, Label: t.Title})
	}
	return []action.Field{field}, nil
}

// existingTabs returns the tabs of the spreadsheet that the form names, if there is one.
func (i *Integration) existingTabs(ctx context.Context, req *action.Request) ([]tab, error) {
	in, err := google.Decode(req)
	if err != nil {
		return nil, err
	}
	c, at, err := i.Enter(ctx, req, in)
	if err != nil {
		return nil, err
	}
	id, err := c.Find(ctx, at, spreadsheetName(in.Name, false), spreadsheetType)
	if err != nil || id == "" {
		return nil, err
	}
	return i.writer(c).tabs(ctx, id)
}
