// Package googledrive writes query results and dashboards into a user's Google Drive, or into
// a shared drive.
package googledrive

import (
	"context"
	"mime"
	"slices"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/datafile"
	"integrationhub.dev/integrations/internal/google"
	"integrationhub.dev/integrations/internal/objectstore"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
	_ action.Authorizer  = (*Integration)(nil)
)

// settings are the hub's OAuth client at Google.
type settings struct {
	ClientID     string        `env:"GOOGLE_DRIVE_CLIENT_ID,required,notEmpty"`
	ClientSecret action.Secret `env:"GOOGLE_DRIVE_CLIENT_SECRET,required,notEmpty"`
}

// Integration writes files to Google Drive. The service implements the sign-in.
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
	own := []action.Field{ifExistsField(), objectstore.CompressionField()}
	form.Fields = slices.Concat(form.Fields, own, datafile.Fields(), datafile.EncryptionFields())
	return form, nil
}

// input is what the user enters, except for the folder and the name.
type input struct {
	IfExists objectstore.IfExists `form:"overwrite"`
	Gzip     objectstore.Gzip     `form:"compression"`
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
	options, err := datafile.Decode(req)
	if err != nil {
		return nil, err
	}
	f := file{name: options.PlainName(in.Name), mediaType: mediaType(req), data: options.Data(req)}
	if wish.Gzip {
		f = file{name: f.name + ".gz", mediaType: objectstore.GzipType, data: objectstore.Compress(f.data)}
	}
	if options.Encrypts() {
		f = file{name: options.EncryptedName(f.name), mediaType: datafile.EncryptedType, data: options.Encrypt(f.data)}
	}
	c, at, err := i.Enter(ctx, req, in)
	if err == nil {
		err = f.write(ctx, c, at, wish.IfExists)
	}
	if err != nil {
		return i.Forget(err), err
	}
	return &action.Response{Message: "Saved as " + f.name + "."}, nil
}

// types are the media types of formats, for data without a media type.
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

// mediaType returns the media type from Looker, or that of the format.
func mediaType(req *action.Request) string {
	if t, _, err := mime.ParseMediaType(req.Data.MIME()); err == nil && mime.FormatMediaType(t, nil) != "" {
		return t
	}
	if t, ok := types[action.Format(req.Form["format"])]; ok {
		return t
	}
	return "application/octet-stream"
}

// createAnother is the default. Schedules that are older than the field have an empty value, which means
// the same: Drive allows several files with one name.
const createAnother = objectstore.KeepBoth

func ifExistsField() action.Field {
	return action.Field{
		Name: "overwrite", Label: "Overwrite", Type: action.Select, Default: string(createAnother),
		Description: "What to do when there is a file of this name and type already.",
		Options: []action.Option{
			{Name: string(createAnother), Label: "No: create another file"},
			{Name: string(objectstore.Overwrite), Label: "Yes: give it a new version"},
			{Name: string(objectstore.Fail), Label: "No: fail"},
		},
	}
}

// file is a file to write.
type file struct {
	name, mediaType string
	data            action.Data
}

// write creates the file, or a new version of an existing one. It reads the data only after it has
// checked that the file may be written.
func (f file) write(ctx context.Context, c *google.Client, at google.Place, wish objectstore.IfExists) error {
	var there string
	if wish == objectstore.Overwrite || wish == objectstore.Fail {
		var err error
		if there, err = c.Find(ctx, at, f.name, f.mediaType); err != nil {
			return err
		}
	}
	if there != "" && wish == objectstore.Fail {
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
