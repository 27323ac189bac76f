// Package spooled stores the file of a delivery for destinations that ask for its size before its content.
package spooled

import (
	"context"
	"io"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/objectstore"
)

// File is a file to write, and its size in bytes. It can be opened several times, with the same content.
type File struct {
	objectstore.Delivery
	Size int64

	blob action.Blob
}

// Fetch fetches a request's data completely and stores it as it is written: compressed and encrypted, if the user wants
// that. maxBytes limits its size. destination is its name in messages.
func Fetch(ctx context.Context, req *action.Request, destination string, maxBytes int64) (*File, error) {
	if req.Data.Empty() {
		return nil, action.Errorf(action.Invalid, "Looker sent no data.")
	}
	d, err := objectstore.Read(req, destination)
	if err != nil {
		return nil, err // before anything is fetched
	}
	blob, err := d.Data.Spool(ctx, maxBytes)
	if err != nil {
		return nil, err
	}
	d.Data = data{d.Data, blob}
	return &File{Delivery: d, Size: blob.Size(), blob: blob}, nil
}

// Close frees what was fetched.
func (f *File) Close() error { return f.blob.Close() }

// data is stored data.
type data struct {
	action.Data
	blob action.Blob
}

// Open implements [action.Data].
func (d data) Open(context.Context) (io.ReadCloser, error) {
	return io.NopCloser(io.NewSectionReader(d.blob, 0, d.blob.Size())), nil
}
