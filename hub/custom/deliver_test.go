package custom_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/hub/custom"
	"integrationhub.dev/hub/outbound"
)

// What expressions make of values.
func TestTemplate(t *testing.T) {
	t.Parallel()
	data := result([]string{"u.id:ID:id", "u.name:Name:name", "u.n:N", "u.b:B", "u.x:X"},
		[]string{`12345678901234567890`, `"a\"\u00e9\ud800"`, `1.50`, `true`, `null`})
	for template, want := range map[string]string{
		`{id: "${row.tag.id}"}`:                                     `{"id":12345678901234567890}`,
		`{n: "${row.name['u.n']}", t: "n=${row.name['u.n']}"}`:      `{"n":1.50,"t":"n=1.5"}`,
		`{n: "${double(row.name['u.n']) * 2.0}"}`:                   `{"n":3}`,
		`["${row.label.Name}", "${row.label.B}", "${row.label.X}"]`: `["a\"é` + "\ufffd" + `",true,null]`,
		`"${row.name}"`: `{"u.id":12345678901234567890,"u.name":"a\"é` + "\ufffd" + `","u.n":1.50,"u.b":true,"u.x":null}`,
		`{a: "${optional.none()}", b: ["${optional.none()}", 1], c: "${optional.of(2)}"}`:            `{"b":[1],"c":2}`,
		`{a: "${{'z': 1, 'b': [1.0, null, 'x'], 'a': optional.none()}}"}`:                            `{"a":{"b":[1,null,"x"],"z":1}}`,
		`"$${x} ${'}'} ${\"{\"} ${r'\\'}"`:                                                           `"${x} } { \\"`,
		`{v: "${has(row.tag.absent) ? row.tag.absent : 'none'}"}`:                                    `{"v":"none"}`,
		`{v: "${row.?tag.absent.orValue('none')}", w: "${'absent' in row.tag}"}`:                     `{"v":"none","w":false}`,
		`{t: "${timestamp('2026-11-27T01:02:03Z')}", b: "${b'xyz'}", u: "${18446744073709551615u}"}`: `{"t":"2026-11-27T01:02:03Z","b":"eHl6","u":18446744073709551615}`,
		`{v: "${columns.map(c, c.name + (c.numeric ? '#' : ''))}"}`:                                  `{"v":["u.id","u.name","u.n","u.b","u.x"]}`,
	} {
		t.Run(template, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t)
			i := compile(t, resource("request:\n  per: row\n  url: https://example.com/\n  body:\n    json: "+template), d, nil)
			if _, err := i.Execute(t.Context(), query(t, nil, nil, data)); err != nil {
				t.Fatal(err)
			}
			if got := string(d.Requests()[0].Body); got != want {
				t.Errorf("body %s, want %s", got, want)
			}
		})
	}
}

// A template that cannot be filled in for a row counts that row as failed, and says why without its values.
func TestRowFails(t *testing.T) {
	t.Parallel()
	data := result([]string{"u.v:V"}, []string{`"s3cret-value"`}, []string{`12`}, []string{`null`}, []string{`99999999999999999999999`}, []string{`7`})
	for template, want := range map[string]string{
		`{a: [{b: "${int(row.label.V) + 1}"}]}`: "2 of 5 rows delivered, 3 rejected. The template cannot be rendered: request.body.json.a[0].b: a value cannot be converted. " +
			"The template cannot be rendered: request.body.json.a[0].b: a value has the wrong type. " +
			"The template cannot be rendered: request.body.json.a[0].b: a number has more digits than expressions support.",
		`"${lists.range(1000).map(x, lists.range(1000).map(y, row.label.V))}"`: "0 of 5 rows delivered, 5 rejected. The template cannot be rendered: request.body.json: it exceeds the cost limit. The template cannot be rendered: request.body.json: a number has more digits than expressions support.",
		`"${[1][5]}"`: "0 of 5 rows delivered, 5 rejected. The template cannot be rendered: request.body.json: a list is too short.",
		`"${{'a': 1}[string(row.label.V)]}"`: "0 of 5 rows delivered, 5 rejected. The template cannot be rendered: request.body.json: a name does not exist. " +
			"The template cannot be rendered: request.body.json: a value has the wrong type. " +
			"The template cannot be rendered: request.body.json: a number has more digits than expressions support.",
	} {
		t.Run(template, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t)
			i := compile(t, resource("request:\n  per: row\n  url: https://example.com/\n  body:\n    json: "+template), d, nil)
			_, err := i.Execute(t.Context(), query(t, nil, nil, data))
			if got := messageOf(err); got != want {
				t.Errorf("message %q, want %q", got, want)
			}
			if strings.Contains(fmt.Sprint(err), "s3cret") {
				t.Errorf("the error contains a value: %v", err)
			}
		})
	}
}

