package objectstore

import (
	"compress/gzip"
	"context"
	"io"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/panics"
	"integrationhub.dev/integrations/internal/choice"
)

// Compression says whether data is compressed on its way.
type Compression string

// The answers of the form's field. An empty one is Plain.
const (
	Plain Compression = "none"
	// GzipFile makes a file of gzip's (RFC 1952), which ends in .gz.
	GzipFile Compression = "gzip"
	// GzipEncoding keeps the name and the type, and says by Content-Encoding that the content
	// is compressed (RFC 9110, section 8.4): browsers and many clients undo it by themselves.
	GzipEncoding Compression = "encoding"
)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (c *Compression) UnmarshalText(text []byte) error {
	return choice.Parse(c, string(text), Plain, GzipFile, GzipEncoding)
}

// CompressionField asks whether data is compressed, where that cannot be said beside the file.
func CompressionField() action.Field {
	return action.Field{
		Name: "compression", Label: "Compression", Type: action.Select, Default: string(Plain),
		Options: []action.Option{
			{Name: string(Plain), Label: "None"},
			{Name: string(GzipFile), Label: "gzip (adds .gz to the name)"},
		},
	}
}

// Gzip is the answer to [CompressionField].
type Gzip bool

// UnmarshalText implements [encoding.TextUnmarshaler].
func (g *Gzip) UnmarshalText(text []byte) error {
	var c Compression
	err := choice.Parse(&c, string(text), Plain, GzipFile)
	*g = c == GzipFile
	return err
}

// GzipType is the media type of a file that Compress makes (RFC 6713).
const GzipType = "application/gzip"

// Compress returns the same data, compressed as it is read.
func Compress(data action.Data) action.Data { return compressed{data} }

// compressed is data that is compressed as it is read.
type compressed struct{ action.Data }

// Open implements [action.Data]. A source that breaks off ends the reading with its error, and
// never as if the data were whole.
func (c compressed) Open(ctx context.Context) (io.ReadCloser, error) {
	src, err := c.Data.Open(ctx)
	if err != nil {
		return nil, err
	}
	out, in := io.Pipe()
	panics.Go(func() error {
		// The hub's time is dearer than the store's space, and most of the gain comes first.
		z, err := gzip.NewWriterLevel(in, gzip.BestSpeed)
		if err == nil {
			_, err = io.Copy(z, src)
		}
		if err == nil {
			err = z.Close()
		}
		return err
	}, func(err error) { _ = in.CloseWithError(err) }) // nil is the end of the data
	return &compressing{out, src}, nil
}

type compressing struct {
	*io.PipeReader
	src io.Closer
}

// Close ends the compressing too, wherever it is.
func (c *compressing) Close() error {
	_ = c.PipeReader.Close()
	return c.src.Close()
}
