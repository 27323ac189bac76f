package catalog_test

import (
	"context"
	"log/slog"
	"maps"
	"slices"
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

// An integration with another name than its registration is the program's error.
func TestOtherName(t *testing.T) {
	t.Parallel()
	registered := []action.Registration{registration("a", named("b"), nil)}
	_, err := catalog.New(registered, config.Config{}, action.Deps{Log: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), `creating integration a: its definition is named differently: "b"`) {
		t.Errorf("error %v", err)
	}
}

type acmeSettings struct {
	MaxRows int           `env:"ACME_MAX_ROWS"`
	Token   action.Secret `env:"ACME_TOKEN"`
	Fast    bool          `env:"ACME_FAST"`
	Region  string        `env:"AWS_REGION"`
}

// acme reads settings.
func acme(name string) action.Registration {
	return action.Registration{Name: name, New: func(deps action.Deps) (action.Integration, error) {
		_, err := action.Settings[acmeSettings](deps)
		return named(name), err
	}}
}

// What is wrong in the configuration without keeping the hub from running.
func TestProblems(t *testing.T) {
	t.Parallel()
	registered := []action.Registration{acme("acme_crm"), registration("slack", named("slack"), nil)}
	for name, tt := range map[string]struct {
		env         map[string]string
		names       []string
		unavailable map[string]string
		problems    []string
		strictError string
		strictNames []string
	}{
		"fine": {
			env:   map[string]string{"ACME_MAX_ROWS": "7", "ACME_FAST": "Yes", "AWS_ROLE_ARN": "x", "PATH": "/bin", "ACME_CRM_SERVICE_HOST": "10.0.0.1"},
			names: []string{"acme_crm", "slack"}, unavailable: map[string]string{},
		},
		"invalid settings": {
			env:   map[string]string{"ACME_MAX_ROWS": "lots", "ACME_FAST": "maybe", "ACME_TOKEN": "s3cret"},
			names: []string{"slack"},
			unavailable: map[string]string{
				"acme_crm": "invalid settings: ACME_MAX_ROWS must be a whole number such as 100; ACME_FAST must be true or false",
			},
			problems: []string{
				`acme_crm is not available: ACME_MAX_ROWS is "lots", but must be a whole number such as 100; ACME_FAST is "maybe", but must be true or false`,
			},
		},
		"unknown settings": {
			env:   map[string]string{"ACME_MAX_ROW": "7", "ACME_COLOR": "red", "AME_TOKEN": "x", "ACTION_HUB_EGRESS_DENY_CIDR": "10.0.0.0/8"},
			names: []string{"acme_crm", "slack"}, unavailable: map[string]string{},
			problems: []string{
				"there is no setting ACME_COLOR",
				"there is no setting ACME_MAX_ROW, did you mean ACME_MAX_ROWS?",
				"there is no setting ACTION_HUB_EGRESS_DENY_CIDR, did you mean ACTION_HUB_EGRESS_DENY_CIDRS?",
				"there is no setting AME_TOKEN, did you mean ACME_TOKEN?",
			},
			strictError: "there is no setting ACTION_HUB_EGRESS_DENY_CIDR, did you mean ACTION_HUB_EGRESS_DENY_CIDRS?",
		},
		"an unknown setting of an integration": {
			env:   map[string]string{"ACME_MAX_ROW": "7"},
			names: []string{"acme_crm", "slack"}, unavailable: map[string]string{},
			problems:    []string{"there is no setting ACME_MAX_ROW, did you mean ACME_MAX_ROWS?"},
			strictNames: []string{"slack"},
		},
		"an operator's newer setting": {
			env:   map[string]string{"ACTION_HUB_NEWER": "7", "ACTION_HUB_KNOWN_SETTINGS": "ACTION_HUB_NEWER"},
			names: []string{"acme_crm", "slack"}, unavailable: map[string]string{},
		},
		"names": {
			env:   map[string]string{"ACTION_WHITELIST": " slack, ,acme-crm,", "ACTION_HUB_DISABLED_INTEGRATIONS": "tray"},
			names: []string{"slack"}, unavailable: map[string]string{"acme_crm": "not enabled"},
			problems: []string{
				`ACTION_HUB_DISABLED_INTEGRATIONS: there is no integration named "tray"`,
				`ACTION_WHITELIST: there is no integration named "acme-crm", did you mean acme_crm?`,
			},
		},
		"only commas": {
			env: map[string]string{"ACTION_WHITELIST": " , "}, names: []string{},
			unavailable: map[string]string{"acme_crm": "not enabled", "slack": "not enabled"},
			problems:    []string{"ACTION_WHITELIST does not enable any integration"},
		},
		"encryption of tokens": {
			env:   map[string]string{"ENCRYPT_PAYLOAD_SLACK": "maybe", "ENCRYPT_PAYLOAD_SLAK": "true"},
			names: []string{"acme_crm"}, unavailable: map[string]string{"slack": "invalid settings: ENCRYPT_PAYLOAD_SLACK must be true or false"},
			problems: []string{
				`slack is not available: ENCRYPT_PAYLOAD_SLACK is "maybe", but must be true or false`,
				"there is no setting ENCRYPT_PAYLOAD_SLAK, did you mean ENCRYPT_PAYLOAD_SLACK?",
			},
			strictError: "there is no setting ENCRYPT_PAYLOAD_SLAK, did you mean ENCRYPT_PAYLOAD_SLACK?",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, strict := range []string{"", "true"} {
				environment := map[string]string{
					"ACTION_HUB_BASE_URL": "https://hub.example.com", "ACTION_HUB_LABEL": "Hub", "ACTION_HUB_SECRET": "test-secret-of-the-hub",
					"ACTION_HUB_STRICT": strict,
				}
				maps.Copy(environment, tt.env)
				cfg, err := config.Load(environment)
				if err != nil {
					t.Fatal(err)
				}
				c, err := catalog.New(registered, cfg, action.Deps{Env: environment, Log: slog.New(slog.DiscardHandler)})
				if strict != "" && tt.strictError != "" {
					if err == nil || err.Error() != tt.strictError {
						t.Errorf("strict: error %v, want %q", err, tt.strictError)
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				names := tt.names
				if strict != "" && tt.strictNames != nil {
					names = tt.strictNames
				} else if diff := cmp.Diff(tt.unavailable, c.Unavailable); diff != "" {
					t.Errorf("unavailable (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(names, c.Names()); diff != "" {
					t.Errorf("strict %q: available (-want +got):\n%s", strict, diff)
				}
				var problems []string
				for _, p := range c.Problems {
					problems = append(problems, p.Error())
				}
				slices.Sort(problems)
				if diff := cmp.Diff(tt.problems, problems); diff != "" {
					t.Errorf("problems (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// partial has two required settings and an optional one.
func partial(name string) action.Registration {
	return action.Registration{Name: name, Category: "CRM", README: "<p>Docs.</p>", New: func(deps action.Deps) (action.Integration, error) {
		_, err := action.Settings[struct {
			ID  string `env:"PARTIAL_ID,required,notEmpty"`
			Key string `env:"PARTIAL_KEY,required,notEmpty"`
			Max int    `env:"PARTIAL_MAX"`
		}](deps)
		return named(name), err
	}}
}

// An integration that somebody meant to enable is a fault; one that is only not configured is not.
func TestDescriptions(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		env     map[string]string
		reason  string
		fault   bool
		notices int
	}{
		"available":                {env: map[string]string{"PARTIAL_ID": "1", "PARTIAL_KEY": "s3cret"}},
		"not configured":           {reason: "missing settings: PARTIAL_ID, PARTIAL_KEY"},
		"half configured":          {env: map[string]string{"PARTIAL_ID": "1"}, reason: "missing settings: PARTIAL_KEY", fault: true},
		"an optional setting":      {env: map[string]string{"PARTIAL_MAX": "1"}, reason: "missing settings: PARTIAL_ID, PARTIAL_KEY"},
		"enabled, not configured":  {env: map[string]string{"ACTION_WHITELIST": "partial"}, reason: "missing settings: PARTIAL_ID, PARTIAL_KEY", fault: true},
		"not in the list":          {env: map[string]string{"ACTION_WHITELIST": "other", "PARTIAL_ID": "1"}, reason: "not enabled"},
		"an invalid setting":       {env: map[string]string{"PARTIAL_MAX": "s3cret"}, reason: "invalid settings: PARTIAL_MAX must be a whole number such as 100", fault: true},
		"an unknown setting":       {env: map[string]string{"PARTIAL_ID": "1", "PARTIAL_KEY": "2", "PARTIAL_MAXX": "s3cret", "ACTION_HUB_STRICT": "true"}, reason: "unknown settings: PARTIAL_MAXX, did you mean PARTIAL_MAX?", fault: true, notices: 1},
		"an unknown name, lenient": {env: map[string]string{"ACTION_WHITELIST": "partial,partail", "PARTIAL_ID": "1", "PARTIAL_KEY": "s3cret"}, notices: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			environment := map[string]string{
				"ACTION_HUB_BASE_URL": "https://hub.example.com", "ACTION_HUB_LABEL": "Hub", "ACTION_HUB_SECRET": "test-secret-of-the-hub",
			}
			maps.Copy(environment, tt.env)
			cfg, err := config.Load(environment)
			if err != nil {
				t.Fatal(err)
			}
			c, err := catalog.New([]action.Registration{registration("other", named("other"), nil), partial("partial")}, cfg,
				action.Deps{Env: environment, Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			d := c.Descriptions()[1]
			if d.Unavailable != tt.reason || d.Fault != tt.fault || d.Resolved.Definition.Name != "partial" || d.Category != "CRM" || d.README == "" {
				t.Errorf("%+v", d)
			}
			if diff := cmp.Diff([]string{"PARTIAL_ID", "PARTIAL_KEY"}, d.Required); diff != "" {
				t.Errorf("required:\n%s", diff)
			}
			if diff := cmp.Diff([]string{"PARTIAL_MAX"}, d.Optional); diff != "" {
				t.Errorf("optional:\n%s", diff)
			}
			if got := c.Notices(); len(got) != tt.notices || strings.Contains(strings.Join(got, " "), "s3cret") {
				t.Errorf("notices %q", got)
			}
		})
	}
}
