package objectstore

import (
	"slices"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/datafile"
	"integrationhub.dev/integrations/internal/message"
)

// input is what the Looker user enters about the object, the same for every store.
type input struct {
	// Path is a field of some stores only.
	Path        string      `form:"path"`
	Filename    string      `form:"filename"`
	IfExists    IfExists    `form:"overwrite"`
	Compression Compression `form:"compression"`
}

// FileFields are the last fields of forms for files without HTTP headers.
func FileFields() []action.Field {
	return slices.Concat([]action.Field{
		{
			Name: "filename", Label: "Filename", Type: action.String,
			Description: "The exact name. {YYYY}, {MM}, {DD}, {HH}, {mm} and {ss} are replaced by the time of the delivery. " +
				"Default: the title of the schedule.",
		},
		{
			Name: "overwrite", Label: "Overwrite", Type: action.Select, Default: string(Overwrite),
			Description: "What to do if a file with this name already exists.",
			Options: []action.Option{
				{Name: string(Overwrite), Label: "Yes"},
				{Name: string(KeepBoth), Label: "No: append the time to the name"},
				{Name: string(Fail), Label: "No: fail"},
			},
		},
		CompressionField(),
	}, datafile.Fields(), datafile.EncryptionFields())
}

// Fields are the last fields of every object store's form.
func Fields() []action.Field {
	fields := FileFields()
	compression := &fields[slices.IndexFunc(fields, func(f action.Field) bool { return f.Name == "compression" })]
	compression.Options = append(compression.Options, action.Option{Name: string(GzipEncoding), Label: "gzip as content encoding " +
		"(keeps the name)"})
	return fields
}

// Delivery is an object to write.
type Delivery struct {
	Name        string
	ContentType string
	// ContentEncoding is gzip, or empty.
	ContentEncoding string
	// NoOverwrite makes the delivery fail if an object with this name exists.
	NoOverwrite bool
	Data        action.Data
}

// Read returns the object of a request. destination is its name in messages.
func Read(req *action.Request, destination string) (Delivery, error) {
	in, err := action.Decode[input](req)
	if err != nil {
		return Delivery{}, err
	}
	options, err := datafile.Decode(req)
	if err != nil {
		return Delivery{}, err
	}
	d := Delivery{ContentType: message.ContentType(req), NoOverwrite: in.IfExists != "" && in.IfExists != Overwrite, Data: options.Data(req)}
	now := options.Zone.In(time.Now())
	name, err := objectName(req, message.ExpandTime(in.Path, now), message.ExpandTime(in.Filename, now))
	if err != nil {
		return Delivery{}, err
	}
	name = options.PlainName(name)
	if in.IfExists == KeepBoth {
		name = withTimestamp(name, now)
	}
	switch in.Compression {
	case Plain:
	case GzipFile:
		name += ".gz"
		d.ContentType = GzipType
		d.Data = Compress(d.Data)
	case GzipEncoding:
		d.ContentEncoding = "gzip"
		d.Data = Compress(d.Data)
	}
	if options.Encrypts() {
		if d.ContentEncoding != "" {
			return Delivery{}, action.InvalidField("compression", "An encrypted file has no content encoding. Choose gzip, which compresses it "+
				"before it is encrypted.")
		}
		name = options.EncryptedName(name)
		d.ContentType = datafile.EncryptedType
		d.Data = options.Encrypt(d.Data)
	}
	d.Name = name
	return d, checkName(name, destination, in.Path != "")
}