// What authors get wrong is found before anything runs.
func TestCompileProblems(t *testing.T) {
	t.Parallel()
	for spec, want := range map[string]string{
		"name: pagerduty\nrequest: {url: 'https://a.example.com/'}":                                                                          "test.yaml:6: spec.name: The name must begin with custom_, unless it is the name of an integration of the hub.",
		"request: {url: 'https://${params.x}/'}":                                                                                             "test.yaml:6: spec.request.url: There is no params.x.",
		"params: [{name: x}]\nrequest: {url: 'https://${params.x}/'}":                                                                        "test.yaml:7: spec.request.url: A URL whose host contains ${…} requires allowedHosts.",
		"request: {url: 'https://a.example.com/?x=1'}":                                                                                       "test.yaml:6: spec.request.url: The URL must not contain ? or #. Use query for parameters.",
		"request: {url: 'https://user@a.example.com/'}":                                                                                      "test.yaml:6: spec.request.url: The URL is not valid: the host is not valid.",
		"request: {url: 'https://a.example.com/', allowedHosts: [b.example.com]}":                                                            "test.yaml:6: spec.request.url: The URL is not valid: the host is not in allowedHosts.",
		"request: {url: 'https://a.example.com/a b'}":                                                                                        "test.yaml:6: spec.request.url: The URL's path contains characters that must be escaped.",
		"request: {url: 'https://a.example.com/${'}":                                                                                         "test.yaml:6: spec.request.url: An expression begins with ${ and does not end with }. For a literal ${, write $${.",
		"secrets: [{name: s, secretKeyRef: {name: a, key: b}}]\nrequest: {url: 'https://a.example.com/${secrets.s}'}":                        "test.yaml:7: spec.request.url: The expression is not valid: undeclared reference to 'secrets' (in container '').",
		"secrets: [{name: s, secretKeyRef: {name: a, key: b}}]\nrequest: {url: 'https://a.example.com/', body: {json: {a: '${secrets.s}'}}}": "test.yaml:7: spec.request.body.json.a: The expression is not valid: undeclared reference to 'secrets' (in container '').",
		"request: {url: 'https://a.example.com/', headers: {Host: x}}":                                                                       "test.yaml:6: spec.request.headers.Host: The header Host cannot be set, because the hub sets it.",
		"request: {url: 'https://a.example.com/', headers: {'a b': x}}":                                                                      `test.yaml:6: spec.request.headers.a b: "a b" is not a valid name of a header.`,
		"request: {url: 'https://a.example.com/', body: {json: '${row.name}'}}":                                                              "test.yaml:6: spec.request.body.json: The expression is not valid: undeclared reference to 'row' (in container ''), did you mean rows?",
		"request: {url: 'https://a.example.com/', per: row, body: {json: '${row.names}'}}":                                                   "test.yaml:6: spec.request.body.json: There is no row.names, did you mean name?",
		"request: {url: 'https://a.example.com/', per: batch, batch: {maxRows: 1, item: 1}, body: {json: []}}":                               "test.yaml:6: spec.request.body.json: The body of a request per batch must contain the string ${items} exactly once.",
		"request: {url: 'https://a.example.com/', body: {json: {'${a}': 1}}}":                                                                "test.yaml:6: spec.request.body.json.${a}: The name of a member cannot contain ${…}.",
		"request: {url: 'https://a.example.com/', body: {json: 1, file: {}}}":                                                                "test.yaml:6: spec.request.body: Set one of json, file and multipart.",
		"request: {url: 'https://a.example.com/', body: {}}":                                                                                 "test.yaml:6: spec.request.body: Set one of json, file and multipart.",
		"request: {url: 'https://a.example.com/', headers: {X: '${columns[0].name}'}, body: {file: {}}}":                                     "test.yaml:6: spec.request: A request with a file cannot use rows or columns.",
		"types: [dashboard]\nrequest: {url: 'https://a.example.com/', body: {json: '${rows}'}}":                                              "test.yaml:6: spec.types: The request uses rows, but a dashboard has no rows.",
		"formats: [csv]\nrequest: {url: 'https://a.example.com/', body: {json: '${rows}'}}":                                                  "test.yaml:6: spec.formats[0]: The request uses rows, but the format has no rows.",
		"icon: {svg: '<svg><script/></svg>'}\nrequest: {url: 'https://a.example.com/'}":                                                      "test.yaml:6: spec.icon.svg: The icon contains the element script, which is not allowed.",
		"icon: {svg: '<svg onload=\"x\"/>'}\nrequest: {url: 'https://a.example.com/'}":                                                       "test.yaml:6: spec.icon.svg: The icon contains the attribute onload, which is not allowed.",
		"icon: {svg: '<svg><use href=\"https://x\"/></svg>'}\nrequest: {url: 'https://a.example.com/'}":                                      "test.yaml:6: spec.icon.svg: The icon contains the attribute href, which is not allowed.",
		"icon: {png: aGVsbG8=}\nrequest: {url: 'https://a.example.com/'}":                                                                    "test.yaml:6: spec.icon.png: The icon is not a valid PNG.",
		"request: {url: 'https://a.example.com/'}\nresponse: {success: 'body.ok &&'}":                                                        "test.yaml:7: spec.response.success: The expression is not valid: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}.",
	} {
		t.Run(spec, func(t *testing.T) {
			t.Parallel()
			f := newVolume(t)
			f.set(settings{"test.yaml": resource(spec)})
			_, err := custom.NewFolder(f.dir, custom.Options{Names: []string{"slack"}}, func(string) string { return "" }).Reload()
			if err == nil || err.Error() != want {
				t.Errorf("problem %v, want %s", err, want)
			}
		})
	}
}

