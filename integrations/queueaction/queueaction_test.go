package queueaction_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/queueaction"
)

var wanted = map[string]string{"CHILD_TEST": "true"}

func TestNotWanted(t *testing.T) {
	t.Parallel()
	_, err := queueaction.New(actiontest.Deps(t, nil, nil))
	missing, ok := errors.AsType[*action.MissingSettingsError](err)
	if !ok {
		t.Fatalf("error %v has another type", err)
	}
	if got, want := len(missing.Keys), 1; got != want {
		t.Errorf("%d missing settings, want %d", got, want)
	}
	if got, want := missing.Keys[0], "CHILD_TEST"; got != want {
		t.Errorf("missing setting %q, want %q", got, want)
	}
}

func TestExecute(t *testing.T) {
	t.Parallel()
	const fails = "The data requests a failed delivery."
	for name, tt := range map[string]struct{ data, message string }{
		"a success":        {`{"success":true}`, ""},
		"a failure":        {`{"success":false}`, fails},
		"no verdict":       {`{}`, fails},
		"invalid verdict":  {`{"success":"true"}`, "Nope"},
		"not JSON":         {`yes`, "Nope"},
		"more than a JSON": {`{"success":true}{`, "Nope"},
		"nothing":          {``, "Nope"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := actiontest.New(t, queueaction.New, actiontest.Deps(t, nil, wanted))
			res, err := i.Execute(t.Context(), actiontest.Inline(t, actiontest.Query(nil, nil), "text/plain", "txt", []byte(tt.data)))
			if tt.message == "" {
				if diff := cmp.Diff(&action.Response{}, res); diff != "" || err != nil {
					t.Errorf("%v, response (-want +got):\n%s", err, diff)
				}
				return
			}
			if action.MessageOf(err) != tt.message || action.KindOf(err) != action.Invalid {
				t.Errorf("error %v, want %q", err, tt.message)
			}
		})
	}
}
