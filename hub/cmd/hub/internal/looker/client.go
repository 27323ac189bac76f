// Package looker acts as Looker against a hub: the same headers, the same envelope, chunked
// bodies. Its errors say what to do, for whoever types the commands.
package looker

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
)

// DefaultVersion is the version of Looker that a client pretends to be.
const DefaultVersion = "24.20.41"

// Options say which hub to call, and how.
type Options struct {
	// URL is the hub's address, Token what Looker would send it.
	URL, Token string
	// CAFile holds further certificate authorities to trust, PEM.
	CAFile string
	// Version of Looker to pretend to be; empty means [DefaultVersion].
	Version string
	// Connect is a host:port to connect to in place of the address, as through a port-forward.
	Connect string
	// Insecure accepts any certificate, for developers.
	Insecure bool
}

// Client calls one hub.
type Client struct {
	base   *url.URL
	opts   Options
	client *http.Client
}

// New checks the options. The errors name the variables and flags to set.
func New(o Options) (*Client, error) {
	base, err := ParseURL(o.URL)
	if err != nil {
		return nil, err
	}
	if o.Version == "" {
		o.Version = DefaultVersion
	}
	if err := CheckVersion(o.Version); err != nil {
		return nil, err
	}
	roots, err := outbound.LoadRoots(o.CAFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("HUB_CA_FILE: no such file: %s", o.CAFile)
	}
	if err != nil {
		return nil, fmt.Errorf("HUB_CA_FILE: %w", err)
	}
	//nolint:gosec // Insecure is a flag, for developers
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12, InsecureSkipVerify: o.Insecure}, DisableKeepAlives: true}
	if o.Connect != "" {
		transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, o.Connect)
		}
	}
	return &Client{base: base, opts: o, client: &http.Client{Transport: transport}}, nil
}

// URL is the hub's address.
func (c *Client) URL() string { return c.base.String() }

// Transport calls the hub; [Client.Explain] explains its errors.
func (c *Client) Transport() http.RoundTripper { return c.client.Transport }

// CheckVersion refuses what a hub would not take for a version of Looker.
func CheckVersion(version string) error {
	if !action.ParseUserAgent(userAgent(version)).Known() {
		return fmt.Errorf("%q is not a version of Looker: it must be three numbers, such as %s", version, DefaultVersion)
	}
	return nil
}

// ParseURL reads a hub's address.
func ParseURL(text string) (*url.URL, error) {
	if text == "" {
		return nil, errors.New("no hub: set HUB_URL or --url")
	}
	u, err := url.Parse(text)
	switch {
	// localhost:8443 parses as a URL of the scheme "localhost".
	case err != nil || u.Host == "" && !strings.Contains(text, "://"):
		return nil, fmt.Errorf("the hub's address needs https://: try https://%s", strings.TrimPrefix(text, "//"))
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("the hub's address needs https://, not %s://", u.Scheme)
	case u.Hostname() == "":
		return nil, fmt.Errorf("the hub's address %s names no host", text)
	}
	u.Path = strings.TrimRight(u.Path, "/")
	return u, nil
}

func userAgent(version string) string { return "LookerOutgoingWebhook/" + version }

// StatusError is an answer of the hub other than 200.
type StatusError struct {
	Code    int
	Message string
}

func (e *StatusError) Error() string { return e.Message }

// post sends a request with Looker's headers and returns the answer, which may follow newlines.
func (c *Client) post(ctx context.Context, path string, body io.Reader) ([]byte, error) {
	if c.opts.Token == "" {
		return nil, errors.New("no token: set HUB_TOKEN (see: hub token --help)")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base.String()+path, body)
	if err != nil {
		return nil, fmt.Errorf("preparing the request: %w", err)
	}
	req.ContentLength = -1 // Looker sends its bodies in chunks
	req.Header.Set("Authorization", fmt.Sprintf("Token token=%q", c.opts.Token))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", userAgent(c.opts.Version))
	req.Header.Set("X-Looker-Instance", "hub-cli")
	req.Header.Set("X-Looker-Webhook-Id", "hub-cli")
	return c.do(req)
}

