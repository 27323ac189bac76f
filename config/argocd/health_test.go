package argocd_test

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

// Argo CD runs the health check with this interpreter, with the object as obj.
func TestHealth(t *testing.T) {
	t.Parallel()
	script, err := os.ReadFile("health.lua")
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ status, want, message string }{
		"new":               {status: `nil`, want: "Progressing", message: "The operator has not observed the spec yet."},
		"no conditions":     {status: `{observedGeneration = 2}`, want: "Progressing", message: "The operator has not observed the spec yet."},
		"ready":             {status: `{observedGeneration = 2, conditions = {{type = "Ready", status = "True", message = "ok"}}}`, want: "Healthy", message: "ok"},
		"an earlier spec":   {status: `{observedGeneration = 1, conditions = {{type = "Ready", status = "True", message = "ok"}}}`, want: "Progressing", message: "The operator has not observed the spec yet."},
		"stalled":           {status: `{observedGeneration = 2, conditions = {{type = "Ready", status = "False", message = "no"}, {type = "Stalled", status = "True", message = "why"}}}`, want: "Degraded", message: "why"},
		"rolled":            {status: `{observedGeneration = 2, conditions = {{type = "Ready", status = "True", message = "ok"}, {type = "Reconciling", status = "True", message = "1 of 2"}}}`, want: "Progressing", message: "1 of 2"},
		"not ready":         {status: `{observedGeneration = 2, conditions = {{type = "Ready", status = "False", message = "no"}}}`, want: "Progressing", message: "no"},
		"paused":            {status: `{observedGeneration = 1, conditions = {{type = "Paused", status = "True", message = "paused"}, {type = "Stalled", status = "True", message = "why"}}}`, want: "Suspended", message: "paused"},
		"not checked":       {status: `{observedGeneration = 2, conditions = {{type = "Ready", status = "Unknown", message = "later"}}}`, want: "Progressing", message: "later"},
		"deletion blocked":  {status: `{observedGeneration = 2, conditions = {{type = "Registered", status = "True", message = "was"}, {type = "Ready", status = "False", message = "no"}, {type = "Stalled", status = "True", message = "blocked"}}}`, want: "Degraded", message: "blocked"},
		"not selected":      {status: `{observedGeneration = 2, conditions = {{type = "Valid", status = "True", message = "ok"}, {type = "Ready", status = "False", message = "no hub"}, {type = "Reconciling", status = "True", message = "no hub"}}}`, want: "Progressing", message: "no hub"},
		"no longer stalled": {status: `{observedGeneration = 2, conditions = {{type = "Stalled", status = "False", message = "-"}, {type = "Ready", status = "True", message = "ok"}}}`, want: "Healthy", message: "ok"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			state := lua.NewState()
			defer state.Close()
			if err := state.DoString(`obj = {metadata = {generation = 2}, status = ` + tt.status + `}`); err != nil {
				t.Fatal(err)
			}
			if err := state.DoString(string(script)); err != nil {
				t.Fatal(err)
			}
			health, ok := state.Get(-1).(*lua.LTable)
			if !ok {
				t.Fatalf("the script returns %v", state.Get(-1))
			}
			if got := health.RawGetString("status").String(); got != tt.want {
				t.Errorf("health %s, want %s", got, tt.want)
			}
			if got := health.RawGetString("message").String(); got != tt.message {
				t.Errorf("message %q, want %q", got, tt.message)
			}
		})
	}
}

// The README's command sets the health check of every kind of the operator, under Argo CD's key.
func TestHealthOfEveryKind(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(readme), "{data: (\n")
	list, _, found := strings.Cut(list, "| map({key: \"resource.customizations.health.hub.integrationhub.dev_\\(.)\"")
	if !found {
		t.Fatal("README.md has no command that sets the health check")
	}
	var kinds []string
	if err := json.Unmarshal([]byte(list), &kinds); err != nil {
		t.Fatalf("the kinds in README.md: %v", err)
	}
	slices.Sort(kinds)
	if want := slices.Sorted(maps.Keys(schemas(t))); !slices.Equal(kinds, want) {
		t.Errorf("README.md sets the health check of %q, want that of all kinds %q", kinds, want)
	}
}
