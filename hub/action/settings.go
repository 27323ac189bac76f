package action

import (
	"cmp"
	"encoding"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

// Settings reads an integration's settings from the environment into a struct with `env` tags. A
// [*MissingSettingsError] names all missing ones, and an [*InvalidSettingsError] all invalid ones. In
// both cases the hub does not offer the integration.
func Settings[T any](deps Deps) (T, error) {
	if deps.Declare != nil {
		deps.Declare(SettingNames[T]())
	}
	return ParseSettings[T](deps.Env)
}

// SettingNames returns the variables of a struct with `env` tags.
func SettingNames[T any]() []string {
	var names []string
	for _, s := range settingsOf(reflect.TypeFor[T]()) {
		names = append(names, s.name)
	}
	return names
}

// ParseSettings reads a struct with `env` tags from an environment, like [Settings].
func ParseSettings[T any](environment map[string]string) (T, error) {
	var s T
	err := parseSettings(&s, reflect.TypeFor[T](), environment)
	return s, err
}

// parseSettings is not generic, since the compiler would repeat it for each integration. The pointer s
// leads to a struct of the type t.
func parseSettings(s any, t reflect.Type, environment map[string]string) error {
	parsers := map[reflect.Type]env.ParserFunc{
		reflect.TypeFor[bool](): func(text string) (any, error) { return ParseBool(text) },
	}
	if environment == nil { // for the library, that is the process's own environment
		environment = map[string]string{}
	}
	err := env.ParseWithOptions(s, env.Options{Environment: environment, FuncMap: parsers})
	if err == nil {
		return nil
	}
	all, ok := errors.AsType[env.AggregateError](err)
	if !ok {
		return fmt.Errorf("reading settings: %w", err)
	}
	known := settingsOf(t)
	var missing []string
	invalid := &InvalidSettingsError{}
	for _, e := range all.Errors {
		if unset, ok := errors.AsType[env.VarIsNotSetError](e); ok {
			missing = append(missing, unset.Key)
		} else if empty, ok := errors.AsType[env.EmptyVarError](e); ok {
			missing = append(missing, empty.Key)
		} else if parse, ok := errors.AsType[env.ParseError](e); ok {
			i := slices.IndexFunc(known, func(s setting) bool { return s.field == parse.Name })
			if i < 0 {
				return fmt.Errorf("reading settings: %w", e)
			}
			invalid.Settings = append(invalid.Settings, known[i].invalid(environment, parse.Err))
		} else {
			return fmt.Errorf("reading settings: %w", e)
		}
	}
	if len(invalid.Settings) > 0 {
		return invalid
	}
	slices.Sort(missing)
	return &MissingSettingsError{Keys: missing}
}

// ParseBool reads a boolean: true, yes, on or 1, or false, no, off or 0, in any case.
func ParseBool(text string) (bool, error) {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "true", "yes", "on", "1":
		return true, nil
	case "false", "no", "off", "0":
		return false, nil
	}
	return false, errors.New("must be true or false")
}

// setting is a field with an `env` tag.
type setting struct {
	field, name, defaultValue string

	kind reflect.Type
}

// settingsOf returns the settings of a struct and of the structs in it.
func settingsOf(t reflect.Type) []setting {
	var all []setting
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("env"), ",")
		switch {
		case name != "":
			all = append(all, setting{field: f.Name, name: name, defaultValue: f.Tag.Get("envDefault"), kind: f.Type})
		case f.Type.Kind() == reflect.Struct:
			all = append(all, settingsOf(f.Type)...)
		}
	}
	return all
}

func (s setting) invalid(environment map[string]string, err error) InvalidSettingError {
	invalid := InvalidSettingError{Name: s.name, Value: environment[s.name], Reason: s.reason(err), Secret: s.kind == reflect.TypeFor[Secret]()}
	if invalid.Value == "" { // an alias or a default
		invalid.Value = s.defaultValue
	}
	return invalid
}

// reason completes a sentence that begins with the variable's name. A type with UnmarshalText
// has its own reason, unless it is not the project's.
func (s setting) reason(err error) string {
	kind, several := s.kind, ""
	if kind.Kind() == reflect.Slice && !reflect.PointerTo(kind).Implements(textUnmarshaler) {
		kind, several = kind.Elem(), ", or several, separated by commas"
	}
	example := func(text string) string { return " such as " + cmp.Or(s.defaultValue, text) + several }
	switch kind {
	case reflect.TypeFor[bool]():
		return "must be true or false"
	case reflect.TypeFor[time.Duration]():
		return "must be a duration" + example("30s, 15m or 1h")
	case reflect.TypeFor[netip.Prefix]():
		return "must be an IP range" + example("10.0.0.0/8")
	case reflect.TypeFor[slog.Level]():
		return "must be debug, info, warn or error"
	}
	if reflect.PointerTo(kind).Implements(textUnmarshaler) {
		return err.Error()
	}
	switch kind.Kind() { //nolint:exhaustive // numbers
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return "must be a whole number" + example("100")
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "must be a whole number of at least 0" + example("100")
	case reflect.Float32, reflect.Float64:
		return "must be a number" + example("0.5")
	}
	return "is not valid"
}

var textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()

// maxValue is the maximum length of a value in an error.
const maxValue = 100

// InvalidSettingError is a setting with an invalid value.
type InvalidSettingError struct {
	Name, Value string
	// Reason completes a sentence that begins with the name, such as "must be true or false".
	Reason string
	// Secret keeps the value out of errors.
	Secret bool
}

// Error is for the log: it has the value, unless that is secret.
func (s InvalidSettingError) Error() string {
	if s.Secret || s.Value == "" || looksSecret(s.Name, s.Value) {
		return s.public()
	}
	value := s.Value
	if len(value) > maxValue {
		value = value[:maxValue] + "…"
	}
	return fmt.Sprintf("%s is %q, but %s", s.Name, value, s.Reason)
}

// looksSecret reports whether a value may have credentials although its type says nothing: those in a URL, and what
// a name calls a key, a secret, a token or a password.
func looksSecret(name, value string) bool {
	if strings.Contains(value, "://") && strings.Contains(value, "@") {
		return true
	}
	return slices.ContainsFunc([]string{"KEY", "SECRET", "TOKEN", "PASSWORD", "DSN"}, func(word string) bool {
		return strings.Contains(name, word)
	})
}

func (s InvalidSettingError) public() string {
	if strings.HasPrefix(s.Reason, "must ") {
		return s.Name + " " + s.Reason
	}
	return s.Name + ": " + s.Reason
}

// InvalidSettingsError names the invalid settings of an integration or of the hub.
type InvalidSettingsError struct{ Settings []InvalidSettingError }

// Error is for the log.
func (e *InvalidSettingsError) Error() string {
	messages := make([]string, len(e.Settings))
	for i, s := range e.Settings {
		messages[i] = s.Error()
	}
	return strings.Join(messages, "; ")
}

// Public is the error without the values.
func (e *InvalidSettingsError) Public() string {
	messages := make([]string, len(e.Settings))
	for i, s := range e.Settings {
		messages[i] = s.public()
	}
	return "invalid settings: " + strings.Join(messages, "; ")
}
