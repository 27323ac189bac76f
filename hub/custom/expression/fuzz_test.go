package expression_test

import (
	"encoding/json"
	"iter"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/custom/expression"
	"integrationhub.dev/hub/outbound"
)

var scope = expression.Scope{
	Variables: []string{"params", "form", "plan", "row", "rows", "columns", "body", "text", "status"},
	Members:   map[string][]string{"params": {"a"}, "form": {"a", "b"}},
	PerRow:    true,
}

const secretCell = "s3cret-cell-v4lue"

// vars are the variables of a row with cells of all kinds. One of them is not to be shown.
func vars() expression.Vars {
	columns := []action.Column{{Name: "c.a", Label: "A", Tags: []string{"tag"}}, {Name: "c.b", Label: "B"}, {Name: "c.c"}}
	cells := []string{`{"value":"` + secretCell + `"}`, `{"value":12345678901234567890123,"rendered":"x"}`, `{"value":[1,{"a":null}]}`}
	row := make([]action.Cell, len(cells))
	for i, text := range cells {
		row[i] = action.NewCell(jsontext.Value(text))
	}
	none := iter.Seq2[action.Row, error](func(func(action.Row, error) bool) {})
	c := expression.NewColumns(action.NewTable(columns, nil, none))
	r := c.Row(action.NewRow(row))
	return expression.Vars{
		"params": map[string]string{"a": secretCell}, "form": map[string]string{"a": "1", "b": secretCell}, "plan": map[string]string{"title": "T"},
		"row": r, "rows": []any{r, r}, "columns": c.List(), "body": expression.FromJSON([]byte(`{"list":[1,2.5,"x",null,{"a":[]}]}`)),
		"text": secretCell, "status": 200,
	}
}

// Whatever an author writes, it compiles or has a reason; whatever a row has, the result is valid JSON within the
// limit, or an error without any value.
func FuzzTemplate(f *testing.F) {
	for _, text := range []string{
		`{"a":"${row.tag.tag}","b":["${row.name['c.b']}", 1.50]}`, `"${int(row.label.A)}"`, `"${row}"`, `["${row.name}","${row.rendered}"]`,
		`"${rows.map(r, r.name['c.a'] + 1)}"`, `"$${x} ${'}'} ${r'\\'}"`, `"${body.list.map(x, x.a)}"`, `"${text.split('').map(x, text.split(''))}"`,
		`"${optional.none()}"`, `"${json.encode(rows)}"`, `"${timestamp(text)}"`, `"${duration(text)}"`, `"${text.matches(text)}"`, `"${'%.20f'.format([1.0])}"`,
		`{"a":{"a":{"a":[[[[["${[[[[[1]]]]]}"]]]]]}}}`, `"${base64.decode(text)}"`, `"${{text: 1}[form.b + 'x']}"`, `"${row.?tag.x.orValue(1)}"`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		template, problems := expression.CompileTemplate(text, scope, false)
		if len(problems) > 0 {
			for _, p := range problems {
				if p.Err.Error() == "" {
					t.Errorf("%q: a problem without a reason", text)
				}
			}
			return
		}
		const limit = 1 << 16
		out, err := template.Render(vars(), limit)
		switch {
		case err != nil:
			if strings.Contains(err.Error(), "s3cret") && !strings.Contains(string(text), "s3cret") {
				t.Errorf("%q: the error has a value: %v", text, err)
			}
		case len(out) > limit:
			t.Errorf("%q: %d bytes", text, len(out))
		case !json.Valid(out):
			t.Errorf("%q: %s is not valid JSON", text, out)
		}
	})
}

// A user's value never changes the host, and is one segment of the path.
func FuzzURL(f *testing.F) {
	for _, value := range []string{"a", "..", ".", "a/b", "a?b#c", "%2e%2e", "a\\b", "@evil.example.org", "x.evil.example.org/", "é", "\x00", "a b", ""} {
		f.Add(value, "a")
		f.Add("a", value)
	}
	hosts := []outbound.HostPattern{"*.example.com"}
	u, err := expression.CompileURL("https://${form.a}.example.com/v1/${form.b}:go/x", hosts, scope)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, host, segment string) {
		text, err := u.Eval(expression.Vars{"form": map[string]string{"a": host, "b": segment}})
		if err != nil {
			return
		}
		rest, ok := strings.CutPrefix(text, "https://"+strings.ToLower(host)+".example.com/v1/")
		if !ok || strings.Count(rest, "/") != 1 || !strings.HasSuffix(rest, ":go/x") || strings.ContainsAny(rest, "?#\\ ") {
			t.Errorf("host %q, segment %q: %s", host, segment, text)
		}
	})
}
