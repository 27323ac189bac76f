// Package migrate says what will differ for a team that moves from the reference hub: what its environment
// means here, and what its schedules can notice.
package migrate

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/catalog"
	"integrationhub.dev/hub/config"
)

// Level is how much a finding matters.
type Level string

// The levels. A blocker keeps the hub from starting or an integration from being offered. An action is something to
// do. A change is a difference that schedules can notice.
const (
	Blocker Level = "blocker"
	Action  Level = "action"
	Change  Level = "change"
)

// Finding is a difference. It has names of variables, and never their values.
type Finding struct {
	Level   Level  `json:"level"`
	Message string `json:"message"`
}

// Integration is what changes for an integration that the reference offers with the environment.
type Integration struct {
	Name string `json:"name"`
	// Offered reports whether this hub offers it, too.
	Offered  bool      `json:"offered"`
	Findings []Finding `json:"findings,omitempty"`
}

// Report is the outcome of a check.
type Report struct {
	Hub          []Finding     `json:"hub,omitempty"`
	Integrations []Integration `json:"integrations"`
	// New are integrations that the reference does not offer and that this hub would.
	New []string `json:"new,omitempty"`
	// Whitelist reports whether the environment lists the integrations to offer.
	Whitelist bool `json:"whitelist,omitempty"`
}

// Blocked reports whether there is a blocker.
func (r Report) Blocked() bool {
	blocks := func(f Finding) bool { return f.Level == Blocker }
	return slices.ContainsFunc(r.Hub, blocks) ||
		slices.ContainsFunc(r.Integrations, func(i Integration) bool { return slices.ContainsFunc(i.Findings, blocks) })
}

// Check compares what the reference and this hub make of an environment. It does no I/O.
func Check(environment map[string]string, registered []action.Registration) (Report, error) {
	r := Report{Hub: general(environment), Integrations: []Integration{}}
	cfg, errs := load(environment)
	for problem := range problems(errs) {
		r.Hub = append(r.Hub, Finding{Blocker, problem})
	}
	// The settings of integrations are checked also if the hub's are not complete. Unknown names are notices.
	cfg.Strict = false
	c, err := catalog.New(registered, cfg, action.Deps{Env: environment, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return r, fmt.Errorf("reading the integrations' settings: %w", err)
	}
	for _, notice := range c.Notices() {
		r.Hub = append(r.Hub, Finding{Action, notice})
	}
	offered := c.Names()
	for _, ref := range references {
		if ref.offered(environment) {
			r.Integrations = append(r.Integrations, ref.compare(environment, slices.Contains(offered, ref.name), c.Unavailable[ref.name]))
			offered = slices.DeleteFunc(offered, func(name string) bool { return name == ref.name })
		}
	}
	r.New, r.Whitelist = offered, environment["ACTION_WHITELIST"] != ""
	return r, nil
}

// load reads the hub's configuration, with the defaults in place of values that cannot be read, so that the error
// contains all problems.
func load(environment map[string]string) (config.Config, error) {
	environment = maps.Clone(environment)
	var errs []error
	for {
		cfg, err := config.Load(environment)
		errs = append(errs, err)
		invalid, ok := errors.AsType[*action.InvalidSettingsError](err)
		if !ok {
			return cfg, errors.Join(errs...)
		}
		before := len(environment)
		for _, s := range invalid.Settings {
			delete(environment, s.Name)
		}
		if len(environment) == before { // a former name set it
			return cfg, errors.Join(errs...)
		}
	}
}

// problems yields the lines of an error in the configuration, without the values of settings.
func problems(err error) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		switch joined := err.(type) { //nolint:errorlint // the tree of errors is walked here
		case nil:
		case interface{ Unwrap() []error }:
			for _, e := range joined.Unwrap() {
				for problem := range problems(e) {
					if !yield(problem) {
						return
					}
				}
			}
		case *action.InvalidSettingsError:
			for _, s := range joined.Settings {
				if !yield(public(s)) {
					return
				}
			}
		case action.InvalidSettingError:
			yield(public(joined))
		default:
			yield(err.Error())
		}
	}
}

