package objectstore

import (
	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/choice"
)

// IfExists says what to do if an object with this name exists. The first two values are contract: they
// are the reference's.
type IfExists string

// The values of the form field. An empty one means Overwrite.
const (
	Overwrite IfExists = "yes"
	// KeepBoth appends the time to the new object's name. Google Drive allows two files with one name
	// instead.
	KeepBoth IfExists = "no"
	// Fail makes the delivery fail.
	Fail IfExists = "fail"
)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (e *IfExists) UnmarshalText(text []byte) error {
	return choice.Parse(e, string(text), Overwrite, KeepBoth, Fail)
}

// Compression says how data is compressed.
type Compression string

// The values of the form field. An empty one means Plain.
const (
	Plain Compression = "none"
	// GzipFile makes a gzip file (RFC 1952) and appends .gz to its name.
	GzipFile Compression = "gzip"
	// GzipEncoding keeps the name and the type, and sets Content-Encoding (RFC 9110, section 8.4).
	// Browsers and many other clients decompress such content.
	GzipEncoding Compression = "encoding"
)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (c *Compression) UnmarshalText(text []byte) error {
	return choice.Parse(c, string(text), Plain, GzipFile, GzipEncoding)
}

// CompressionField is the field for destinations without Content-Encoding.
func CompressionField() action.Field {
	return action.Field{
		Name: "compression", Label: "Compression", Type: action.Select, Default: string(Plain),
		Options: []action.Option{
			{Name: string(Plain), Label: "None"},
			{Name: string(GzipFile), Label: "gzip (adds .gz to the name)"},
		},
	}
}

// Gzip is the value of [CompressionField].
type Gzip bool

// UnmarshalText implements [encoding.TextUnmarshaler].
func (g *Gzip) UnmarshalText(text []byte) error {
	var c Compression
	err := choice.Parse(&c, string(text), Plain, GzipFile)
	*g = c == GzipFile
	return err
}
