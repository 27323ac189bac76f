package custom

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http/httpguts"

	"integrationhub.dev/api/httpintegration"
	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/custom/expression"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/hub/standardwebhooks"
)

const authField = "spec.authentication"

// authentication is how requests are authenticated.
type authentication struct {
	// header is the name of a header; basic and bearer are Authorization.
	header string
	// value is that of the header, or a token, or a user name.
	value, password *expression.Text
	scheme          string

	grant     *grant
	signing   *expression.Text
	cert      *expression.Text
	certKey   *expression.Text
	clients   cache[*http.Client]
	grants    cache[*tokens]
	client    *http.Client
	newMutual func(tls.Certificate) *http.Client
}

// authentication compiles how requests are authenticated.
func (c *compiler) authentication() {
	a := &authentication{client: c.i.options.HTTP, newMutual: c.i.options.NewClient}
	c.i.auth = a
	spec := c.Spec.Authentication
	if spec == nil {
		return
	}
	s := c.formScope.With("secrets")
	text := func(field string, t httpintegration.Template) *expression.Text {
		return c.text(authField+"."+field, t, s)
	}
	switch {
	case spec.Bearer != nil:
		a.header, a.scheme, a.value = "Authorization", "Bearer ", text("bearer.token", spec.Bearer.Token)
	case spec.Basic != nil:
		a.header, a.scheme = "Authorization", "Basic "
		a.value, a.password = text("basic.username", spec.Basic.Username), text("basic.password", spec.Basic.Password)
	case spec.Header != nil:
		a.header, a.value = spec.Header.Name, text("header.value", spec.Header.Value)
		c.header(authField+".header.name", spec.Header.Name)
	case spec.OAuth2ClientCredentials != nil:
		c.clientCredentials(spec.OAuth2ClientCredentials, s)
	case spec.GoogleServiceAccount != nil:
		a.grant = &grant{google: true, key: text("googleServiceAccount.key", spec.GoogleServiceAccount.Key), scopes: spec.GoogleServiceAccount.Scopes}
	}
	if spec.StandardWebhooks != nil {
		a.signing = text("standardWebhooks.secret", spec.StandardWebhooks.Secret)
	}
	if spec.MTLS != nil {
		a.cert, a.certKey = text("mtls.certificate", spec.MTLS.Certificate), text("mtls.key", spec.MTLS.Key)
	}
}

// credentials are those of one delivery or form.
type credentials struct {
	client *http.Client
	header string
	value  string
	tokens *tokens
	keys   standardwebhooks.Keys
}

// credentials evaluates how the requests of one delivery are authenticated. The context collects secrets.
func (a *authentication) credentials(ctx context.Context, v expression.Vars) (*credentials, error) {
	c := &credentials{client: a.client, header: a.header}
	eval := func(field string, t *expression.Text) (string, error) {
		if t == nil {
			return "", nil
		}
		value, err := t.Eval(v)
		if err != nil {
			return "", configurationError(authField+"."+field, err)
		}
		outbound.AddSecrets(ctx, value)
		return value, nil
	}
	value, err := eval("value", a.value)
	if err != nil {
		return nil, err
	}
	if a.header != "" {
		if c.value, err = a.headerValue(value, eval); err != nil {
			return nil, err
		}
	}
	if err := a.mutual(c, eval); err != nil {
		return nil, err
	}
	if a.signing != nil {
		secret, err := eval("standardWebhooks.secret", a.signing)
		if err != nil {
			return nil, err
		}
		if c.keys, err = standardwebhooks.Parse(secret); err != nil || len(c.keys) == 0 {
			return nil, action.Errorf(action.Invalid, "The signing secret is not valid: it must be whsec_ and base64.")
		}
	}
	if a.grant != nil {
		if c.tokens, err = a.grant.tokens(&a.grants, c.client, v, eval); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// headerValue makes the value of the header from the credentials, which were perhaps pasted with blanks.
func (a *authentication) headerValue(value string, eval func(string, *expression.Text) (string, error)) (string, error) {
	switch a.scheme {
	case "Basic ":
		password, err := eval("basic.password", a.password)
		if err != nil {
			return "", err
		}
		r := http.Request{Header: http.Header{}}
		r.SetBasicAuth(value, password)
		return r.Header.Get("Authorization"), nil
	default:
		value = strings.TrimSpace(value)
		if value == "" {
			return "", action.Errorf(action.Invalid, "The credentials of the integration are empty. Check its settings.")
		}
		value = a.scheme + value
	}
	if !httpguts.ValidHeaderFieldValue(value) {
		return "", action.Errorf(action.Invalid, "The credentials of the integration contain characters that are not allowed in a header.")
	}
	return value, nil
}

// mutual selects the client that presents the certificate.
func (a *authentication) mutual(c *credentials, eval func(string, *expression.Text) (string, error)) error {
	if a.cert == nil {
		return nil
	}
	certificate, err := eval("mtls.certificate", a.cert)
	if err != nil {
		return err
	}
	key, err := eval("mtls.key", a.certKey)
	if err != nil {
		return err
	}
	pair, err := tls.X509KeyPair([]byte(certificate), []byte(key))
	if err != nil {
		return action.Errorf(action.Invalid, "The client certificate of the integration is not valid, or does not match its key.")
	}
	c.client = a.clients.get(digest(certificate, key), func() *http.Client { return a.newMutual(pair) })
	return nil
}

// expire drops the token that was used, and reports whether there was one that had been kept.
func (c *credentials) expire() bool { return c.tokens != nil && c.tokens.expire() }

// authorize returns what adds the credentials to a request. A signature is made anew for each attempt, because
// receivers reject old ones.
func (c *credentials) authorize(ctx context.Context, call call, body *outbound.Body) (func(*http.Request), error) {
	header := http.Header{}
	if c.header != "" {
		header.Set(c.header, c.value)
	}
	if c.tokens != nil {
		token, err := c.tokens.get(ctx)
		if err != nil {
			return nil, err
		}
		header.Set("Authorization", "Bearer "+token)
	}
	if len(c.keys) > 0 {
		now := time.Now()
		payload := outbound.Bytes("", nil)
		if body != nil {
			payload = *body
		}
		signature, err := c.keys.Sign(call.id, now, payload.Open())
		if err != nil {
			return nil, fmt.Errorf("signing a request: %w", err)
		}
		header.Set("Webhook-Id", call.id)
		header.Set("Webhook-Timestamp", strconv.FormatInt(now.Unix(), 10))
		header.Set("Webhook-Signature", signature)
	}
	return func(req *http.Request) {
		maps.Copy(req.Header, header)
	}, nil
}

// cache keeps values that are made from credentials, such as tokens, by a digest.
type cache[T any] struct {
	mu     sync.Mutex
	values map[[sha256.Size]byte]T
}

// maxCached bounds the number of credentials that are used at the same time.
const maxCached = 256

func (c *cache[T]) get(key [sha256.Size]byte, create func() T) T {
	c.mu.Lock()
	defer c.mu.Unlock()
	value, ok := c.values[key]
	if ok {
		return value
	}
	if c.values == nil || len(c.values) >= maxCached {
		c.values = map[[sha256.Size]byte]T{}
	}
	value = create()
	c.values[key] = value
	return value
}

// digest identifies credentials.
func digest(parts ...string) [sha256.Size]byte {
	h := sha256.New()
	for _, part := range parts {
		_, _ = fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return [sha256.Size]byte(h.Sum(nil))
}
