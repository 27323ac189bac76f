package action_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"integrationhub.dev/hub/action"
)

// Values become text as a person would write them; bytes that are no UTF-8 cost themselves,
// not the value.
func TestText(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		`"caf` + "\xe9" + ` 1"`: "caf\ufffd 1",
		`"a\u00e4\n"`:           "aä\n",
		`12345678901234567890`:  "12345678901234567890",
		`1.50`:                  "1.50",
		`true`:                  "true",
		`null`:                  "",
		``:                      "",
	} {
		if got := action.Text(jsontext.Value(value)); got != want {
			t.Errorf("%q became %q, want %q", value, got, want)
		}
	}
}

// A row can be a text and the places of its cells.
func TestRowOfText(t *testing.T) {
	t.Parallel()
	const text = `[{"value":2},{"rendered":"1.0","value":1}]`
	row := action.NewRowOfText([]byte(text), []action.CellPlace{{13, 41, 26, 27}, {}, {1, 12, 0, 0}})
	for i, want := range []struct{ raw, value, rendered string }{{`{"rendered":"1.0","value":1}`, "1", "1.0"}, {}, {`{"value":2}`, "2", "2"}, {}} {
		cell := row.Cell(i)
		if string(cell.Raw()) != want.raw || cell.Text() != want.value || cell.Rendered() != want.rendered || cell.Missing() != (want.raw == "") {
			t.Errorf("cell %d: %s, %q, %q, want %+v", i, cell.Raw(), cell.Text(), cell.Rendered(), want)
		}
		_, _ = append(cell.Value(), 'x'), append(cell.Raw(), 'x')
		if string(row.Cell(0).Raw()) != `{"rendered":"1.0","value":1}` || string(row.Cell(2).Raw()) != `{"value":2}` {
			t.Errorf("appending to cell %d changed the row", i)
		}
	}
	if !row.Cell(-1).Missing() {
		t.Error("there is a cell before the first one")
	}
}

// A cell's members are those that a decoder finds.
func FuzzCell(f *testing.F) {
	for _, text := range []string{
		`{"value":"2026-11-23","rendered":"Nov 23"}`,
		" {\t\"value\" : [1, {\"value\": \"]}\\\"\"}] ,\n\"\\u0072endered\":\"x\\\\\", \"value\":null } ",
		`{"value":1.5e3}`, `{"a":{"value":true}}`, `{}`, `[]`, `null`, `"value"`, `{"":0,"value":false}`,
		`{"value`, `{"value":`, `{"value":"`, `{"value":[`, `{"value" "x"}`, `{"`, `{"\`, `{,}`,
	} {
		f.Add(text, "value")
	}
	f.Fuzz(func(t *testing.T, text, name string) {
		cell := action.NewCell(jsontext.Value(text))
		got := cell.Pivot(name).Raw()
		if !jsontext.Value(text).IsValid(jsontext.AllowDuplicateNames(true)) || !utf8.ValidString(name) {
			return // it only has to return
		}
		want := lastMember(t, text, name)
		if string(got) != string(want) {
			t.Errorf("member %q of %q is %q, want %q", name, text, got, want)
		}
	})
}

// lastMember decodes a text, and returns nil if it is not an object with the member.
func lastMember(t *testing.T, text, name string) (found jsontext.Value) {
	t.Helper()
	d := jsontext.NewDecoder(strings.NewReader(text), jsontext.AllowDuplicateNames(true))
	if d.PeekKind() != '{' {
		return nil
	}
	_, err := d.ReadToken()
	for err == nil && d.PeekKind() == '"' {
		var key jsontext.Token
		if key, err = d.ReadToken(); err == nil {
			is := key.String() == name
			var v jsontext.Value
			if v, err = d.ReadValue(); is {
				found = v.Clone()
			}
		}
	}
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return found
}
