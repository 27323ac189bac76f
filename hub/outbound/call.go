package outbound

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/panics"
)

// StatusError is an answer that is not a success.
type StatusError struct {
	Code int
	// RetryAfter is how long the other side asks to wait; 0 when it does not say.
	RetryAfter time.Duration
	// Header is the answer's. It may hold addresses and more that is neither logged nor shown.
	Header http.Header
	// Body is the beginning of the answer, for the caller to find the API's own error code
	// in. The request's secrets are removed, but it may quote its data: it is neither logged nor
	// shown as it is.
	Body []byte
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("returned %d %s", e.Code, http.StatusText(e.Code))
}

const maxErrorBody = 16 << 10

// Do sends req and returns a successful response, whose body the caller closes. Any other
// answer becomes an [*action.Error] that wraps a [*StatusError]; so does a connection that
// fails. name is what people call the destination.
//
// Nothing is retried here: see hub/deliver.
func Do(c *http.Client, req *http.Request, name string) (*http.Response, error) {
	res, err := c.Do(req)
	if err != nil {
		return nil, ConnectionError(req.Context(), err, name)
	}
	if res.StatusCode >= 200 && res.StatusCode < 300 {
		return res, nil
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(res.Body, maxErrorBody)) // best effort: the status is what counts
	status := StatusOf(res)
	status.Body = scrubBody(req, body)
	return nil, action.Wrap(status, action.KindOfStatus(res.StatusCode), "%s returned %d %s.",
		name, res.StatusCode, http.StatusText(res.StatusCode))
}

// StatusOf returns the status and header of an unsuccessful response, for libraries that call the client themselves.
func StatusOf(res *http.Response) *StatusError {
	wait := retryAfter(res.Header.Get("Retry-After"), time.Now())
	return &StatusError{Code: res.StatusCode, RetryAfter: wait, Header: res.Header}
}

// ConnectionError explains why no answer came, for SDKs that call the client themselves.
// The URL is dropped: it can hold a secret.
func ConnectionError(ctx context.Context, err error, name string) error {
	// What the body's own source said matters more than what became of the connection.
	if e, ok := errors.AsType[*action.Error](err); ok {
		return e
	}
	if bug := panics.Of(err); bug != nil {
		return bug
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	switch {
	case errors.Is(err, ErrForbiddenAddress):
		return action.Wrap(err, action.Forbidden, "The hub's egress policy does not allow a connection to %s.", name)
	case errors.Is(err, ErrProxyRefused):
		return action.Wrap(err, action.Forbidden, "The hub's proxy does not allow a connection to %s.", name)
	case errors.Is(err, errProxyFailed):
		return action.Wrap(err, action.Unavailable, "The hub's proxy could not connect to %s.", name)
	case ctx.Err() != nil:
		return fmt.Errorf("calling %s: %w", name, context.Cause(ctx))
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return action.Wrap(err, action.NotFound, "The host name of %s does not exist.", name)
	}
	if t, ok := err.(interface{ Timeout() bool }); ok && t.Timeout() {
		return action.Wrap(err, action.Timeout, "%s did not respond in time.", name)
	}
	return action.Wrap(err, action.Unavailable, "The connection to %s failed.", name)
}

// retryAfter reads the header's two forms (RFC 9110, section 10.2.3).
func retryAfter(header string, now time.Time) time.Duration {
	if n, err := strconv.Atoi(header); err == nil && n > 0 {
		return time.Duration(n) * time.Second
	}
	if t, err := http.ParseTime(header); err == nil && t.After(now) {
		return t.Sub(now)
	}
	return 0
}

// RetryAfter returns how long the response that caused an error asks to wait, or 0 if it does not say.
func RetryAfter(err error) time.Duration {
	if s, ok := errors.AsType[*StatusError](err); ok {
		return s.RetryAfter
	}
	return 0
}

// UntilUnix returns the time until an end in seconds of Unix time, as some APIs have it in X-RateLimit-Reset, or 0 if text
// is not such an end. It is a second more, as the end is rounded.
func UntilUnix(text string, now time.Time) time.Duration {
	at, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return max(0, time.Unix(at, 0).Sub(now).Round(time.Second)+time.Second)
}
