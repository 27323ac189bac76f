package outbound

import (
	"context"
	"io"
	"net/http"
)

// NewUpload makes a request whose body has so many bytes and can be read any number of times:
// body returns a reader at its beginning. net/http then sends the request once more by itself
// where it is certain that the other side did nothing, which for a body that can be read once
// it must tell as a failure: a kept connection was closed before anything was sent on it, or
// HTTP/2's GOAWAY and REFUSED_STREAM said so (RFC 9113, section 8.7).
func NewUpload(ctx context.Context, method, address string, size int64, body func() io.Reader) (*http.Request, error) {
	open := func() (io.ReadCloser, error) { return io.NopCloser(body()), nil }
	first, _ := open()
	req, err := http.NewRequestWithContext(ctx, method, address, first)
	if err != nil {
		return nil, err
	}
	req.ContentLength, req.GetBody = size, open
	return req, nil
}