// Files go as they are, or in a form; an incomplete one never does.
func TestFiles(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t)
	i := compile(t, resource("types: [query, dashboard]\nrequest:\n  method: PUT\n  url: https://example.com/${plan.id}\n  body: {file: {}}"), d, nil)
	req := actiontest.Inline(t, actiontest.Query(nil, nil), "text/csv", "csv", []byte("a,b\n1,2\n"))
	if _, err := i.Execute(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	if r := d.Requests()[0]; r.Method != http.MethodPut || r.Path != "/1" || string(r.Body) != "a,b\n1,2\n" || r.Header.Get("Content-Type") != "text/csv" {
		t.Errorf("%+v", r)
	}
	broken := actiontest.Download(t, actiontest.Query(nil, nil), actiontest.BrokenDownload("a,b\n"))
	if _, err := i.Execute(t.Context(), broken); err == nil || len(d.Requests()) != 1 {
		t.Errorf("broken data: %v, %d requests", err, len(d.Requests()))
	}
	i = compile(t, resource("request:\n  url: https://example.com/\n  body:\n    multipart:\n      fileField: upload\n      filename: report.csv\n      fields: {title: '${plan.title}', none: ''}"), d, nil)
	req = actiontest.Inline(t, actiontest.Query(nil, nil), "text/csv", "csv", []byte("a,b\n"))
	if _, err := i.Execute(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	r := d.Requests()[1]
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	form, err := multipart.NewReader(strings.NewReader(string(r.Body)), params["boundary"]).ReadForm(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string][]string{"title": {"Orders by day"}}, form.Value); diff != "" || form.File["upload"][0].Filename != "report.csv" {
		t.Errorf("form (-want +got):\n%s%+v", diff, form.File)
	}
}

// A cell has no data, but a value.
func TestCell(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t)
	i := compile(t, resource("types: [cell]\nrequest:\n  url: https://example.com/\n  body: {json: {value: '${cell}'}}"), d, nil)
	req := actiontest.Query(settings{"value": "17"}, nil)
	req.Type = action.TypeCell
	if _, err := i.Execute(t.Context(), req); err != nil || string(d.Requests()[0].Body) != `{"value":"17"}` {
		t.Errorf("%v, %+v", err, d.Requests())
	}
}

