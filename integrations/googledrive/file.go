package googledrive

import (
	"context"
	"errors"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/google"
)

// existing says what becomes of a file that has the name already.
type existing string

// The answers of the form's field. An empty one, of schedules from before it was asked, is
// beside: Drive takes any number of files of one name.
const (
	beside  existing = "no"
	replace existing = "yes"
	keep    existing = "fail"
)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (e *existing) UnmarshalText(text []byte) error {
	switch *e = existing(text); *e {
	case beside, replace, keep:
		return nil
	}
	return errors.New("must be no, yes or fail")
}

func existingField() action.Field {
	return action.Field{
		Name: "overwrite", Label: "Overwrite", Type: action.Select, Default: string(beside),
		Description: "What to do when there is a file of this name and type already.",
		Options: []action.Option{
			{Name: string(beside), Label: "No: make another beside it"},
			{Name: string(replace), Label: "Yes: give it a new version"},
			{Name: string(keep), Label: "No: fail"},
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
func (f file) write(ctx context.Context, c *google.Client, at google.Place, wish existing) error {
	var there string
	if wish == replace || wish == keep {
		var err error
		if there, err = c.Find(ctx, at, f.name, f.mediaType); err != nil {
			return err
		}
	}
	if there != "" && wish == keep {
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