func (c *Client) do(req *http.Request) ([]byte, error) {
	res, err := c.client.Do(req)
	if err != nil {
		return nil, c.Explain(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, fmt.Errorf("reading the hub's response: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		return nil, statusError(res, answer)
	}
	return bytes.TrimSpace(answer), nil
}

// Clock is the hub's time, by the second.
func (c *Client) Clock(ctx context.Context) (time.Time, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, c.base.String()+"/", http.NoBody)
	if err != nil {
		return time.Time{}, fmt.Errorf("preparing the request: %w", err)
	}
	res, err := c.client.Do(req)
	if err != nil {
		return time.Time{}, c.Explain(err)
	}
	_ = res.Body.Close()
	at, err := http.ParseTime(res.Header.Get("Date"))
	if err != nil {
		return time.Time{}, errors.New("the hub's response has no date")
	}
	return at, nil
}

func statusError(res *http.Response, answer []byte) error {
	e := &StatusError{Code: res.StatusCode}
	var body struct{ Error string }
	switch {
	case res.StatusCode == http.StatusForbidden:
		e.Message = "the hub rejected the token: HUB_TOKEN must be made from the hub's service secret (see: hub token --help)"
	case json.Unmarshal(answer, &body) == nil && body.Error != "":
		e.Message = "the hub returned an error: " + body.Error
	default:
		e.Message = fmt.Sprintf("the hub's URL returned %s, which is not a response of a hub: check HUB_URL", res.Status)
	}
	return e
}

// Integration is one that a hub offers, as it describes it to Looker.
type Integration struct {
	Name           string                 `json:"name"`
	Label          string                 `json:"label"`
	URL            string                 `json:"url"`
	Description    string                 `json:"description"`
	Params         []action.Param         `json:"params"`
	RequiredFields []action.RequiredField `json:"required_fields"`
	Types          []action.Type          `json:"supported_action_types"`
	Formats        []action.Format        `json:"supported_formats"`
	FormURL        *string                `json:"form_url"`
}

// List is a hub's answer to the request for what it offers.
type List struct {
	Label        string        `json:"label"`
	Integrations []Integration `json:"integrations"`
}

// List asks for all integrations. The second result is the answer itself.
func (c *Client) List(ctx context.Context) (List, []byte, error) {
	var l List
	answer, err := c.post(ctx, "/", strings.NewReader("{}"))
	if err == nil {
		err = decode(answer, &l)
	}
	return l, answer, err
}

// Integration asks for one integration's description. Where the hub does not offer it, the
// error says why.
func (c *Client) Integration(ctx context.Context, name string) (Integration, error) {
	var i Integration
	answer, err := c.post(ctx, "/actions/"+url.PathEscape(name), strings.NewReader("{}"))
	if e, ok := errors.AsType[*StatusError](err); ok && e.Code == http.StatusNotFound {
		return i, c.notOffered(ctx, name)
	}
	if err == nil {
		err = decode(answer, &i)
	}
	return i, err
}

// Form is a hub's answer to the request for a form.
type Form struct {
	Fields []action.Field `json:"fields"`
	// Error takes the fields' place where the form cannot be made.
	Error string `json:"error"`
}

// Form asks for an integration's form. The second result is the answer itself.
func (c *Client) Form(ctx context.Context, name string, e Envelope) (Form, []byte, error) {
	var f Form
	body, err := json.Marshal(e)
	if err != nil {
		return f, nil, fmt.Errorf("preparing the request: %w", err)
	}
	answer, err := c.post(ctx, "/actions/"+url.PathEscape(name)+"/form", bytes.NewReader(body))
	if err == nil {
		err = decode(answer, &f)
	}
	return f, answer, err
}

// Outcome is how a delivery ended.
type Outcome struct {
	Success          bool              `json:"success"`
	Message          string            `json:"message"`
	ValidationErrors map[string]string `json:"validation_errors"`
}

// Execute delivers. The second result is the answer itself.
func (c *Client) Execute(ctx context.Context, name string, e Envelope, data *Data) (Outcome, []byte, error) {
	reader, writer := io.Pipe()
	failed := make(chan error, 1)
	go func() {
		err := writeEnvelope(writer, e, data)
		failed <- err
		_ = writer.CloseWithError(err)
	}()
	answer, err := c.post(ctx, "/actions/"+url.PathEscape(name)+"/execute", reader)
	_ = reader.Close()
	select {
	case werr := <-failed: // data that cannot be read explains the request that it broke
		if err != nil && werr != nil && !errors.Is(werr, io.ErrClosedPipe) {
			err = werr
		}
	default: // the hub answered early: standard input may never end
	}
	var result struct{ Looker *Outcome }
	if err == nil {
		if err = decode(answer, &result); err == nil && result.Looker == nil {
			err = errors.New("the hub's response has no result of the delivery")
		}
	}
	if err != nil {
		return Outcome{}, answer, err
	}
	return *result.Looker, answer, nil
}

// Status is what a hub tells of itself to those who have a token.
type Status struct {
	Version      string `json:"version"`
	Integrations struct {
		On  []string          `json:"on"`
		Off map[string]string `json:"off"`
	} `json:"integrations"`
}

// Status asks for it; a hub may have it switched off.
func (c *Client) Status(ctx context.Context) (Status, error) {
	var s Status
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base.String()+"/status", http.NoBody)
	if err != nil {
		return s, fmt.Errorf("preparing the request: %w", err)
	}
	if c.opts.Token != "" {
		req.Header.Set("Authorization", fmt.Sprintf("Token token=%q", c.opts.Token))
	}
	answer, err := c.do(req)
	if err == nil {
		err = decode(answer, &s)
	}
	return s, err
}

// decode reads an answer whose JSON the hub's protocol fixes.
func decode(answer []byte, into any) error {
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("unexpected response from the hub: %w", err)
	}
	return nil
}
