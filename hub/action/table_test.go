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

// A cell whose value was found by the row's decoder is like any other cell; what cannot be the place of
// a value is ignored.
func TestCellWithValue(t *testing.T) {
	t.Parallel()
	raw := jsontext.Value(`{"rendered":"1.0","value":1}`)
	for _, place := range [][2]int{{26, 27}, {0, 0}, {-1, 27}, {27, 26}, {26, 29}} {
		cell := action.NewCellWithValue(raw, place[0], place[1])
		if cell.Missing() || string(cell.Raw()) != string(raw) || cell.Text() != "1" || cell.Rendered() != "1.0" {
			t.Errorf("with the value at %v: %s, %q, %q", place, cell.Raw(), cell.Text(), cell.Rendered())
		}
		if appended := append(cell.Value(), 'x'); string(cell.Raw()) != string(raw) {
			t.Errorf("appending to the value %s changed the cell to %s", appended, cell.Raw())
		}
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
