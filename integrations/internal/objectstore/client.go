package objectstore

import (
	"context"
	"io"
	"net/http"
	"time"
)

// callTimeout limits one attempt, because the SDKs do not. It allows a part of 128 MiB at half a megabyte per
// second.
const callTimeout = 4 * time.Minute

// Client is an HTTP client for SDKs. It has a timeout, because a request that does not end is not retried.
type Client struct{ HTTP *http.Client }

// Do sends one request.
func (c Client) Do(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(req.Context(), callTimeout)
	res, err := c.HTTP.Do(req.WithContext(ctx))
	if err != nil {
		cancel()
		return nil, err
	}
	res.Body = &answer{res.Body, cancel}
	return res, nil
}

// answer is a response body, which must be read within the timeout.
type answer struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (a *answer) Close() error {
	defer a.cancel()
	return a.ReadCloser.Close()
}
