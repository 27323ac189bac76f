package objectstore

import (
	"compress/gzip"
	"context"
	"io"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/panics"
)

// GzipType is the media type of a file that Compress makes (RFC 6713).
const GzipType = "application/gzip"

// Compress returns data that is compressed while it is read.
func Compress(data action.Data) action.Data { return compressed{data} }

type compressed struct{ action.Data }

// Open implements [action.Data]. If the source fails, the reader gets its error, so that incomplete data
// never looks complete.
func (c compressed) Open(ctx context.Context) (io.ReadCloser, error) {
	src, err := c.Data.Open(ctx)
	if err != nil {
		return nil, err
	}
	out, in := io.Pipe()
	panics.Go(func() error {
		// CPU time is more expensive than storage, and the fastest level saves most of the space.
		z, err := gzip.NewWriterLevel(in, gzip.BestSpeed)
		if err == nil {
			_, err = io.Copy(z, src)
		}
		if err == nil {
			err = z.Close()
		}
		return err
	}, func(err error) { _ = in.CloseWithError(err) }) // nil means end of file
	return &compressing{out, src}, nil
}

// Spool implements [action.Data].
func (c compressed) Spool(ctx context.Context, maxBytes int64) (action.Blob, error) {
	src, err := c.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	return c.Store(src, maxBytes)
}

type compressing struct {
	*io.PipeReader
	src io.Closer
}

// Close also stops the compression.
func (c *compressing) Close() error {
	_ = c.PipeReader.Close()
	return c.src.Close()
}
