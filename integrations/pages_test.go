package integrations_test

import (
	"encoding/json"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
)

// takesAnyAnswer are those whose destinations say all with the status.
var takesAnyAnswer = []string{"debug", "tray", "webhook", "zapier"}

// A web page in place of an answer, as a proxy or a portal sends one, is no success.
func TestPagesAreNotSuccess(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{"as HTML": "text/html; charset=utf-8", "without a type": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				page := echo{200, func(string) string { return "<html><body>Sign in to this network.</body></html>" }, body}
				h := newHubWith(t, slog.New(slog.DiscardHandler), secretSettings(), page)
				for name, r := range requests(t) {
					_, text := ask(t, h, "24.20.41", "/actions/"+name+"/execute", r.body())
					var answer struct {
						Looker struct {
							Success bool   `json:"success"`
							Message string `json:"message"`
						} `json:"looker"`
					}
					if err := json.Unmarshal(text, &answer); err != nil {
						t.Fatalf("%s: %s", name, text)
					}
					if answer.Looker.Success != slices.Contains(takesAnyAnswer, name) {
						t.Errorf("%s: %s", name, text)
					}
				}
			})
		})
	}
}
