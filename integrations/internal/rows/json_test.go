package rows_test

import (
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/rows"
)

func TestJSONWriter(t *testing.T) {
	t.Parallel()
	w := rows.NewJSONWriter()
	w.Begin()
	w.Text("t", "a\"\xffb")
	w.Bool("b", true)
	w.Texts("s", "x", "y")
	w.Object("o")
	w.Value("n", jsontext.Value(` 12345678901234567890.50 `))
	w.Value("n", jsontext.Value(`{"a":1, "a":"\ud800"}`))
	w.End()
	w.Name("l")
	w.BeginList()
	w.Begin()
	w.End()
	w.EndList()
	w.End()
	got, err := w.Done()
	if want := `{"t":"a\"` + "\ufffd" + `b","b":true,"s":["x","y"],"o":{"n":12345678901234567890.50,"n":{"a":1,"a":"` + "\ufffd" + `"}},"l":[{}]}`; err != nil || string(got) != want {
		t.Errorf("%s, %v; want %s", got, err, want)
	}
}

// After an error the writer begins anew.
func TestJSONWriterFails(t *testing.T) {
	t.Parallel()
	w := rows.NewJSONWriter()
	w.Begin()
	w.Value("v", jsontext.Value(`{`))
	w.Text("t", "x")
	w.End()
	if got, err := w.Done(); action.MessageOf(err) != "A row cannot be written as JSON." || got != nil {
		t.Errorf("%s, %v", got, err)
	}
	w.Begin()
	w.End()
	if got, err := w.Done(); err != nil || string(got) != "{}" {
		t.Errorf("%s, %v", got, err)
	}
}
