package objectstore

import (
	"context"
	"io"
	"net/http"
	"time"
)

// callTimeout bounds one try of one call, for the SDKs do not: a part of 128 MiB passes at half
// a megabyte a second.
const callTimeout = 4 * time.Minute

// Client is an HTTP client for SDKs, which gives up calls that are not answered: what does not
// come to an end would not be tried again either.
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

// answer is a body that counts towards its call's time.
type answer struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (a *answer) Close() error {
	defer a.cancel()
	return a.ReadCloser.Close()
}
