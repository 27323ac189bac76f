package outbound

import (
	"bytes"
	"context"
	"io"
	"net/http"

	"integrationhub.dev/hub/action"
)

// Body is a request body that is sent as it is.
type Body struct {
	ContentType string
	// Header is added to the request's header.
	Header http.Header
	// Size is the number of bytes.
	Size int64
	// Open returns a reader at the beginning of the body. It may be called several times.
	Open func() io.Reader
}

// Bytes returns a body that is held in memory.
func Bytes(contentType string, data []byte) Body {
	return Body{ContentType: contentType, Size: int64(len(data)), Open: func() io.Reader { return bytes.NewReader(data) }}
}

// NewUpload makes a request whose body can be read several times: body returns a reader at its
// beginning. This lets net/http repeat the request when the server certainly did not process it:
// a kept connection was closed before anything was sent, or an HTTP/2 server answered with GOAWAY
// or REFUSED_STREAM (RFC 9113, section 8.7).
func NewUpload(ctx context.Context, method, address string, size int64, body func() io.Reader) (*http.Request, error) {
	open := func() (io.ReadCloser, error) { return io.NopCloser(body()), nil }
	first, _ := open()
	req, err := http.NewRequestWithContext(ctx, method, address, first)
	if err != nil {
		return nil, err
	}
	req.ContentLength, req.GetBody = size, open
	if size == 0 {
		req.Body, req.GetBody = http.NoBody, nil // otherwise net/http takes the size for unknown
	}
	return req, nil
}

// BlobBody returns a body with a completely fetched payload.
func BlobBody(contentType string, blob action.Blob) Body {
	return Body{
		ContentType: contentType, Size: blob.Size(),
		Open: func() io.Reader { return io.NewSectionReader(blob, 0, blob.Size()) },
	}
}
