package custom

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"

	"integrationhub.dev/api/httpintegration"
	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/custom/expression"
	"integrationhub.dev/hub/outbound"
)

// grant is how tokens are fetched.
type grant struct {
	url        *expression.URL
	id, secret *expression.Text
	params     map[string]*expression.Text
	scopes     []string
	inBody     bool

	google bool
	key    *expression.Text
}

func (c *compiler) clientCredentials(o *httpintegration.OAuth2ClientCredentials, s expression.Scope) {
	const field = authField + ".oauth2ClientCredentials"
	g := &grant{scopes: o.Scopes, inBody: o.CredentialsIn == "body"}
	var err error
	if g.url, err = expression.CompileURL(o.TokenURL, nil, c.formScope); err != nil {
		c.problem(field+".tokenURL", "%s", err)
	}
	g.id, g.secret = c.text(field+".clientID", o.ClientID, s), c.text(field+".clientSecret", o.ClientSecret, s)
	g.params = c.texts(field+".params", o.Params, s)
	c.i.auth.grant = g
}

// tokens returns the tokens for the credentials that the grant evaluates to.
func (g *grant) tokens(
	all *cache[*tokens], client *http.Client, v expression.Vars, eval func(string, *expression.Text) (string, error),
) (*tokens, error) {
	if g.google {
		key, err := eval("googleServiceAccount.key", g.key)
		if err != nil {
			return nil, err
		}
		return all.get(digest(key), func() *tokens { return newTokens(googleTokens(client, key, g.scopes)) }), nil
	}
	r, err := g.request(v, eval)
	if err != nil {
		return nil, err
	}
	api := outbound.API{Name: "The token endpoint", Client: client, Timeout: tokenTimeout, Explain: explainToken}
	if !g.inBody {
		// RFC 6749, section 2.3.1: both are form-encoded first.
		api.Authorize = func(req *http.Request) { req.SetBasicAuth(url.QueryEscape(r.id), url.QueryEscape(r.secret)) }
	}
	return all.get(digest(r.address, r.id, r.secret, r.form.Encode()), func() *tokens {
		return newTokens(func(ctx context.Context) (issued, error) { return fetchToken(ctx, api, r.address, r.form) })
	}), nil
}

// tokenRequest is a request for a token by client credentials. The form has them if they are sent in the body.
type tokenRequest struct {
	address, id, secret string
	form                url.Values
}

// request evaluates the request for a token by client credentials.
func (g *grant) request(v expression.Vars, eval func(string, *expression.Text) (string, error)) (r tokenRequest, err error) {
	const field = "oauth2ClientCredentials."
	if r.address, err = g.url.Eval(v); err != nil {
		return r, configurationError(authField+"."+field+"tokenURL", err)
	}
	if r.id, err = eval(field+"clientID", g.id); err != nil {
		return r, err
	}
	if r.secret, err = eval(field+"clientSecret", g.secret); err != nil {
		return r, err
	}
	r.form = url.Values{"grant_type": {"client_credentials"}}
	if len(g.scopes) > 0 {
		r.form.Set("scope", strings.Join(g.scopes, " "))
	}
	for _, name := range slices.Sorted(maps.Keys(g.params)) {
		value, err := g.params[name].Eval(v)
		if err != nil {
			return r, templateError(g.params[name], authField+"."+field+"params."+name, err)
		}
		r.form.Set(name, value)
	}
	if g.inBody {
		r.form.Set("client_id", r.id)
		r.form.Set("client_secret", r.secret)
	}
	return r, nil
}

const (
	tokenTimeout = 30 * time.Second
	// tokenLeeway is how long before its end a token is no longer used.
	tokenLeeway = 30 * time.Second
	// tokenLifetime is that of a token whose endpoint does not say.
	tokenLifetime = 5 * time.Minute
)

// issued is the answer of a token endpoint (RFC 6749, section 5.1).
type issued struct {
	AccessToken string      `json:"access_token"`
	TokenType   string      `json:"token_type"`
	ExpiresIn   json.Number `json:"expires_in"`
}

// Validate implements what [outbound.API.Call] asks for.
func (i *issued) Validate() error {
	if i.AccessToken == "" || i.TokenType != "" && !strings.EqualFold(i.TokenType, "bearer") {
		return errors.New("the response has no bearer token")
	}
	return nil
}