// public is an error without the setting's value.
func public(s action.InvalidSettingError) string {
	return strings.TrimPrefix((&action.InvalidSettingsError{Settings: []action.InvalidSettingError{s}}).Public(), "invalid settings: ")
}

// offered reports whether the reference offers an integration. Names in its list are not trimmed.
func (ref reference) offered(environment map[string]string) bool {
	for _, variable := range ref.requires {
		if environment[variable] == "" {
			return false
		}
	}
	list := environment["ACTION_WHITELIST"]
	return list == "" || slices.Contains(strings.Split(list, ","), ref.name)
}

func (ref reference) compare(environment map[string]string, offered bool, reason string) Integration {
	i := Integration{Name: ref.name, Offered: offered}
	if !offered {
		i.Findings = append(i.Findings, Finding{Blocker, "It is unavailable: " + reason + "."})
	}
	if ref.name == "google_sheets" && environment["GOOGLE_DRIVE_CLIENT_ID"] == "" {
		i.Findings = append(i.Findings, Finding{
			Change,
			"Users sign in with the client in GOOGLE_SHEET_CLIENT_ID. The reference needed GOOGLE_DRIVE_CLIENT_ID, which is not set.",
		})
	}
	for _, change := range ref.changes {
		i.Findings = append(i.Findings, Finding{Change, change})
	}
	return i
}

// general finds what concerns the hub as a whole.
func general(environment map[string]string) []Finding {
	var all []Finding
	add := func(level Level, format string, args ...any) {
		all = append(all, Finding{level, fmt.Sprintf(format, args...)})
	}
	ignored := config.IgnoredSettings(environment)
	for _, name := range slices.Sorted(maps.Keys(ignored)) {
		add(Action, "Remove %s, which has no effect: %s.", name, ignored[name])
	}
	renamed := config.RenamedSettings(environment)
	for _, name := range slices.Sorted(maps.Keys(renamed)) {
		add(Action, "Rename %s to %s. The former name still works.", name, renamed[name])
	}
	if strings.HasPrefix(environment["ACTION_HUB_BASE_URL"], "http://") {
		add(Action, "ACTION_HUB_BASE_URL begins with http://. Serve the hub over HTTPS, or behind a proxy that terminates TLS.")
	}
	if on, err := action.ParseBool(environment["ACTION_HUB_DEBUG"]); err == nil && !on {
		add(Change, "ACTION_HUB_DEBUG=%s disables debug logging. In the reference, any value enables it.", environment["ACTION_HUB_DEBUG"])
	}
	if environment["CIPHER_MASTER"] != "" {
		add(Change, "Users' sign-ins remain valid, because CIPHER_MASTER decrypts them. New ones have a format that the reference cannot read.")
		add(Action, "Set ACTION_HUB_STATE_FORMAT=reference (spec.userStateFormat: Reference) for as long as you may go back to the reference.")
	}
	proxy := firstSet(environment, "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")
	if proxy != "" && environment["ACTION_HUB_EGRESS_PROXY"] == "" {
		add(Action, "%s is set, but proxies are not used by default. Set ACTION_HUB_EGRESS_PROXY to resolve or trust.", proxy)
	}
	if environment["ACTION_HUB_EGRESS_ALLOW_CIDRS"] == "" {
		add(Action, "Connections to private addresses are blocked. "+
			"If Looker or a destination has a private address, set ACTION_HUB_EGRESS_ALLOW_CIDRS to its range.")
	}
	add(Change, "A result that is truncated, or in which Looker reports an error, fails the delivery. The reference could report success.")
	add(Change, "Deliveries run in parallel. To protect a destination, set ACTION_HUB_MAX_DELIVERIES, which is 32 per pod.")
	return all
}

func firstSet(environment map[string]string, names ...string) string {
	for _, name := range names {
		if environment[name] != "" {
			return name
		}
	}
	return ""
}
