package vendorapi

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// recorder records what a test reports.
type recorder struct {
	testing.TB
	Errors, Logs []string
}

func (*recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.Errors = append(r.Errors, fmt.Sprintf(format, args...))
}

func (r *recorder) Logf(format string, args ...any) {
	r.Logs = append(r.Logs, fmt.Sprintf(format, args...))
}

func described(t *testing.T, path string) func() (*Description, error) {
	t.Helper()
	const document = `{
		"openapi": "3.0.3", "info": {"title": "Lists", "version": "1"},
		"paths": {"PATH": {"post": {
			"requestBody": {"content": {"application/json": {"schema": {"type": "object", "properties": {
				"items": {"type": "array", "items": {"type": "object", "properties": {"id": {"type": "string"}}}}
			}}}}},
			"responses": {"200": {"description": "done"}}
		}}}
	}`
	d, err := ParseOpenAPI([]byte(strings.Replace(document, "PATH", path, 1)))
	if err != nil {
		t.Fatal(err)
	}
	return func() (*Description, error) { return d, nil }
}

func jsonRequest(host, path, body string) Request {
	return Request{
		Method: http.MethodPost, Host: host, Path: path, Body: []byte(body),
		Header: http.Header{"Content-Type": {"application/json"}},
	}
}

// Requests are held against the description of their host that has their path. A finding is
// reported once, however many items of a list it is about.
func TestReport(t *testing.T) {
	t.Parallel()
	table := []api{
		{name: "Lists", hosts: []string{"api.example.com"}, load: described(t, "/lists")},
		{name: "Sets", hosts: []string{"api.example.com", "*.eu.example.com"}, load: described(t, "/sets")},
		{
			name: "Bags", hosts: []string{"bags.example.com"}, load: described(t, "/bags"),
			accepted: map[string]string{"POST /bags: unknown member body items.*.size": "the manual has it"},
		},
	}
	const unknown = `{"items":[{"id":"1"},{"size":1},{"size":2}]}`
	tests := map[string]struct {
		request Request
		want    recorder
	}{
		"right":      {jsonRequest("api.example.com", "/lists", `{"items":[{"id":"1"}]}`), recorder{}},
		"other host": {jsonRequest("www.example.com", "/x", unknown), recorder{}},
		"unknown member": {jsonRequest("api.example.com", "/sets", unknown), recorder{Errors: []string{
			"a request differs from the description of Sets: POST /sets: unknown member body items.1.size",
		}}},
		"with a port": {jsonRequest("api.example.com:443", "/lists", unknown), recorder{Errors: []string{
			"a request differs from the description of Lists: POST /lists: unknown member body items.1.size",
		}}},
		"a region": {jsonRequest("x.eu.example.com", "/sets", unknown), recorder{Errors: []string{
			"a request differs from the description of Sets: POST /sets: unknown member body items.1.size",
		}}},
		"unknown path": {jsonRequest("api.example.com", "/x", unknown), recorder{Errors: []string{
			"a request differs from the description of Lists: POST /x: unknown path",
		}}},
		"accepted": {jsonRequest("bags.example.com", "/bags", unknown), recorder{Logs: []string{
			"Bags: POST /bags: unknown member body items.1.size, which is right: the manual has it",
		}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := &recorder{}
			report(got, table, []Request{tt.request, tt.request})
			if diff := cmp.Diff(&tt.want, got, cmpopts.IgnoreInterfaces(struct{ testing.TB }{})); diff != "" {
				t.Errorf("report (-want +got):\n%s", diff)
			}
		})
	}
}

// A path that no description has is not reported if the table says so. A described path always is,
// even if such a template matches it.
func TestUndescribed(t *testing.T) {
	t.Parallel()
	table := []api{{name: "Dropbox", hosts: []string{"api.dropboxapi.com"}, load: described(t, "/2/users/lists")}}
	for path, want := range map[string]int{"/2/users/other": 0, "/2/users/lists": 1, "/2/files": 1} {
		got := &recorder{}
		report(got, table, []Request{jsonRequest("api.dropboxapi.com", path, `{"x":1}`)})
		if len(got.Errors) != want {
			t.Errorf("%s: %d findings, want %d: %q", path, len(got.Errors), want, got.Errors)
		}
	}
}

// Every description of the table that is on this machine can be parsed.
func TestTable(t *testing.T) {
	t.Parallel()
	for _, a := range apis {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			d, err := a.load()
			if isAbsent(t, err) {
				return
			}
			if len(d.operations) == 0 {
				t.Error("the description has no operation")
			}
		})
	}
}

func isAbsent(t *testing.T, err error) bool {
	t.Helper()
	switch {
	case errors.Is(err, errAbsent):
		t.Log("the description is not on this machine")
		return true
	case err != nil:
		t.Fatal(err)
	}
	return false
}