func fetchToken(ctx context.Context, api outbound.API, address string, form url.Values) (issued, error) {
	ctx = outbound.WithDoubt(ctx, "") // a token that is not used changes nothing
	var token issued
	err := api.Call(ctx, http.MethodPost, address, form, &token)
	return token, err
}

// explainToken makes an invalid client a problem of credentials: the endpoint answers 400 or 401
// (RFC 6749, section 5.2).
func explainToken(err *action.Error, status *outbound.StatusError) error {
	if status.Code == http.StatusBadRequest || status.Code == http.StatusUnauthorized {
		return action.Wrap(err, action.Unauthenticated, "The token endpoint rejected the credentials of the integration.")
	}
	return err
}

// googleTokens returns what fetches tokens for a service account
// (https://developers.google.com/identity/protocols/oauth2/service-account).
func googleTokens(client *http.Client, key string, scopes []string) func(context.Context) (issued, error) {
	return func(ctx context.Context) (issued, error) {
		config, err := google.JWTConfigFromJSON([]byte(key), scopes...)
		if err != nil { // its text can contain parts of the key
			return issued{}, action.Errorf(action.Invalid, "The service account's key is not a JSON key file.")
		}
		config.TokenURL = googleTokenURL // the key file decides about nothing but the account
		outbound.AddSecrets(ctx, string(config.PrivateKey))
		ctx, cancel := context.WithTimeout(ctx, tokenTimeout)
		defer cancel()
		bound := &http.Client{Transport: withContext{ctx, client.Transport}, CheckRedirect: client.CheckRedirect}
		token, err := config.TokenSource(context.WithValue(ctx, oauth2.HTTPClient, bound)).Token()
		if err != nil {
			return issued{}, explainGoogle(ctx, err)
		}
		seconds := strconv.Itoa(int(time.Until(token.Expiry).Seconds()))
		return issued{AccessToken: token.AccessToken, ExpiresIn: json.Number(seconds)}, nil
	}
}

const googleTokenURL = "https://oauth2.googleapis.com/token" //nolint:gosec // a URL, not a credential

// explainGoogle converts an error of the library, whose texts contain the answer.
func explainGoogle(ctx context.Context, err error) error {
	const name = "Google's token endpoint"
	if answered, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		code := answered.Response.StatusCode
		if code == http.StatusBadRequest || code == http.StatusUnauthorized {
			return action.Errorf(action.Unauthenticated, "Google's token endpoint rejected the service account.")
		}
		return action.Errorf(action.KindOfStatus(code), "%s returned %d %s.", name, code, http.StatusText(code))
	}
	if _, ok := errors.AsType[*url.Error](err); ok {
		return outbound.ConnectionError(ctx, err, name)
	}
	return action.Errorf(action.Invalid, "The service account's private key is not valid.")
}

// withContext gives requests a context: the library has none.
type withContext struct {
	ctx  context.Context
	next http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (w withContext) RoundTrip(req *http.Request) (*http.Response, error) {
	return w.next.RoundTrip(req.WithContext(w.ctx))
}

// tokens keeps the current token.
type tokens struct {
	fetch func(context.Context) (issued, error)
	// busy is held by who fetches a token. A channel, unlike a mutex, can be waited for with a context.
	busy chan struct{}

	mu      sync.Mutex
	token   string
	expires time.Time
	// kept is set once the token was used before.
	kept bool
}

func newTokens(fetch func(context.Context) (issued, error)) *tokens {
	return &tokens{fetch: fetch, busy: make(chan struct{}, 1)}
}

// get returns the current token, or fetches one.
func (t *tokens) get(ctx context.Context) (string, error) {
	select {
	case t.busy <- struct{}{}:
		defer func() { <-t.busy }()
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	t.mu.Lock()
	token, valid := t.token, time.Now().Before(t.expires)
	t.kept = valid
	t.mu.Unlock()
	if valid {
		return token, nil
	}
	i, err := t.fetch(ctx)
	if err != nil {
		return "", err
	}
	lifetime := tokenLifetime
	if seconds, err := i.ExpiresIn.Float64(); err == nil {
		lifetime = min(time.Duration(cmp.Or(seconds, tokenLifetime.Seconds()))*time.Second, 24*time.Hour)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.token, t.expires = i.AccessToken, time.Now().Add(lifetime-tokenLeeway)
	return t.token, nil
}

// expire drops the token, and reports whether it had been used before. A new one that is rejected at once
// is not fetched again.
func (t *tokens) expire() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.expires = time.Time{}
	return t.kept
}
