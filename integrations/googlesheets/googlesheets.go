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
		Types:       []action.Type{action.TypeQuery, action.TypeDashboard},
		Formats:     []action.Format{action.CSV, action.CSVZip},
		Download:    action.URL,
		MinVersion:  action.V(7, 3, 0),
		FetchTokens: true,
	}
}

// Execute implements [action.Integration]. It changes nothing before it has read all of the data and checked that
// the data fits.
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	chosen, err := action.Decode[choices](req)
	if err != nil {
		return nil, err
	}
	in, err := google.Decode(req)
	if err != nil {
		return nil, err
	}
	in.Name = spreadsheetName(in.Name, isDashboard(req))
	c, at, err := i.Enter(ctx, req, in)
	var data *tables
	if err == nil {
		data, err = fetch(ctx, req, chosen.Values == raw)
	}
	if err != nil {
		return i.Forget(err), err
	}
	defer data.Close()
	for _, t := range data.all {
		if t.tile == "" {
			t.tile = string(chosen.Tab)
		}
	}
	if err := i.deliver(ctx, c, at, in.Name, req.Form["overwrite"], data.all); err != nil {
		return i.Forget(err), err
	}
	if isDashboard(req) {
		return &action.Response{Message: fmt.Sprintf("%d tiles written to %s.", len(data.all), in.Name)}, nil
	}
	return &action.Response{Message: fmt.Sprintf("%d rows written to %s.", max(data.all[0].rows-1, 0), in.Name)}, nil
}

// spreadsheetName returns the name of the spreadsheet. That of a query ends with .csv, as in the reference.
func spreadsheetName(name string, dashboard bool) string {
	if !dashboard && !strings.HasSuffix(name, ".csv") {
		name += ".csv"
	}
	return name
}

func (i *Integration) writer(c *google.Client) *writer {
	return &writer{Client: c, batch: i.batch, limiter: rate.NewLimiter(i.pace, burst)}
}

func (i *Integration) deliver(ctx context.Context, c *google.Client, at google.Place, name, mode string, data []*table) error {
	w := i.writer(c)
	if mode == overwrite || mode == appendTo {
		id, err := c.Find(ctx, at, name, spreadsheetType)
		switch {
		case err != nil:
			return err
		case id != "" && mode == overwrite:
			return each(data, func(t *table) error { return w.overwrite(ctx, id, t.tile, t) })
		case id != "":
			return each(data, func(t *table) error { return w.append(ctx, id, t.tile, t) })
		}
	}
	// It gets its name only when it is complete, so that the next delivery does not find an incomplete one.
	id, err := c.Create(ctx, google.File{Name: name + " (incomplete)", MIME: spreadsheetType, Parents: []string{at.Folder}})
	if err != nil {
		return err
	}
	if err = w.rename(ctx, id, data[0].tile); err == nil {
		err = each(data, func(t *table) error { return w.overwrite(ctx, id, t.tile, t) })
	}
	if err == nil {
		err = c.Rename(ctx, id, name)
	}
	if err != nil {
		return i.withdraw(ctx, c, id, err)
	}
	return nil
}

// each writes one table after the other, and adds to an error how many were written.
func each(data []*table, write func(*table) error) error {
	for n, t := range data {
		if err := write(t); err != nil {
			if len(data) == 1 {
				return err
			}
			return action.Wrap(err, action.KindOf(err), "%d of %d tiles were written. %s: %s", n, len(data), t.tile, action.MessageOf(err))
		}
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