const signingSecret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="

// The scheme's own library verifies a signature.
func TestStandardWebhooks(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t)
	i := compile(t, resource("secrets: [{name: s, secretKeyRef: {name: hook, key: secret}}]\nauthentication: {standardWebhooks: {secret: '${secrets.s}'}}\n"+
		"request:\n  url: https://example.com/\n  body: {json: {a: 1}}"), d, settings{"hook/secret": signingSecret + "\n"})
	if _, err := i.Execute(t.Context(), actiontest.Query(nil, nil)); err != nil {
		t.Fatal(err)
	}
	w, err := standard.NewWebhook(signingSecret)
	if err != nil {
		t.Fatal(err)
	}
	if r := d.Requests()[0]; w.Verify(r.Body, r.Header) != nil {
		t.Errorf("the signature is not valid: %v", r.Header)
	}
}

// A destination that asks for a client certificate gets the one of the integration.
func TestMTLS(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "hub"}, NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	names := make(chan string, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { names <- r.TLS.PeerCertificates[0].Subject.CommonName }))
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	o := outbound.Options{Policy: outbound.Policy{AllowLoopback: true}, Roots: roots}
	i := compileWith(t, resource("secrets:\n  - {name: cert, secretKeyRef: {name: client, key: tls.crt}}\n  - {name: key, secretKeyRef: {name: client, key: tls.key}}\n"+
		"authentication: {mtls: {certificate: '${secrets.cert}', key: '${secrets.key}'}}\nrequest: {url: '"+server.URL+"/'}"), custom.Options{
		SecretsDir: secretsDir(t, settings{
			"client/tls.crt": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})),
			"client/tls.key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		}),
		NewClient: func(c tls.Certificate) *http.Client {
			o.Certificates = []tls.Certificate{c}
			return outbound.NewClient(o)
		},
	})
	if _, err := i.Execute(t.Context(), actiontest.Query(nil, nil)); err != nil {
		t.Fatal(err)
	}
	if name := <-names; name != "hub" {
		t.Errorf("certificate of %q", name)
	}
}

// endless is an answer that never ends.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

type answers func(*http.Request) (int, http.Header, io.Reader)

func (a answers) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		_, _ = io.Copy(io.Discard, req.Body)
	}
	status, header, body := a(req)
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(body), Request: req, ProtoMajor: 1, ProtoMinor: 1}, nil
}

