package custom

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/time/rate"

	"integrationhub.dev/api/httpintegration"
	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/custom/expression"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
)

// endpoint is where and how a request is sent.
type endpoint struct {
	// field is its place in the file.
	field          string
	method         string
	url            *expression.URL
	query, headers map[string]*expression.Text
}

// reservedHeaders are those that the hub sets itself, or that would change the framing of the body.
var reservedHeaders = []string{
	"Connection", "Content-Encoding", "Content-Length", "Expect", "Host", "Keep-Alive", "Proxy-Authorization", "Proxy-Connection",
	"Te", "Trailer", "Transfer-Encoding", "Upgrade", "User-Agent", "Webhook-Id", "Webhook-Signature", "Webhook-Timestamp",
}

func (c *compiler) header(field, name string) {
	switch {
	case !httpguts.ValidHeaderFieldName(name):
		c.problem(field, "%q is not a valid name of a header.", name)
	case slices.Contains(reservedHeaders, http.CanonicalHeaderKey(name)):
		c.problem(field, "The header %s cannot be set, because the hub sets it.", http.CanonicalHeaderKey(name))
	}
}

// endpoint compiles where a request is sent.
func (c *compiler) endpoint(field, method string, e httpintegration.Endpoint, s expression.Scope) endpoint {
	out := endpoint{field: field, method: method}
	var allowed []outbound.HostPattern
	for n, host := range e.AllowedHosts {
		var p outbound.HostPattern
		if err := p.UnmarshalText([]byte(host)); err != nil {
			c.problem(fmt.Sprintf("%s.allowedHosts[%d]", field, n), "The value %s.", err)
		}
		allowed = append(allowed, p)
	}
	var err error
	if out.url, err = expression.CompileURL(e.URL, allowed, s); err != nil {
		c.problem(field+".url", "%s", err)
	}
	s = s.With("secrets")
	out.query = c.texts(field+".query", e.Query, s)
	out.headers = c.texts(field+".headers", e.Headers, s)
	for name := range e.Headers {
		c.header(field+".headers."+name, name)
	}
	return out
}

// request compiles the request and its body.
func (c *compiler) request() {
	r, i := c.Spec.Request, c.i
	const field = "spec.request"
	i.endpoint = c.endpoint(field, cmp.Or(r.Method, http.MethodPost), r.Endpoint, c.requestScope)
	if r.Batch != nil {
		s := c.formScope.With("row", "columns")
		s.PerRow = true
		i.item = c.template(field+".batch.item", r.Batch.Item, s, false)
	}
	c.body(field+".body", r)
	if k := r.IdempotencyKey; k != nil {
		c.header(field+".idempotencyKey.header", k.Header)
		i.key = c.text(field+".idempotencyKey.value", cmp.Or(k.Value, "${request.id}"), c.requestScope)
	}
	if i.needsRows = r.Per == "row" || r.Per == "batch" || i.uses("rows") || i.uses("columns"); i.needsRows {
		c.rowsNeeded()
		if r.Body != nil && r.Body.JSON == nil {
			c.problem(field, "A request with a file cannot use rows or columns.")
		}
	}
	if i.needsRows && len(c.problems) == 0 {
		i.columns = i.requiredColumns()
	}
}

// body compiles the body of the request.
func (c *compiler) body(field string, r httpintegration.Request) {
	b, i := r.Body, c.i
	switch {
	case b == nil:
	case (b.JSON != nil) == (b.File != nil || b.Multipart != nil):
		c.problem(field, "Set one of json, file and multipart.")
	case b.JSON != nil:
		i.body = c.template(field+".json", b.JSON, c.requestScope, r.Per == "batch")
	default:
		c.file(field, b)
	}
}

// file compiles a body with Looker's file.
func (c *compiler) file(field string, b *httpintegration.Body) {
	if m := b.Multipart; m != nil {
		c.i.filename = c.text(field+".multipart.filename", m.Filename, c.formScope)
		c.i.fields = c.texts(field+".multipart.fields", m.Fields, c.formScope)
	} else if b.File.ContentType != "" {
		if t, _, err := mime.ParseMediaType(b.File.ContentType); err != nil || !strings.Contains(t, "/") {
			c.problem(field+".file.contentType", "The value is not a content type.")
		}
	}
	if c.i.endpoint.method == http.MethodGet || c.i.endpoint.method == http.MethodDelete {
		c.problem("spec.request.method", "A request with a file must be POST, PUT or PATCH.")
	}
}

