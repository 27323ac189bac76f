package catalog_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/catalog"
	"integrationhub.dev/hub/config"
)

// named is an integration that has only a name.
type named string

func (n named) Definition() action.Definition { return action.Definition{Name: string(n)} }

func (named) Execute(context.Context, *action.Request) (*action.Response, error) { return nil, nil } //nolint:nilnil // never called

func registration(name string, i action.Integration, err error) action.Registration {
	return action.Registration{Name: name, New: func(action.Deps) (action.Integration, error) { return i, err }}
}

func TestUnavailable(t *testing.T) {
	t.Parallel()
	registered := []action.Registration{
		registration("a", named("a"), nil), registration("b", named("b"), nil),
		registration("c", nil, &action.MissingSettingsError{Keys: []string{"C_KEY"}}),
	}
	for name, tt := range map[string]struct {
		config      config.Config
		names       []string
		unavailable map[string]string
	}{
		"everything": {
			names: []string{"a", "b"}, unavailable: map[string]string{"c": "missing settings: C_KEY"},
		},
		"some are enabled": {
			config: config.Config{Enabled: []string{"a", "c"}},
			names:  []string{"a"}, unavailable: map[string]string{"b": "not enabled", "c": "missing settings: C_KEY"},
		},
		"one is disabled": {
			config: config.Config{Disabled: []string{"a", "gone"}},
			names:  []string{"b"}, unavailable: map[string]string{"a": "not enabled", "c": "missing settings: C_KEY"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := catalog.New(registered, tt.config, action.Deps{Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.names, c.Names()); diff != "" {
				t.Errorf("available (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.unavailable, c.Unavailable); diff != "" {
				t.Errorf("unavailable (-want +got):\n%s", diff)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	deps := action.Deps{Log: slog.New(slog.DiscardHandler)}
	registered := []action.Registration{registration("a", named("b"), nil)}
	_, err := catalog.New(registered, config.Config{Enabled: []string{"a", "nope"}}, deps)
	for _, want := range []string{`no integration is named "nope"`, `creating integration a: its definition is named "b"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %s: %v", want, err)
		}
	}
}
