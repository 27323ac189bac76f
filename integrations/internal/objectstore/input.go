package objectstore

import (
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/message"
)

// input is what the Looker user says of the object, at every store alike.
type input struct {
	// Path is asked for by some stores only.
	Path        string      `form:"path"`
	Filename    string      `form:"filename"`
	IfExists    IfExists    `form:"overwrite"`
	Compression Compression `form:"compression"`
}

// FileFields are the questions that every form ends with where there are files and no headers
// beside them.
func FileFields() []action.Field {
	return []action.Field{
		{
			Name: "filename", Label: "Filename", Type: action.String,
			Description: "Taken to the letter, but for {YYYY}, {MM}, {DD}, {HH}, {mm} and {ss}, which stand for the time of the " +
				"delivery (UTC). Without one, the title of the schedule.",
		},
		{
			Name: "overwrite", Label: "Overwrite", Type: action.Select, Default: string(Overwrite),
			Description: "What to do when there is a file of this name already.",
			Options: []action.Option{
				{Name: string(Overwrite), Label: "Yes"},
				{Name: string(KeepBoth), Label: "No: append the time to the name"},
				{Name: string(Fail), Label: "No: fail"},
			},
		},
		CompressionField(),
	}
}

// Fields are the questions that every store's form ends with.
func Fields() []action.Field {
	fields := FileFields()
	compression := &fields[len(fields)-1]
	compression.Options = append(compression.Options, action.Option{Name: string(GzipEncoding), Label: "gzip as content encoding " +
		"(keeps the name)"})
	return fields
}

// Delivery is one object as it is to be made.
type Delivery struct {
	Name        string
	ContentType string
	// ContentEncoding is gzip, or empty.
	ContentEncoding string
	// NoOverwrite makes the delivery fail if an object with this name exists.
	NoOverwrite bool
	Data        action.Data
}

// Read returns what a request asks for. The destination is named to the Looker user.
func Read(req *action.Request, destination string) (Delivery, error) {
	in, err := action.Decode[input](req)
	if err != nil {
		return Delivery{}, err
	}
	d := Delivery{ContentType: message.ContentType(req), NoOverwrite: in.IfExists != "" && in.IfExists != Overwrite, Data: req.Data}
	now := time.Now().UTC()
	name, err := objectName(req, message.ExpandTime(in.Path, now), message.ExpandTime(in.Filename, now))
	if err != nil {
		return Delivery{}, err
	}
	if in.IfExists == KeepBoth {
		name = withTimestamp(name, now)
	}
	switch in.Compression {
	case Plain:
	case GzipFile:
		name += ".gz"
		d.ContentType = GzipType
		d.Data = Compress(req.Data)
	case GzipEncoding:
		d.ContentEncoding = "gzip"
		d.Data = Compress(req.Data)
	}
	d.Name = name
	return d, checkName(name, destination, in.Path != "")
}