// uses reports whether the request uses a variable.
func (i *Integration) uses(variable string) bool {
	return i.endpoint.uses(variable) || i.body != nil && i.body.Uses(variable) || i.key != nil && i.key.Uses(variable)
}

func (e endpoint) uses(variable string) bool {
	if e.url != nil && e.url.Uses(variable) {
		return true
	}
	for _, all := range []map[string]*expression.Text{e.query, e.headers} {
		for _, t := range all {
			if t.Uses(variable) {
				return true
			}
		}
	}
	return false
}

// requiredColumns returns the columns that expressions need.
func (i *Integration) requiredColumns() map[string][]string {
	needed := expression.Requirements{}
	needed.AddURL(i.endpoint.url)
	for _, all := range []map[string]*expression.Text{i.endpoint.query, i.endpoint.headers} {
		for _, t := range all {
			needed.AddText(t)
		}
	}
	needed.AddTemplate(i.item)
	needed.AddTemplate(i.body)
	needed.AddText(i.key)
	return needed.Columns()
}

// template compiles a template of JSON.
func (c *compiler) template(field string, text []byte, s expression.Scope, items bool) *expression.Template {
	t, problems := expression.CompileTemplate(text, s, items)
	for _, e := range problems {
		at := field
		if e.Field != "" {
			at += "." + e.Field
			if strings.HasPrefix(e.Field, "[") {
				at = field + e.Field
			}
		}
		c.problem(at, "%s", e.Err)
	}
	return t
}

// limits makes the rate limit and the policy for retries.
func (c *compiler) limits() {
	i := c.i
	if l := c.Spec.Limits; l != nil && l.RateLimit != nil {
		i.limiter = rate.NewLimiter(rate.Limit(float64(l.RateLimit.Requests)/float64(l.RateLimit.Seconds)), 1)
	}
	retry := httpintegration.Retry{}
	if c.Spec.Retry != nil {
		retry = *c.Spec.Retry
	}
	listed := func(err error) bool {
		s, ok := errors.AsType[*outbound.StatusError](err)
		return ok && slices.Contains(retry.Statuses, s.Code)
	}
	signed := i.auth != nil && i.auth.signing != nil
	if !retry.Idempotent && i.key == nil && !signed && !slices.Contains(idempotent, i.endpoint.method) {
		i.policy = deliver.Once{
			Name: i.definition.Label, NoEffect: listed, MaxAttempts: retry.MaxAttempts,
			MaybeDeliveredHint: "It may already have accepted the request. Check before retrying.",
		}
		return
	}
	i.policy = deliver.Retry{
		MaxAttempts: cmp.Or(retry.MaxAttempts, 4), InitialBackoff: time.Second, MaxBackoff: 30 * time.Second,
		When: func(err error) bool {
			return (action.KindOf(err).Retryable() || listed(err)) && outbound.RetryAfter(err) <= maxRetryAfter
		},
	}
}

// idempotent are the methods that have the same effect if they are repeated (RFC 9110, section 9.2.2).
var idempotent = []string{http.MethodGet, http.MethodPut, http.MethodDelete}

// maxRetryAfter is the longest wait requested by a destination that is accepted.
const maxRetryAfter = 2 * time.Minute

// call is one request, evaluated.
type call struct {
	// id is the same if the request is repeated.
	id          string
	method, url string
	header      http.Header
}

// evaluationError is why a template at a place in the file cannot be evaluated.
type evaluationError struct {
	field string
	err   error
	// secrets is set if the template uses secrets.
	secrets bool
}

func (e *evaluationError) Error() string { return e.err.Error() }
func (e *evaluationError) Unwrap() error { return e.err }

// configurationError is the error for a template that cannot be evaluated.
func configurationError(field string, err error) *action.Error {
	return templateError(nil, field, err)
}

// templateError is the error for a template of text that cannot be evaluated.
func templateError(t *expression.Text, field string, err error) *action.Error {
	cause := &evaluationError{field: field, err: err, secrets: t != nil && t.Uses("secrets")}
	return action.Wrap(cause, action.Invalid, "The integration cannot create its request: %s: %s.", strings.TrimPrefix(field, "spec."), err)
}