// Destinations that answer too much, or lead away, end a delivery with a message.
func TestHostileAnswers(t *testing.T) {
	t.Parallel()
	const options = "form:\n  - name: f\n    label: F\n    type: select\n    optionsFrom:\n      request: {url: 'https://example.com/list'}\n" +
		"      list: body.list\n      name: item\n      more: 'true'\nrequest:\n  url: https://example.com/\n  body: {json: 1}\nresponse: {success: body.ok}"
	for name, tt := range map[string]struct {
		answer  answers
		execute string
		form    string
	}{
		"endless": {
			func(*http.Request) (int, http.Header, io.Reader) { return 200, nil, endless{} },
			"The response from Test is too large. It may already have accepted the request. Check before retrying.",
			"The options of F cannot be loaded: The response from Test is too large.",
		},
		"endless error": {
			func(*http.Request) (int, http.Header, io.Reader) { return 400, nil, endless{} },
			"Test returned 400 Bad Request.", "The options of F cannot be loaded: Test returned 400 Bad Request.",
		},
		"a redirect": {
			func(*http.Request) (int, http.Header, io.Reader) {
				return 307, http.Header{"Location": {"https://evil.example.org/"}}, strings.NewReader("")
			},
			"Test returned 307 Temporary Redirect.", "The options of F cannot be loaded: Test returned 307 Temporary Redirect.",
		},
		"not JSON": {
			func(*http.Request) (int, http.Header, io.Reader) { return 200, nil, strings.NewReader("<html>") },
			"Unexpected response from Test. It may already have accepted the request. Check before retrying.",
			"The options of F cannot be loaded: Unexpected response from Test: a name does not exist.",
		},
		"deeply nested": {
			func(*http.Request) (int, http.Header, io.Reader) {
				return 200, nil, strings.NewReader(strings.Repeat("[", 200_000))
			},
			"Unexpected response from Test. It may already have accepted the request. Check before retrying.",
			"The options of F cannot be loaded: Unexpected response from Test: a name does not exist.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := &http.Client{Transport: outbound.NewTransport(tt.answer, nil), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
			i := compileWith(t, resource(options), custom.Options{HTTP: client})
			_, err := i.Execute(t.Context(), actiontest.Query(nil, nil))
			if got := messageOf(err); got != tt.execute {
				t.Errorf("delivery: %q, want %q", got, tt.execute)
			}
			_, err = i.Form.Form(t.Context(), actiontest.Query(nil, nil))
			if got := messageOf(err); got != tt.form {
				t.Errorf("form: %q, want %q", got, tt.form)
			}
		})
	}
	// Pages without end, and a list of many options.
	for list, want := range map[string]struct{ options, requests int }{
		`{"list":["a"]}`: {10, 10},
		`{"list":[` + strings.Repeat(`"x",`, 5000) + `"y"]}`: {1000, 1},
	} {
		d := actiontest.NewDestination(t).Reply(reply(200, list))
		form, err := compile(t, resource(options), d, nil).Form.Form(t.Context(), actiontest.Query(nil, nil))
		if err != nil {
			t.Fatal(err)
		}
		f := form.Fields[0]
		if len(f.Options) != want.options || len(d.Requests()) != want.requests || f.Description != fmt.Sprintf(" Only the first %d options are shown.", want.options) {
			t.Errorf("%d options in %d requests: %s", len(f.Options), len(d.Requests()), f.Description)
		}
	}
}

// The next page of options is at the same host, which gets the credentials.
func TestNextPageElsewhere(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Reply(reply(200, `{"list":["a"],"next":"https://evil.example.org/list?page=2"}`))
	i := compile(t, resource("form:\n  - name: f\n    type: select\n    optionsFrom:\n      request: {url: 'https://example.com/list'}\n"+
		"      list: body.list\n      name: item\n      nextURL: body.next\nrequest: {url: 'https://example.com/'}"), d, nil)
	_, err := i.Form.Form(t.Context(), actiontest.Query(nil, nil))
	if got := messageOf(err); got != "The options of f cannot be loaded: The next page of options is on another host." || len(d.Requests()) != 1 {
		t.Errorf("%q after %d requests", got, len(d.Requests()))
	}
}

// A destination repeats what it was sent. Neither a secret of the hub nor a sensitive setting is in an error.
func TestSecretsStaySecret(t *testing.T) {
	t.Parallel()
	const spec = "params: [{name: key, sensitive: true}]\nsecrets: [{name: s, secretKeyRef: {name: a, key: b}}]\n" +
		"authentication: {bearer: {token: '${secrets.s}'}}\n" +
		"request:\n  url: https://example.com/${params.key}\n  query: {q: '${secrets.s}x'}\n  headers: {X-Custom: '${params.key}'}\n  body: {json: {k: '${params.key}'}}\n" +
		"response: {success: body.ok, error: text}"
	for _, status := range []int{200, 400, 401, 403, 404, 429, 500} {
		d := actiontest.NewDestination(t).Handle(func(r actiontest.Recorded) actiontest.Reply {
			text := fmt.Sprintf("%s %s %v %s", r.Path, r.Query.Encode(), r.Header, r.Body)
			return actiontest.Reply{Status: status, Body: fmt.Sprintf(`{"ok":false,"echo":%q}`, text), Header: settings{"Retry-After": "3600"}}
		})
		i := compile(t, resource(spec), d, settings{"a/b": "hub-s3cret-v4lue"})
		_, err := i.Execute(outbound.WithSecrets(t.Context()), actiontest.Query(settings{"key": "param-s3cret-v4lue"}, nil))
		if err == nil {
			t.Fatal("no error")
		}
		for _, text := range []string{err.Error(), action.MessageOf(err)} {
			if strings.Contains(text, "hub-s3cret") || strings.Contains(text, "param-s3cret") ||
				strings.Contains(text, base64.StdEncoding.EncodeToString([]byte("hub-s3cret-v4lue"))) {
				t.Errorf("status %d: %s", status, text)
			}
		}
		if len(d.Requests()) != 1 || d.Requests()[0].Header.Get("Authorization") != "Bearer hub-s3cret-v4lue" {
			t.Errorf("status %d: %d requests", status, len(d.Requests()))
		}
	}
}

