package custom_test

import (
	"crypto/tls"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/hub/custom"
	"integrationhub.dev/hub/custom/manifest"
	"integrationhub.dev/hub/payload"
)

type settings = map[string]string

// secretsDir writes secrets, by Secret/key.
func secretsDir(t testing.TB, secrets settings) string {
	t.Helper()
	dir := t.TempDir()
	for name, value := range secrets {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(value), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// compile makes an integration, all of whose requests are led to a destination.
func compile(t testing.TB, text string, d *actiontest.Destination, secrets settings) action.Resolved {
	t.Helper()
	client := actiontest.Deps(t, d, nil).HTTP
	return compileWith(t, text, custom.Options{SecretsDir: secretsDir(t, secrets), HTTP: client})
}

func compileWith(t testing.TB, text string, o custom.Options) action.Resolved {
	t.Helper()
	o.Names = []string{"slack"}
	if o.NewClient == nil {
		o.NewClient = func(tls.Certificate) *http.Client { return o.HTTP }
	}
	m, err := manifest.Parse("test.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	i, err := custom.Compile(m, o)
	if err != nil {
		t.Fatal(err)
	}
	return i.Resolved()
}

// example reads an example.
func example(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("examples", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// resource makes a file from a spec.
func resource(spec string) string {
	const head = "apiVersion: hub.integrationhub.dev/v1alpha1\nkind: HTTPIntegration\nmetadata: {name: test}\nspec:\n  label: Test\n"
	return head + "  " + strings.ReplaceAll(strings.TrimSpace(spec), "\n", "\n  ") + "\n"
}

// result is a result in json_detail: columns as name:label:tag, and rows of JSON values.
func result(columns []string, rows ...[]string) string {
	var fields []string
	var names []string
	for _, c := range columns {
		part := append(strings.Split(c, ":"), "", "")
		tags := "[]"
		if part[2] != "" {
			tags = `["` + part[2] + `"]`
		}
		names = append(names, part[0])
		fields = append(fields, `{"name":"`+part[0]+`","label_short":"`+part[1]+`","tags":`+tags+`}`)
	}
	lines := make([]string, len(rows))
	for i, row := range rows {
		cells := make([]string, len(row))
		for n, value := range row {
			cells[n] = `"` + names[n] + `":{"value":` + value + `}`
		}
		lines[i] = "{" + strings.Join(cells, ",") + "}"
	}
	return `{"fields":{"dimensions":[` + strings.Join(fields, ",") + `]},"data":[` + strings.Join(lines, ",") + `]}`
}

// query is a request with a result.
func query(t testing.TB, params, form settings, result string) *action.Request {
	t.Helper()
	req := actiontest.Query(params, form)
	if result == "" {
		req.Data = (&payload.Envelope{}).Data(nil)
		return req
	}
	return actiontest.JSONDetail(t, req, result)
}

// messageOf returns the message for Looker's user, or "".
func messageOf(err error) string {
	if err == nil {
		return ""
	}
	return action.MessageOf(err)
}
