package outbound_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"integrationhub.dev/hub/outbound"
)

func TestScrub(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ secret, text, want string }{
		"as it is":              {"s3cret-token", "Bad token s3cret-token!", "Bad token …!"},
		"more than once":        {"s3cret-token", "s3cret-tokens3cret-token", "……"},
		"copied with blanks":    {" s3cret-token\n", "token=s3cret-token", "token=…"},
		"in JSON":               {`s3cret"<token>`, `{"t":"s3cret\"<token>"}`, `{"t":"…"}`},
		"in JSON for web pages": {`s3cret"<token>`, `{"t":"s3cret\"\u003ctoken\u003e"}`, `{"t":"…"}`},
		"in HTML":               {"s3cret<token>", "<p>s3cret&lt;token&gt;</p>", "<p>…</p>"},
		"in a query":            {"s3cret+token/=", "?t=s3cret%2Btoken%2F%3D&x", "?t=…&x"},
		"in a path":             {"s3cret token", "/s3cret%20token/x", "/…/x"},
		"a line of a key":       {"-----BEGIN-----\nMIIEvQIBADANBgkqhkiG\n-----END-----", "near MIIEvQIBADANBgkqhkiG", "near …"},
		"a line of an escaped":  {`-----BEGIN-----\nMIIEvQIBADANBgkqhkiG\n-----END-----`, "near MIIEvQIBADANBgkqhkiG", "near …"},
		"cut at the end":        {"s3cret-token", "Bad token s3cret-t…", "Bad token …"},
		"too short":             {"secret", "The secret is wrong.", "The secret is wrong."},
		"none":                  {"", "Nothing.", "Nothing."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := outbound.SecretsOf(outbound.WithSecrets(t.Context()))
			s.Add(tt.secret)
			if got := s.Scrub(tt.text); got != tt.want {
				t.Errorf("Scrub(%q) = %q, want %q", tt.text, got, tt.want)
			}
		})
	}
}

// Of two secrets, one of which begins the other, all of the longer one goes.
func TestScrubTakesTheLonger(t *testing.T) {
	t.Parallel()
	s := outbound.SecretsOf(outbound.WithSecrets(t.Context()))
	s.Add("s3cret-token", "s3cret-token-2")
	if got := s.Scrub("s3cret-token-2 s3cret-token"); got != "… …" {
		t.Errorf("%q", got)
	}
}

// What a call carries is removed from the answer that refuses it, and known to its request.
func TestRefusalWithSecrets(t *testing.T) {
	t.Parallel()
	basic := base64.StdEncoding.EncodeToString([]byte("user:basic-passw0rd"))
	for name, tt := range map[string]struct {
		address       string
		header, value string
		said, want    string
		onlyHere      bool // it is not looked for in other texts: it may be a name
	}{
		"a bearer token": {
			address: "/", header: "Authorization", value: "Bearer bearer-t0ken", said: "bad bearer-t0ken",
			want: "bad …",
		},
		"a password": {
			address: "/", header: "Authorization", value: "Basic " + basic, said: "bad basic-passw0rd",
			want: "bad …",
		},
		"a whole header": {
			address: "/", header: "Authorization", value: "Basic " + basic, said: "bad Basic " + basic,
			want: "bad Basic …",
		},
		"a bare token": {
			address: "/", header: "Authorization", value: "bare-t0ken", said: "bad bare-t0ken", want: "bad …",
		},
		"a header of its own": {
			address: "/", header: "X-Api-Key", value: "api-k3y-value", said: "bad api-k3y-value", want: "bad …",
		},
		"a query": {address: "/?access_token=query-t0ken", said: "bad query-t0ken", want: "bad …"},
		"a webhook's path": {
			address: "/hooks/path-t0ken", said: "no /hooks/path-t0ken", want: "no /hooks/…", onlyHere: true,
		},
		"a public part": {address: "/v3/batch/update", said: "no /v3/batch/update", want: "no /v3/batch/update"},
		"another header": {
			address: "/", header: "Content-Type", value: "application/json", said: "not application/json",
			want: "not application/json",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refuse := func(req *http.Request) *http.Response {
				return &http.Response{StatusCode: http.StatusBadRequest, Body: io.NopCloser(strings.NewReader(tt.said)), Request: req}
			}
			ctx := outbound.WithSecrets(t.Context())
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://there.example.com"+tt.address, nil)
			if err != nil {
				t.Fatal(err)
			}
			if tt.header != "" {
				req.Header.Set(tt.header, tt.value)
			}
			_, err = outbound.Do(&http.Client{Transport: transport(refuse)}, req, "There")
			status, ok := errors.AsType[*outbound.StatusError](err)
			if !ok || string(status.Body) != tt.want {
				t.Errorf("error %#v, want one with %q", err, tt.want)
			}
			if got := outbound.SecretsOf(ctx).Scrub(tt.said); !tt.onlyHere && got != tt.want {
				t.Errorf("elsewhere %q, want %q", got, tt.want)
			}
		})
	}
}

