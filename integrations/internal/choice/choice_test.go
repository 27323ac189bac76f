package choice_test

import (
	"testing"

	"integrationhub.dev/integrations/internal/choice"
)

type color string

func TestParse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		allowed    []color
		want       color
		wantError  string
	}{
		{name: "first", text: "red", allowed: []color{"red", "green"}, want: "red"},
		{name: "last", text: "green", allowed: []color{"red", "green"}, want: "green"},
		{name: "other case", text: "Red", allowed: []color{"red", "green"}, wantError: "must be red or green"},
		{name: "one value", text: "blue", allowed: []color{"red"}, wantError: "must be red"},
		{name: "three values", text: "blue", allowed: []color{"red", "green", "gray"}, wantError: "must be red, green or gray"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got color
			err := choice.Parse(&got, tt.text, tt.allowed...)
			if got != tt.want {
				t.Errorf("value %q, want %q", got, tt.want)
			}
			var message string
			if err != nil {
				message = err.Error()
			}
			if message != tt.wantError {
				t.Errorf("error %q, want %q", message, tt.wantError)
			}
		})
	}
}
