package action_test

import (
	"testing"

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