// prepare evaluates an endpoint.
func (e endpoint) prepare(v expression.Vars) (call, error) {
	c := call{method: e.method, header: http.Header{}}
	var err error
	if c.url, err = e.url.Eval(v); err != nil {
		return c, configurationError(e.field+".url", err)
	}
	query := url.Values{}
	for name, t := range e.query {
		value, err := t.Eval(v)
		if err != nil {
			return c, templateError(t, e.field+".query."+name, err)
		}
		if value != "" {
			query.Set(name, value)
		}
	}
	c.url = outbound.WithQuery(c.url, query)
	for name, t := range e.headers {
		value, err := t.Eval(v)
		if err == nil && !httpguts.ValidHeaderFieldValue(value) {
			err = errors.New("the value is not valid in a header")
		}
		if err != nil {
			return c, templateError(t, e.field+".headers."+name, err)
		}
		if value != "" {
			c.header.Set(name, value)
		}
	}
	return c, nil
}

// contentType is the type of Looker's file.
func contentType(req *action.Request) string {
	if t, _, err := mime.ParseMediaType(req.Data.MIME()); err == nil && mime.FormatMediaType(t, nil) != "" && t != octets {
		return t
	}
	return cmp.Or(contentTypes[req.Form["format"]], contentTypes[strings.ToLower(req.Data.Extension())], octets)
}

const octets, asJSON = "application/octet-stream", "application/json"

// contentTypes are those of Looker's formats and their file extensions. Data at a download URL has no type.
var contentTypes = map[string]string{
	"txt": "text/plain", "csv": "text/csv", "html": "text/html",
	"json": asJSON, "inline_json": asJSON, "json_bi": asJSON, "json_label": asJSON, "json_detail": asJSON, "json_detail_lite_stream": asJSON,
	"xlsx":    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	"csv_zip": "application/zip", "zip": "application/zip",
	"wysiwyg_pdf": "application/pdf", "assembled_pdf": "application/pdf", "pdf": "application/pdf",
	"wysiwyg_png": "image/png", "png": "image/png",
}

// send sends one request and evaluates the answer. items is the number of rows in it.
func (d *delivery) send(ctx context.Context, c call, body *outbound.Body, v expression.Vars, items int) (string, error) {
	message, err := d.attempt(ctx, c, body, v, items)
	s, ok := errors.AsType[*outbound.StatusError](err)
	if ok && s.Code == http.StatusUnauthorized && d.credentials.expire() {
		return d.attempt(ctx, c, body, v, items) // a token that was kept may have been revoked
	}
	return message, err
}

func (d *delivery) attempt(ctx context.Context, c call, body *outbound.Body, v expression.Vars, items int) (string, error) {
	authorize, err := d.credentials.authorize(ctx, c, body)
	if err != nil {
		return "", err
	}
	answer := outbound.Answer{MaxBytes: d.response.maxBytes}
	api := outbound.API{
		Name: d.definition.Label, Client: d.credentials.client, Timeout: d.timeout(body),
		Authorize: func(req *http.Request) {
			maps.Copy(req.Header, c.header)
			authorize(req)
		},
		Explain: func(err *action.Error, status *outbound.StatusError) error {
			if !slices.Contains(d.response.statuses, status.Code) {
				return d.response.explain(outbound.SecretsOf(ctx), err, status, v, items)
			}
			answer.Status, answer.Header, answer.Body = status.Code, status.Header, status.Body
			return nil
		},
	}
	var in, out any
	if body != nil {
		in = *body
	}
	if out = &answer; !d.response.reads() {
		out = &outbound.Head{}
	}
	if err := api.Call(ctx, c.method, c.url, in, out); err != nil {
		return "", err
	}
	return d.response.evaluate(outbound.SecretsOf(ctx), &answer, v, items)
}

// timeout limits a request: the configured time, and a second for each 128 KiB.
func (d *delivery) timeout(body *outbound.Body) time.Duration {
	seconds := 60
	if l := d.spec.Limits; l != nil {
		seconds = cmp.Or(l.TimeoutSeconds, seconds)
	}
	limit := time.Duration(seconds) * time.Second
	if body != nil {
		limit += time.Duration(body.Size>>17) * time.Second
	}
	return limit
}
