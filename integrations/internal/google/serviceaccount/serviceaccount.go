// Package serviceaccount signs in at Google as a service account with its private key:
// https://developers.google.com/identity/protocols/oauth2/service-account#httprest
package serviceaccount

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/jwt"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/pastedkey"
)

// Account is a service account.
type Account struct {
	Email string
	key   []byte
}

// New parses an account's private key, or a complete key file from Google's console, whose email address takes
// precedence. Errors do not contain any part of the key.
func New(email string, key action.Secret) (Account, error) {
	a := Account{Email: strings.TrimSpace(email)}
	text := key.Reveal()
	if file, ok := pastedkey.ParseKeyFile(text); ok {
		if file.Email == "" || file.Key == "" {
			return a, errors.New("it is not the key file of a service account")
		}
		a.Email, text = file.Email, file.Key
	}
	var err error
	if a.key, err = pastedkey.PEM(text); err != nil {
		return a, err
	}
	return a, check(a.key)
}

// Entered is [New] for an account that an administrator entered in Looker: its errors say what to enter there.
func Entered(email string, key action.Secret) (Account, error) {
	a, err := New(email, key)
	switch {
	case err != nil:
		return a, action.Wrap(err, action.Invalid, "The private key cannot be used: %v. Copy it unchanged from the key file, with "+
			"its first and last line, or the whole key file.", err)
	case a.Email == "":
		return a, action.Errorf(action.Invalid, "The client email is missing. Enter it in the action's settings in Looker.")
	}
	return a, nil
}

// check checks that a key can sign.
func check(key []byte) error {
	block, _ := pem.Decode(key)
	if block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "" {
		return errors.New("it has a passphrase. The private keys of service accounts have none")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		parsed, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	}
	if _, ok := parsed.(*rsa.PrivateKey); !ok || err != nil {
		return errors.New("it is not an RSA private key")
	}
	return nil
}

const tokenURL = "https://oauth2.googleapis.com/token" //nolint:gosec // an address

// tokenTimeout limits the request for a token, which ignores the context.
const tokenTimeout = 30 * time.Second

// Tokens returns a source that signs in for the first token, and again when it expires.
func (a Account) Tokens(ctx context.Context, client *http.Client, scope string) oauth2.TokenSource {
	c := jwt.Config{Email: a.Email, PrivateKey: a.key, Scopes: []string{scope}, TokenURL: tokenURL}
	ctx, calls := NewCalls(ctx, client)
	return calls.Source(c.TokenSource(ctx))
}

// Calls are the requests of golang.org/x/oauth2 for a token.
type Calls struct {
	next http.RoundTripper
	// failed is the error of a request without a response. The library drops it, so that a request that the
	// egress policy blocked would look like a lost connection.
	failed atomic.Pointer[error]
}

// NewCalls returns a context with which the library uses the client.
func NewCalls(ctx context.Context, client *http.Client) (context.Context, *Calls) {
	c := &Calls{next: client.Transport}
	bounded := *client
	bounded.Timeout, bounded.Transport = tokenTimeout, c
	return context.WithValue(ctx, oauth2.HTTPClient, &bounded), c
}

// RoundTrip implements [http.RoundTripper].
func (c *Calls) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := c.next.RoundTrip(req)
	if err != nil {
		c.failed.Store(&err)
	}
	return res, err
}

// Source adds the dropped error to a source's errors.
func (c *Calls) Source(s oauth2.TokenSource) oauth2.TokenSource { return source{s, c} }

type source struct {
	oauth2.TokenSource
	calls *Calls
}

// Token implements [oauth2.TokenSource].
func (s source) Token() (*oauth2.Token, error) {
	s.calls.failed.Store(nil)
	token, err := s.TokenSource.Token()
	if failed := s.calls.failed.Load(); err != nil && failed != nil {
		return nil, fmt.Errorf("%w: %w", *failed, err)
	}
	return token, err
}

// Explain converts a token source's error. refused is the message if Google rejects the credentials. Google's response
// is dropped, because it can quote the request.
func Explain(ctx context.Context, err error, refused string) error {
	status := status(err)
	if status == nil {
		return outbound.ConnectionError(ctx, err, "Google")
	}
	if kind := action.KindOfStatus(status.Code); kind.Retryable() {
		return action.Wrap(status, kind, "Google issues no tokens now. Try again later.")
	}
	return action.Wrap(status, action.Unauthenticated, "%s", refused)
}

// status returns the response's status, or nil without a response. For workload identities the library returns it as text
// only.
func status(err error) *outbound.StatusError {
	if e, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		return outbound.StatusOf(e.Response)
	}
	var code int
	if n, _ := fmt.Sscanf(err.Error(), "oauth2/google: status code %d", &code); n == 1 {
		return &outbound.StatusError{Code: code}
	}
	return nil
}