type transport func(*http.Request) *http.Response

func (f transport) RoundTrip(req *http.Request) (*http.Response, error) { return f(req), nil }

// A secret that the end of a long answer cuts is removed too.
func TestRefusalIsCut(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 16<<10-8) + "bearer-t0ken and more"
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://there.example.com/", nil)
	if err != nil {
		t.Fatal(err)
	}
	req = req.WithContext(outbound.WithSecrets(req.Context()))
	req.Header.Set("Authorization", "Bearer bearer-t0ken")
	refuse := transport(func(req *http.Request) *http.Response {
		return &http.Response{StatusCode: http.StatusBadRequest, Body: io.NopCloser(strings.NewReader(long)), Request: req}
	})
	_, err = outbound.Do(&http.Client{Transport: refuse}, req, "There")
	status, ok := errors.AsType[*outbound.StatusError](err)
	if !ok || strings.Contains(string(status.Body), "bearer") {
		t.Errorf("error %#v", err)
	}
}

// A delivery of many calls does not collect without end.
func TestSecretsAreBounded(t *testing.T) {
	t.Parallel()
	s := outbound.SecretsOf(outbound.WithSecrets(t.Context()))
	for n := range 5000 {
		s.Add(fmt.Sprintf("page-token-%04d", n))
	}
	if s.Scrub("page-token-0000") != "…" || s.Scrub("page-token-4999") != "page-token-4999" {
		t.Error("all 5000 are kept, or not even the first")
	}
}

// The hub's own secrets are the same in each request, and each request adds others to them.
func TestIncludeSecrets(t *testing.T) {
	t.Parallel()
	var own outbound.Secrets
	own.Add("the hub's secret", "short")
	for name, before := range map[string]string{"into none": "", "into others": "an earlier one"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var s outbound.Secrets
			s.Add(before)
			s.Include(&own)
			s.Add("the request's token", "the hub's secret, longer")
			got := s.Scrub("an earlier one: the hub's secret, longer; the hub's secret and the request's token, short")
			want := "an earlier one: …; … and …, short"
			if before != "" {
				want = "…: …; … and …, short"
			}
			if got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
	if got := own.Scrub("the request's token"); got != "the request's token" {
		t.Errorf("a request's secret got into the hub's own: %q", got)
	}
}

func BenchmarkRequestSecrets(b *testing.B) {
	var own outbound.Secrets
	for i := range 10 {
		own.Add(fmt.Sprintf("secret-number-%d-abcdefghijklmnop", i))
	}
	line := strings.Repeat("method POST route /actions ", 10)
	b.ReportAllocs()
	for b.Loop() {
		s := outbound.SecretsOf(outbound.WithSecrets(b.Context()))
		s.Include(&own)
		for range 8 { // the texts of a log line
			s.Scrub(line)
		}
	}
}
