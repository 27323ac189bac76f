package googledrive

import (
	"context"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/choice"
	"integrationhub.dev/integrations/internal/google"
)

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
