package manifest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/custom/manifest"
)

const minimal = `apiVersion: hub.integrationhub.dev/v1alpha1
kind: HTTPIntegration
metadata:
  name: a
spec:
  label: A
  request:
    url: https://a.example.com/
`

func TestExamples(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../examples/*.yaml")
	if err != nil || len(files) != 6 {
		t.Fatalf("%d examples, want 6: %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := manifest.Parse(file, text); err != nil {
			t.Error(err)
		}
	}
}

// The members of a template keep their order, and numbers their digits.
func TestTemplateKeepsOrder(t *testing.T) {
	t.Parallel()
	m, err := manifest.Parse("a.yaml", []byte(minimal+"    body: {json: {z: 1, a: 12345678901234567890, m: [1.50, null, true]}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(m.Spec.Request.Body.JSON), `{"z":1,"a":12345678901234567890,"m":[1.50,null,true]}`; got != want {
		t.Errorf("template %s, want %s", got, want)
	}
}

// Problems name the file, the line and the field.
func TestProblems(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text string
		want []string
	}{
		"nothing":     {"", []string{"a.yaml: The file is empty."}},
		"not YAML":    {"a: [", []string{"a.yaml: The file is not valid YAML: line 1: did not find expected node content"}},
		"a list":      {"[]", []string{"a.yaml:1: The value is not valid: got array, want object."}},
		"two of them": {minimal + "---\n" + minimal, []string{"a.yaml:9: A file must contain exactly one HTTPIntegration."}},
		"another kind": {
			strings.Replace(minimal, "HTTPIntegration", "Pod", 1),
			[]string{`a.yaml:2: kind: The value is not valid: value must be 'HTTPIntegration'.`},
		},
		"a typo": {minimal + "    metod: PUT\n", []string{"a.yaml:9: spec.request.metod: The field does not exist, did you mean method?"}},
		"something else": {
			minimal + "    colour: red\n", []string{"a.yaml:9: spec.request.colour: The field does not exist."},
		},
		"something missing": {
			strings.Replace(minimal, "  label: A\n", "", 1), []string{"a.yaml:5: spec: The field label is missing."},
		},
		"a URL":           {strings.Replace(minimal, "https://a.example.com/", "ftp://a", 1), []string{"a.yaml:8: spec.request.url: The value is not valid: minLength: got 7, want 8.", "a.yaml:8: spec.request.url: The value does not match the pattern ^https?://.+."}},
		"a rule":          {minimal + "    per: batch\n    body: {json: []}\n", []string{"a.yaml:7: spec.request: Per batch needs batch, and batch needs per batch."}},
		"two bodies":      {minimal + "    body: {multipart: {fileField: a}, file: {}}\n", []string{"a.yaml:9: spec.request.body: Set one of json, file and multipart."}},
		"a name twice":    {minimal + "  params: [{name: a}, {name: b}, {name: a}]\n", []string{"a.yaml:9: spec.params[2].name: The name is used twice."}},
		"a field twice":   {minimal + "    url: https://b.example.com/\n", []string{"a.yaml:9: spec.request.url: The field is set twice."}},
		"an alias":        {minimal + "    query: {a: &x y, b: *x}\n", []string{"a.yaml:9: spec.request.query.a: Anchors and aliases are not supported."}},
		"not a number":    {minimal + "    maxRows: .nan\n", []string{`a.yaml:9: spec.request.maxRows: ".nan" is not a value of JSON. Put text in quotes.`}},
		"a long list":     {minimal + "  types: [cell, query, cell]\n", []string{"a.yaml:9: spec.types: The value is not valid: items at 0 and 2 are equal."}},
		"nested too deep": {minimal + "    body: {json: " + strings.Repeat("[", 70) + strings.Repeat("]", 70) + "}\n", []string{"a.yaml:9: spec.request.body.json" + strings.Repeat("[0]", 61) + ": The file is nested more than 64 levels deep."}},
		"too large":       {minimal + "# " + strings.Repeat("x", manifest.MaxBytes), []string{"a.yaml: The file has more than 262144 bytes."}},
		"too many values": {minimal + "    body: {json: [" + strings.Repeat("1,", 20_000) + "]}\n", []string{"a.yaml:9: The file has more than 20000 values."}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := manifest.Parse("a.yaml", []byte(tt.text))
			problems, _ := err.(manifest.Problems) //nolint:errorlint // it returns no other
			var got []string
			for _, p := range problems {
				got = append(got, p.String())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}
