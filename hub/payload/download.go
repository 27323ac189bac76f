package payload

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
)

// Downloader fetches Looker's download URLs. A URL is valid for one request within an hour, so
// nothing is retried.
type Downloader struct {
	// Client follows redirects; its dialer applies the egress policy to them.
	Client *http.Client
	// Timeout limits the wait for the response, and then each wait for more of the body.
	Timeout time.Duration
}

// open returns the body of a response with status 200.
func (d *Downloader) open(ctx context.Context, address string) (io.ReadCloser, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return nil, action.Errorf(action.Invalid, "Looker sent an invalid download URL.")
	}
	ctx, cancel := context.WithCancelCause(ctx)
	idle := time.AfterFunc(d.Timeout, func() { cancel(errStalled) })
	body, err := d.get(ctx, address, idle, cancel)
	if err != nil {
		idle.Stop()
		cancel(nil)
		if cause := context.Cause(ctx); errors.Is(cause, errStalled) {
			err = action.Wrap(err, action.Timeout, "Looker's download URL did not respond in time.")
		}
		return nil, err
	}
	return body, nil
}

var errStalled = errors.New("no data arrived before the idle timeout")

func (d *Downloader) get(ctx context.Context, address string, idle *time.Timer, cancel context.CancelCauseFunc) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("requesting the download: %w", err)
	}
	res, err := d.Client.Do(req)
	if err != nil {
		// The URL is a credential while it is valid and must not be logged.
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err
		}
		return nil, action.Wrap(err, action.Unavailable, "The hub cannot reach Looker's download URL.")
	}
	if res.StatusCode != http.StatusOK {
		_ = res.Body.Close()
		return nil, action.Errorf(action.Unavailable,
			"There was an error with Action Hub calling back to Looker, status code: %d.", res.StatusCode)
	}
	idle.Stop()
	body := &downloadBody{res.Body, ctx, idle, d.Timeout, cancel}
	if strings.EqualFold(res.Header.Get("Content-Encoding"), "gzip") {
		return newGunzip(body), nil
	}
	return body, nil
}

// downloadBody fails when nothing arrives for too long. It never ends early: net/http reports a
// body that is shorter than its Content-Length, and a chunked one without its end.
type downloadBody struct {
	body    io.ReadCloser
	ctx     context.Context //nolint:containedctx // its cause distinguishes a stall from a disconnect
	idle    *time.Timer
	timeout time.Duration
	cancel  context.CancelCauseFunc
}

func (b *downloadBody) Read(p []byte) (int, error) {
	b.idle.Reset(b.timeout) // only reading counts, so a slow destination does not
	n, err := b.body.Read(p)
	b.idle.Stop()
	switch {
	case err == nil || errors.Is(err, io.EOF):
		return n, err
	case errors.Is(context.Cause(b.ctx), errStalled):
		return n, action.Wrap(errStalled, action.Timeout, "The download from Looker stalled before the data was complete.")
	case b.ctx.Err() != nil:
		return n, context.Cause(b.ctx)
	}
	return n, action.Wrap(err, action.Unavailable, "The download from Looker ended before the data was complete.")
}

func (b *downloadBody) Close() error {
	b.idle.Stop()
	b.cancel(nil)
	return b.body.Close()
}
