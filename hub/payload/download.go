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

// Downloader fetches what Looker keeps at a download address. The address is good for one
// request and an hour, so nothing is retried.
type Downloader struct {
	// Client follows redirects; its dialer guards where they lead.
	Client *http.Client
	// Timeout bounds the wait for the answer, and then each wait for more of the body.
	Timeout time.Duration
}

// open asks for the body and returns it once the status is known to be 200.
func (d *Downloader) open(ctx context.Context, address string) (io.ReadCloser, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return nil, action.Errorf(action.Invalid, "Looker sent a download address that is not a URL.")
	}
	ctx, cancel := context.WithCancelCause(ctx)
	idle := time.AfterFunc(d.Timeout, func() { cancel(errStalled) })
	body, err := d.get(ctx, address, idle, cancel)
	if err != nil {
		idle.Stop()
		cancel(nil)
		if cause := context.Cause(ctx); errors.Is(cause, errStalled) {
			err = action.Wrap(err, action.Timeout, "Looker did not answer at its download address in time.")
		}
		return nil, err
	}
	return body, nil
}

var errStalled = errors.New("nothing arrived for too long")

func (d *Downloader) get(ctx context.Context, address string, idle *time.Timer, cancel context.CancelCauseFunc) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("asking for the download: %w", err)
	}
	res, err := d.Client.Do(req)
	if err != nil {
		// The address is a secret while it is good: it must not reach a log.
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err
		}
		return nil, action.Wrap(err, action.Unavailable, "Looker's download address cannot be reached from the hub.")
	}
	if res.StatusCode != http.StatusOK {
		_ = res.Body.Close()
		return nil, action.Errorf(action.Unavailable, "There was an error with Action Hub calling back to Looker, status code: %d.", res.StatusCode)
	}
	idle.Stop()
	body := &downloadBody{res.Body, ctx, idle, d.Timeout, cancel}
	if strings.EqualFold(res.Header.Get("Content-Encoding"), "gzip") {
		return newGunzip(body), nil
	}
	return body, nil
}

// downloadBody fails when nothing arrives for too long, and never ends early: net/http
// reports a body that is shorter than announced, and a chunked one without its end.
type downloadBody struct {
	body    io.ReadCloser
	ctx     context.Context //nolint:containedctx // its cause tells a stall from a break
	idle    *time.Timer
	timeout time.Duration
	cancel  context.CancelCauseFunc
}

func (b *downloadBody) Read(p []byte) (int, error) {
	b.idle.Reset(b.timeout) // a slow destination does not count: the clock runs only here
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
	return n, action.Wrap(err, action.Unavailable, "The download from Looker broke off before the data was complete.")
}

func (b *downloadBody) Close() error {
	b.idle.Stop()
	b.cancel(nil)
	return b.body.Close()
}
