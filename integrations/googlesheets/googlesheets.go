// Package googlesheets writes the rows of a query's result to a Google Sheets spreadsheet.
package googlesheets

import (
	"context"
	"fmt"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/google"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
	_ action.Authorizer  = (*Integration)(nil)
)

const spreadsheetType = "application/vnd.google-apps.spreadsheet"

// settings are the hub's OAuth clients at Google. In the reference the first pair only enables the integration, and
// the tokens that Looker stores belong to the second pair. It is used if it is set.
type settings struct {
	ClientID          string        `env:"GOOGLE_SHEET_CLIENT_ID,required,notEmpty"`
	ClientSecret      action.Secret `env:"GOOGLE_SHEET_CLIENT_SECRET,required,notEmpty"`
	DriveClientID     string        `env:"GOOGLE_DRIVE_CLIENT_ID"`
	DriveClientSecret action.Secret `env:"GOOGLE_DRIVE_CLIENT_SECRET"`
}

// Integration writes spreadsheets. The service implements the sign-in.
type Integration struct {
	*google.Service
	// batch is the maximum number of bytes of rows in a request.
	batch int
	// pace is the rate of requests. Google allows each user sixty writes a minute.
	pace rate.Limit
}

// Google's advice, and its quota:
// https://developers.google.com/workspace/sheets/api/limits
const (
	batchBytes = 2 << 20
	burst      = 20
)

// New makes the integration.
func New(deps action.Deps) (action.Integration, error) {
	s, err := action.Settings[settings](deps)
	if err != nil {
		return nil, err
	}
	client := google.Credentials{ID: s.ClientID, Secret: s.ClientSecret}
	if s.DriveClientID != "" && s.DriveClientSecret != "" {
		client = google.Credentials{ID: s.DriveClientID, Secret: s.DriveClientSecret}
	}
	scopes := []string{google.ScopeSheets, google.ScopeDrive, google.ScopeEmail}
	return &Integration{google.NewService("Google Sheets", client, scopes, deps), batchBytes, rate.Every(time.Second)}, nil
}

// Definition implements [action.Integration].
func (*Integration) Definition() action.Definition {
	return action.Definition{
		Name: "google_sheets", Label: "Google Sheets", Description: "Create a new Google Sheet.",
		Params:      []action.Param{google.Param},
		Types:       []action.Type{action.TypeQuery},
		Formats:     []action.Format{action.CSV},
		Download:    action.URL,
		MinVersion:  action.V(7, 3, 0),
		FetchTokens: true,
	}
}

// What to do if a spreadsheet with the name exists.
const (
	overwrite = "yes"
	makeNew   = "no"
	appendTo  = "append"
)

// Form implements [action.FormBuilder].
func (i *Integration) Form(ctx context.Context, req *action.Request) (*action.Form, error) {
	form, err := i.Service.Form(ctx, req)
	if err != nil || form.Fields[0].Name == "login" {
		return form, err
	}
	form.Fields = append(form.Fields, action.Field{
		Name: "overwrite", Label: "Overwrite Existing Files", Type: action.Select, Required: true, Default: overwrite,
		Options: []action.Option{{Name: overwrite, Label: "Yes"}, {Name: makeNew, Label: "No"}, {Name: appendTo, Label: "Append"}},
		Description: "What happens to a spreadsheet of the same name: its first tab is overwritten, a new spreadsheet is made " +
			"beside it, or the rows are added below those of its first tab",
	})
	return form, nil
}

// Execute implements [action.Integration]. It changes nothing before it has read all of the data and checked that
// the data fits.
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	in, err := google.Decode(req)
	if err != nil {
		return nil, err
	}
	if !strings.HasSuffix(in.Name, ".csv") {
		in.Name += ".csv"
	}
	c, at, err := i.Enter(ctx, req, in)
	var data *table
	if err == nil {
		data, err = fetch(ctx, req.Data)
	}
	if err != nil {
		return i.Forget(err), err
	}
	defer data.blob.Close()
	if err := i.deliver(ctx, c, at, in.Name, req.Form["overwrite"], data); err != nil {
		return i.Forget(err), err
	}
	return &action.Response{Message: fmt.Sprintf("%d rows written to %s.", max(data.rows-1, 0), in.Name)}, nil
}

func (i *Integration) deliver(ctx context.Context, c *google.Client, at google.Place, name, mode string, data *table) error {
	w := &writer{Client: c, batch: i.batch, limiter: rate.NewLimiter(i.pace, burst)}
	if mode == overwrite || mode == appendTo {
		id, err := c.Find(ctx, at, name, spreadsheetType)
		switch {
		case err != nil:
			return err
		case id != "" && mode == overwrite:
			return w.overwrite(ctx, id, data)
		case id != "":
			return w.append(ctx, id, data)
		}
	}
	// It gets its name only when it is complete, so that the next delivery does not find an incomplete one.
	id, err := c.Create(ctx, google.File{Name: name + " (incomplete)", MIME: spreadsheetType, Parents: []string{at.Folder}})
	if err != nil {
		return err
	}
	if err = w.overwrite(ctx, id, data); err == nil {
		err = c.Rename(ctx, id, name)
	}
	if err != nil {
		return i.withdraw(ctx, c, id, err)
	}
	return nil
}

// removeTimeout limits the removal of a spreadsheet. The delivery itself may have timed out.
const removeTimeout = 30 * time.Second

func (i *Integration) withdraw(ctx context.Context, c *google.Client, id string, why error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeTimeout)
	defer cancel()
	if err := c.Remove(ctx, id); err != nil {
		i.Log.WarnContext(ctx, "an incomplete spreadsheet could not be removed", "error", err)
		return action.Wrap(why, action.KindOf(why), "%s An incomplete spreadsheet is left in the folder.", action.MessageOf(why))
	}
	return why
}
