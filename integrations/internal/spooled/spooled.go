// Package spooled reads the file of a delivery for destinations that ask for its size before its content.
package spooled

import (
	"context"
	"fmt"
	"io"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/objectstore"
)

// File is a file to write, and its size in bytes. It can be opened several times.
type File struct {
	objectstore.Delivery
	Size int64

	blob action.Blob
}

// Fetch fetches a request's data completely, up to maxBytes. destination is its name in messages.
func Fetch(ctx context.Context, req *action.Request, destination string, maxBytes int64) (*File, error) {
	if req.Data.Empty() {
		return nil, action.Errorf(action.Invalid, "Looker sent no data.")
	}
	if _, err := objectstore.Read(req, destination); err != nil {
		return nil, err // before anything is fetched
	}
	blob, err := req.Data.Spool(ctx, maxBytes)
	if err != nil {
		return nil, err
	}
	f := &File{blob: blob}
	if err := f.read(ctx, req, destination); err != nil {
		_ = blob.Close()
		return nil, err
	}
	return f, nil
}

func (f *File) read(ctx context.Context, req *action.Request, destination string) error {
	fetched := *req
	fetched.Data = data{req.Data, f.blob}
	d, err := objectstore.Read(&fetched, destination)
	if err != nil {
		return err
	}
	f.Delivery, f.Size = d, f.blob.Size()
	if _, plain := d.Data.(data); !plain {
		f.Size, err = size(ctx, d.Data)
	}
	return err
}

// size reads compressed data once to measure it. Compressing twice takes CPU time, but no more disk than the data.
func size(ctx context.Context, d action.Data) (int64, error) {
	src, err := d.Open(ctx)
	if err != nil {
		return 0, err
	}
	defer src.Close()
	n, err := io.Copy(io.Discard, src)
	if err != nil {
		return 0, fmt.Errorf("measuring the data: %w", err)
	}
	return n, nil
}

// Close frees what was fetched.
func (f *File) Close() error { return f.blob.Close() }

// data is fetched data.
type data struct {
	action.Data
	blob action.Blob
}

// Open implements [action.Data].
func (d data) Open(context.Context) (io.ReadCloser, error) {
	return io.NopCloser(io.NewSectionReader(d.blob, 0, d.blob.Size())), nil
}