// Which requests are repeated.
func TestRetries(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		spec    string
		replies []actiontest.Reply
		want    int
		message string
	}{
		"a POST that may have been accepted": {"", []actiontest.Reply{{Status: 503}, {}}, 1, "Test returned 503 Service Unavailable. It may already have accepted the request. Check before retrying."},
		"a POST that is rate limited":        {"", []actiontest.Reply{{Status: 429, Header: settings{"Retry-After": "7"}}, {}}, 2, ""},
		"a status that is listed":            {"retry: {statuses: [503]}", []actiontest.Reply{{Status: 503}, {Status: 503}, {}}, 3, ""},
		"fewer attempts":                     {"retry: {statuses: [503], maxAttempts: 2}", []actiontest.Reply{{Status: 503}}, 2, "Test returned 503 Service Unavailable."},
		"idempotent":                         {"retry: {idempotent: true, maxAttempts: 5}", []actiontest.Reply{{Status: 502}, {Reset: true}, {Status: 504}, {}}, 4, ""},
		"idempotent and rejected":            {"retry: {idempotent: true}", []actiontest.Reply{{Status: 400}, {}}, 1, "Test returned 400 Bad Request."},
		"a long wait":                        {"retry: {idempotent: true}", []actiontest.Reply{{Status: 503, Header: settings{"Retry-After": "3600"}}, {}}, 1, "Test returned 503 Service Unavailable."},
		"a status of success":                {"response: {successStatuses: [200, 409]}", []actiontest.Reply{{Status: 409}}, 1, ""},
		"another status":                     {"response: {successStatuses: [201]}", []actiontest.Reply{{Status: 200}}, 1, "Test returned 200 OK, which is not a success status."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := actiontest.NewSocketless().Reply(tt.replies...)
				i := compile(t, resource("request: {url: 'https://example.com/'}\n"+tt.spec), d, nil)
				_, err := i.Execute(t.Context(), actiontest.Query(nil, nil))
				if got := messageOf(err); got != tt.message || len(d.Requests()) != tt.want {
					t.Errorf("%q after %d requests, want %q after %d", got, len(d.Requests()), tt.message, tt.want)
				}
			})
		})
	}
}

// A repeated request has the same key, and each row has its own.
func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := actiontest.NewSocketless().Reply(actiontest.Reply{Status: 503}, actiontest.Reply{})
		i := compile(t, resource("request:\n  per: row\n  url: https://example.com/\n  idempotencyKey: {header: Idempotency-Key}"), d, nil)
		if _, err := i.Execute(t.Context(), query(t, nil, nil, result([]string{"a:A"}, []string{"1"}, []string{"2"}))); err != nil {
			t.Fatal(err)
		}
		var keys []string
		for _, r := range d.Requests() {
			keys = append(keys, r.Header.Get("Idempotency-Key"))
		}
		if len(keys) != 3 || keys[0] != keys[1] || keys[1] == keys[2] || len(keys[0]) < 20 {
			t.Errorf("keys %q", keys)
		}
	})
}

// The rate limit holds for all deliveries of an integration.
func TestRateLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := actiontest.NewSocketless()
		i := compile(t, resource("request: {per: row, url: 'https://example.com/'}\nlimits: {rateLimit: {requests: 2, seconds: 1}, concurrency: 4}"), d, nil)
		rows := make([][]string, 10)
		for n := range rows {
			rows[n] = []string{"1"}
		}
		started := time.Now()
		for range 2 {
			if _, err := i.Execute(t.Context(), query(t, nil, nil, result([]string{"a:A"}, rows...))); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(started); took < 9*time.Second || took > 10*time.Second || len(d.Requests()) != 20 {
			t.Errorf("%d requests took %s", len(d.Requests()), took)
		}
	})
}
