package custom

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"

	"integrationhub.dev/hub/custom/expression"
)

// SampleRequest is a request that the hub would send for the sample of an integration. Secrets are
// placeholders or removed.
type SampleRequest struct {
	// Field is the part of the file that describes the request, such as spec.request.
	Field string
	// Method and URL, with the query.
	Method, URL string
	Header      http.Header
	// Body is JSON, or stands in parentheses for Looker's file, or is empty.
	Body string
}

// SampleRequests returns the requests for the sample, in the order in which the hub would send them. There
// are none without a sample.
func (i *Integration) SampleRequests() []SampleRequest {
	if i.spec.Sample == nil {
		return nil
	}
	return i.checkSample().requests
}

// sampleContent is the body of a sample's request.
type sampleContent struct{ contentType, text string }

// add adds a request, without secrets.
func (s *sampleCheck) add(field string, c call, body *sampleContent) {
	r := SampleRequest{Field: field, Method: c.method, URL: s.hidden.Scrub(c.url), Header: http.Header{}}
	maps.Copy(r.Header, c.header)
	maps.Copy(r.Header, s.header)
	if s.auth.signing != nil {
		r.Header.Set("Webhook-Id", c.id)
		r.Header.Set("Webhook-Timestamp", "(time)")
		r.Header.Set("Webhook-Signature", "(signature)")
	}
	if body != nil {
		r.Body = s.hidden.Scrub(body.text)
		r.Header.Set("Content-Type", body.contentType)
	}
	for name := range r.Header {
		r.Header.Set(name, s.hidden.Scrub(r.Header.Get(name)))
	}
	s.requests = append(s.requests, r)
}

// sampleBody makes the body of a request; nil if it has none.
func (s *sampleCheck) sampleBody(v expression.Vars, maxBytes int) (*sampleContent, error) {
	spec := s.spec.Request.Body
	switch {
	case spec == nil:
		return nil, nil //nolint:nilnil // no body is an expected result
	case spec.JSON != nil:
		text, err := s.body.Render(v, maxBytes)
		if err != nil {
			return nil, configurationError("spec.request.body.json", err)
		}
		return &sampleContent{asJSON, string(text)}, nil
	case spec.Multipart != nil:
		return s.sampleForm(v)
	}
	return &sampleContent{cmp.Or(spec.File.ContentType, s.fileType()), "(Looker's file)"}, nil
}

// sampleForm makes a multipart form, with a line for each part.
func (s *sampleCheck) sampleForm(v expression.Vars) (*sampleContent, error) {
	const field = "spec.request.body.multipart"
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(s.fields)) {
		value, err := s.fields[name].Eval(v)
		if err != nil {
			return nil, configurationError(field+".fields."+name, err)
		}
		if value != "" {
			lines = append(lines, name+": "+value)
		}
	}
	filename := ""
	if s.filename != nil {
		var err error
		if filename, err = s.filename.Eval(v); err != nil {
			return nil, configurationError(field+".filename", err)
		}
	}
	lines = append(lines, s.spec.Request.Body.Multipart.FileField+": (Looker's file "+cmp.Or(filename, "with the name of the schedule")+")")
	return &sampleContent{"multipart/form-data", strings.Join(lines, "\n")}, nil
}

// fileType is the type of Looker's file in the first format.
func (s *sampleCheck) fileType() string {
	if len(s.spec.Formats) == 0 {
		return octets
	}
	return cmp.Or(contentTypes[string(s.spec.Formats[0])], octets)
}

// credentials evaluates the authentication, and returns its header. What is fetched, or made from secrets,
// stands in parentheses.
func (s *sampleCheck) credentials() http.Header {
	a, header := s.auth, http.Header{}
	eval := func(field string, t *expression.Text) (string, error) {
		if t == nil {
			return "", nil
		}
		value, err := t.Eval(s.delivery.vars)
		if err != nil {
			s.failed("the sample", templateError(t, authField+"."+field, err))
		}
		return value, nil
	}
	field := map[string]string{"Bearer ": "bearer.token", "Basic ": "basic.username", "": "header.value"}[a.scheme]
	before := len(s.problems)
	value, _ := eval(field, a.value)
	password, _ := eval("basic.password", a.password)
	switch {
	case a.header == "" || len(s.problems) > before:
	case a.scheme == "Basic ":
		header.Set(a.header, "Basic ("+value+":"+password+" in base64)")
	default:
		value, err := a.headerValue(value, eval)
		if err != nil && !a.value.Uses("secrets") {
			s.failed("the sample", configurationError(authField+"."+field, err))
		}
		header.Set(a.header, value)
	}
	for field, t := range map[string]*expression.Text{
		"standardWebhooks.secret": a.signing, "mtls.certificate": a.cert, "mtls.key": a.certKey,
	} {
		_, _ = eval(field, t)
	}
	if a.grant != nil {
		s.grant(a.grant, eval)
		header.Set("Authorization", "Bearer (access token)")
	}
	return header
}

// grant evaluates how tokens are fetched, and adds the request.
func (s *sampleCheck) grant(g *grant, eval func(string, *expression.Text) (string, error)) {
	out := SampleRequest{Method: http.MethodPost, Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}}
	if g.google {
		_, _ = eval("googleServiceAccount.key", g.key)
		out.Field, out.URL, out.Body = authField+".googleServiceAccount", googleTokenURL, "(assertion, signed with the key)"
		s.requests = append(s.requests, out)
		return
	}
	r, err := g.request(s.delivery.vars, eval)
	if err != nil {
		s.failed("the sample", err)
		return
	}
	if !g.inBody {
		out.Header.Set("Authorization", s.hidden.Scrub("Basic ("+r.id+":"+r.secret+" in base64)"))
	}
	out.Field, out.URL, out.Body = authField+".oauth2ClientCredentials", s.hidden.Scrub(r.address), s.hidden.Scrub(r.form.Encode())
	s.requests = append(s.requests, out)
}
