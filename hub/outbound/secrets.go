package outbound

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"html"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Secrets are what one request must not show: its own credentials, and those that its calls
// carry. A destination may repeat them in its error texts, which go to Looker's users and to
// the log. It is safe for use by many goroutines.
type Secrets struct {
	mu       sync.Mutex
	known    map[string]struct{}
	replacer *strings.Replacer
}

const (
	// minSecret is the length from which a value is replaced; shorter ones are parts of words.
	minSecret = 8
	// minCutSecret is the length from which the beginning of a secret is removed from the end of
	// a text.
	minCutSecret = 4
	// maxSecrets bounds what a delivery of many calls collects, such as tokens of pages.
	maxSecrets = 1000
	redacted   = "…"
)

type secretsKey struct{}

// WithSecrets begins to collect the secrets of a request.
func WithSecrets(ctx context.Context) context.Context {
	return context.WithValue(ctx, secretsKey{}, &Secrets{})
}

// SecretsOf are those of the context's request; those of none are collected in vain.
func SecretsOf(ctx context.Context) *Secrets {
	if s, ok := ctx.Value(secretsKey{}).(*Secrets); ok {
		return s
	}
	return &Secrets{}
}

// AddSecrets adds secrets to those of the context's request, or to new ones if it has none. It is
// for credentials that a call carries in its body, where they cannot be recognized.
func AddSecrets(ctx context.Context, values ...string) context.Context {
	if ctx.Value(secretsKey{}) == nil {
		ctx = WithSecrets(ctx)
	}
	SecretsOf(ctx).Add(values...)
	return ctx
}

// Add adds secrets, in the forms in which they may be quoted.
func (s *Secrets) Add(values ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, value := range values {
		for _, form := range quotedForms(value) {
			if _, ok := s.known[form]; ok || len(form) < minSecret || len(s.known) >= maxSecrets {
				continue
			}
			if s.known == nil {
				s.known = map[string]struct{}{}
			}
			s.known[form], s.replacer = struct{}{}, nil
		}
	}
}

// Include adds the secrets of others, whose forms are known already: the hub's own are the same in
// each request.
func (s *Secrets) Include(others *Secrets) {
	others.mu.Lock()
	known, replacer := others.known, others.prepared()
	others.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.known) == 0 {
		s.known, s.replacer = maps.Clone(known), replacer
		return
	}
	for form := range known {
		if len(s.known) < maxSecrets {
			s.known[form], s.replacer = struct{}{}, nil
		}
	}
}

// prepared returns what replaces the known secrets. The caller holds the lock.
func (s *Secrets) prepared() *strings.Replacer {
	if s.replacer != nil {
		return s.replacer
	}
	// Of two at the same place, the replacer takes the first: the longer one.
	longest := slices.SortedFunc(maps.Keys(s.known), func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	pairs := make([]string, 0, 2*len(longest))
	for _, value := range longest {
		pairs = append(pairs, value, redacted)
	}
	s.replacer = strings.NewReplacer(pairs...)
	return s.replacer
}

// Scrub replaces every secret in a text.
func (s *Secrets) Scrub(text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.known) == 0 || len(text) < minSecret {
		return text
	}
	text = s.prepared().Replace(text)
	if begin, cut := strings.CutSuffix(text, redacted); cut { // shortened to be shown
		return s.withoutCutSecret(begin) + redacted
	}
	return text
}

// withoutCutSecret removes the beginning of a secret from the end of a text that was cut. The
// caller holds the lock.
func (s *Secrets) withoutCutSecret(text string) string {
	for value := range s.known {
		for n := min(len(value)-1, len(text)); n >= minCutSecret; n-- {
			if strings.HasSuffix(text, value[:n]) {
				return text[:len(text)-n]
			}
		}
	}
	return text
}

// quotedForms are a value as it is, and as JSON, HTML, XML, a query, a path or several lines
// quote it.
func quotedForms(value string) []string {
	trimmed := strings.TrimSpace(value)
	forms := []string{value, trimmed, url.QueryEscape(trimmed), url.PathEscape(trimmed), html.EscapeString(trimmed)}
	for _, escapeHTML := range []bool{false, true} {
		var text bytes.Buffer
		e := json.NewEncoder(&text)
		e.SetEscapeHTML(escapeHTML)
		if e.Encode(trimmed) == nil {
			forms = append(forms, strings.Trim(strings.TrimSpace(text.String()), `"`))
		}
	}
	if strings.ContainsAny(trimmed, "\n") || strings.Contains(trimmed, `\n`) { // a private key
		for line := range strings.SplitSeq(strings.ReplaceAll(trimmed, `\n`, "\n"), "\n") {
			if line = strings.TrimSpace(line); len(line) >= 16 && !strings.HasPrefix(line, "-----") {
				forms = append(forms, line)
			}
		}
	}
	return forms
}

// secretName is what the names of headers, parameters and form fields with secrets look like.
var secretName = regexp.MustCompile(`(?i)auth|token|secret|passw|passphrase|key|sig|proof|cookie|credential|assertion`)

// IsSecretName reports whether a value of this name is taken for a secret.
func IsSecretName(name string) bool { return secretName.MatchString(name) }

// addRequest adds what a call carries.
func (s *Secrets) addRequest(req *http.Request) {
	for name, values := range req.Header {
		if !IsSecretName(name) {
			continue
		}
		for _, value := range values {
			s.Add(credentials(name, value)...)
		}
	}
	if req.URL.User != nil {
		password, _ := req.URL.User.Password()
		s.Add(password)
	}
	for name, values := range req.URL.Query() {
		if IsSecretName(name) {
			s.Add(values...)
		}
	}
}

// credentials are the secrets in a header's value.
func credentials(name, value string) []string {
	if name != "Authorization" && name != "Proxy-Authorization" {
		return []string{value}
	}
	scheme, rest, ok := strings.Cut(value, " ")
	switch {
	case !ok:
		return []string{value}
	case strings.EqualFold(scheme, "basic"):
		plain, err := base64.StdEncoding.DecodeString(rest)
		if err != nil {
			return []string{rest}
		}
		user, password, _ := strings.Cut(string(plain), ":")
		if password == "" {
			password = user // the user's name is the key, as with Segment
		}
		return []string{rest, password}
	case strings.HasPrefix(scheme, "AWS4-"):
		return nil // a signature, which differs with each call and is good for that one only
	}
	return []string{rest}
}

// scrubBody removes from a destination's error text the request's secrets, and also what of
// the address may be one: that of a webhook is its secret.
func scrubBody(req *http.Request, body []byte) []byte {
	s := SecretsOf(req.Context())
	s.addRequest(req)
	text := string(body)
	if len(body) == maxErrorBody {
		text += redacted
	}
	text = s.Scrub(text)
	var address Secrets
	for segment := range strings.SplitSeq(req.URL.EscapedPath(), "/") {
		if plain, err := url.PathUnescape(segment); err == nil && looksRandom(plain) {
			address.Add(plain)
		}
	}
	for _, values := range req.URL.Query() {
		for _, value := range values {
			if looksRandom(value) {
				address.Add(value)
			}
		}
	}
	return []byte(address.Scrub(text))
}

// looksRandom reports whether a part of an address may be a token: it has letters and digits,
// and some length.
func looksRandom(text string) bool {
	return len(text) >= 10 && strings.ContainsAny(text, "0123456789") &&
		strings.ContainsFunc(text, func(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' })
}
