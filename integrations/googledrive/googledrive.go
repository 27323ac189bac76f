// Package googledrive writes query results and dashboards into a user's Google Drive, or into
// a shared drive.
package googledrive

import (
	"context"
	"mime"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/choice"
	"integrationhub.dev/integrations/internal/google"
	"integrationhub.dev/integrations/internal/objectstore"
	"integrationhub.dev/integrations/internal/signin"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
	_ action.Authorizer  = (*Integration)(nil)
)

// settings are the hub's: the OAuth client registered at Google.
type settings struct {
	ClientID     string        `env:"GOOGLE_DRIVE_CLIENT_ID,required,notEmpty"`
	ClientSecret action.Secret `env:"GOOGLE_DRIVE_CLIENT_SECRET,required,notEmpty"`
}

// Integration writes files to Google Drive. Its form and its sign-in are the service's.
type Integration struct {
	*google.Service
}

// New makes the integration.
func New(deps action.Deps) (action.Integration, error) {
	s, err := action.Settings[settings](deps)
	if err != nil {
		return nil, err
	}
	scopes := []string{google.ScopeDrive, google.ScopeEmail}
	return &Integration{google.NewService("Google Drive", google.Credentials{ID: s.ClientID, Secret: s.ClientSecret}, scopes, deps)}, nil
}

// Definition implements [action.Integration].
func (*Integration) Definition() action.Definition {
	return action.Definition{
		Name: "google_drive", Label: "Google Drive", Description: "Create a new file in Google Drive.",
		Params:      []action.Param{google.Param},
		Types:       []action.Type{action.TypeDashboard, action.TypeQuery},
		Download:    action.URL,
		MinVersion:  action.V(7, 3, 0),
		FetchTokens: true,
	}
}

// Form implements [action.FormBuilder].
func (i *Integration) Form(ctx context.Context, req *action.Request) (*action.Form, error) {
	form, err := i.Service.Form(ctx, req)
	if err != nil || form.Fields[0].Name == "login" {
		return form, err
	}
	form.Fields = append(form.Fields, ifExistsField(), objectstore.CompressionField())
	return form, nil
}

// input is what the user answers beside the place and the name.
type input struct {
	IfExists ifExists         `form:"overwrite"`
	Gzip     objectstore.Gzip `form:"compression"`
}

// Execute implements [action.Integration].
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	in, err := google.Decode(req)
	if err != nil {
		return nil, err
	}
	wish, err := action.Decode[input](req)
	if err != nil {
		return nil, err
	}
	f := file{name: in.Name, mediaType: mediaType(req), data: req.Data}
	if wish.Gzip {
		f = file{name: in.Name + ".gz", mediaType: objectstore.GzipType, data: objectstore.Compress(req.Data)}
	}
	c, at, err := i.Enter(ctx, req, in)
	if err == nil {
		err = f.write(ctx, c, at, wish.IfExists)
	}
	if err != nil {
		return signin.Forget(err), err
	}
	return &action.Response{Message: "Saved as " + f.name + "."}, nil
}

// types are the media types of formats, for data that comes without one.
var types = map[action.Format]string{
	action.CSV:                  "text/csv",
	action.XLSX:                 "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	action.InlineJSON:           "application/json",
	action.JSON:                 "application/json",
	action.JSONLabel:            "application/json",
	action.JSONDetail:           "application/json",
	action.JSONBI:               "application/json",
	action.JSONDetailLiteStream: "application/json",
	action.HTML:                 "text/html",
	action.Txt:                  "text/plain",
	action.CSVZip:               "application/zip",
	action.WysiwygPDF:           "application/pdf",
	action.AssembledPDF:         "application/pdf",
	action.WysiwygPNG:           "image/png",
}

// mediaType is what Looker says the data is, or what the format is.
func mediaType(req *action.Request) string {
	if t, _, err := mime.ParseMediaType(req.Data.MIME()); err == nil && mime.FormatMediaType(t, nil) != "" {
		return t
	}
	if t, ok := types[action.Format(req.Form["format"])]; ok {
		return t
	}
	return "application/octet-stream"
}

// ifExists says what to do if a file with this name exists.
type ifExists string

// The answers of the form's field. Schedules that are older than the field have an empty answer,
// which means createAnother: Drive allows several files with one name.
const (
	createAnother ifExists = "no"
	overwrite     ifExists = "yes"
	fail          ifExists = "fail"
)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (e *ifExists) UnmarshalText(text []byte) error {
	return choice.Parse(e, string(text), createAnother, overwrite, fail)
}

func ifExistsField() action.Field {
	return action.Field{
		Name: "overwrite", Label: "Overwrite", Type: action.Select, Default: string(createAnother),
		Description: "What to do when there is a file of this name and type already.",
		Options: []action.Option{
			{Name: string(createAnother), Label: "No: make another beside it"},
			{Name: string(overwrite), Label: "Yes: give it a new version"},
			{Name: string(fail), Label: "No: fail"},
		},
	}
}

// file is what is to be in Drive.
type file struct {
	name, mediaType string
	data            action.Data
}

// write makes the file, or a new version of the one that is there. The data is asked for only
// once it is known that it may go there.
func (f file) write(ctx context.Context, c *google.Client, at google.Place, wish ifExists) error {
	var there string
	if wish == overwrite || wish == fail {
		var err error
		if there, err = c.Find(ctx, at, f.name, f.mediaType); err != nil {
			return err
		}
	}
	if there != "" && wish == fail {
		return action.InvalidField("filename", "A file with this name already exists and was not changed.")
	}
	src, err := f.data.Open(ctx)
	if err != nil {
		return err
	}
	defer src.Close()
	if there != "" {
		return c.Replace(ctx, there, f.mediaType, src)
	}
	return c.Upload(ctx, google.File{Name: f.name, Parents: []string{at.Folder}}, f.mediaType, src)
}
