package debug_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/debug"
)

var wanted = map[string]string{"ACTION_HUB_DEBUG_ENDPOINT": "yes"}

func TestNotWanted(t *testing.T) {
	t.Parallel()
	for _, env := range []map[string]string{nil, {"ACTION_HUB_DEBUG_ENDPOINT": ""}} {
		_, err := debug.New(actiontest.Deps(t, nil, env))
		missing, ok := errors.AsType[*action.MissingSettingsError](err)
		if !ok || !slices.Equal(missing.Keys, []string{"ACTION_HUB_DEBUG_ENDPOINT"}) {
			t.Errorf("with %v: %v", env, err)
		}
	}
}

func TestForm(t *testing.T) {
	t.Parallel()
	i := actiontest.New(t, debug.New, actiontest.Deps(t, nil, wanted))
	got, err := action.Resolve(i).Form.Form(t.Context(), actiontest.Query(nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	want := &action.Form{Fields: []action.Field{
		{Name: "sleep", Label: "Sleep", Type: action.String},
		{Name: "simulated_download_url", Label: "Simulated Download URL (JSON)", Type: action.String},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("form (-want +got):\n%s", diff)
	}
}

func TestExecute(t *testing.T) {
	t.Parallel()
	const number = "The sleep must be a number of milliseconds."
	for _, tt := range []struct {
		sleep   string
		took    time.Duration
		message string
		failed  bool
	}{
		{"", time.Second, "Completed debug action successfully by doing sleep 1000 ms....", false},
		{" 250 ", 250 * time.Millisecond, "Completed debug action successfully by doing sleep 250 ms....", false},
		{"1.5", 1500 * time.Microsecond, "Completed debug action successfully by doing sleep 1.5 ms....", false},
		{"600000", 10 * time.Minute, "Completed debug action successfully by doing sleep 600000 ms....", false},
		{"0", 0, "Completed debug action successfully by doing .", false},
		{"-1e300", 0, "Completed debug action successfully by doing .", false},
		{"600001", 0, "The longest sleep is 600000 ms.", true},
		{"Inf", 0, "The longest sleep is 600000 ms.", true},
		{"NaN", 0, number, true},
		{"soon", 0, number, true},
	} {
		t.Run(tt.sleep, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				i := actiontest.New(t, debug.New, actiontest.Deps(t, nil, wanted))
				start := time.Now()
				res, err := i.Execute(t.Context(), actiontest.Query(nil, map[string]string{"sleep": tt.sleep}))
				if took := time.Since(start); took != tt.took {
					t.Errorf("took %v, want %v", took, tt.took)
				}
				switch {
				case tt.failed && (action.MessageOf(err) != tt.message || action.KindOf(err) != action.Invalid):
					t.Errorf("error %v, want %q", err, tt.message)
				case !tt.failed && (err != nil || res.Message != tt.message):
					t.Errorf("%+v, %v, want %q", res, err, tt.message)
				}
			})
		})
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		i := actiontest.New(t, debug.New, actiontest.Deps(t, nil, wanted))
		start := time.Now()
		_, err := i.Execute(ctx, actiontest.Query(nil, map[string]string{"sleep": "60000"}))
		if took := time.Since(start); !errors.Is(err, context.Canceled) || took != time.Second {
			t.Errorf("%v after %v", err, took)
		}
	})
}
