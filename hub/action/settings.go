package action

import (
	"errors"
	"fmt"
	"slices"

	"github.com/caarlos0/env/v11"
)

// Settings reads an integration's settings from the environment into a struct with `env` tags. A
// [*MissingSettingsError] names all missing ones; any other error is an invalid value, with which
// the hub does not start.
func Settings[T any](deps Deps) (T, error) {
	s, err := env.ParseAsWithOptions[T](env.Options{Environment: deps.Env})
	if err == nil {
		return s, nil
	}
	all, ok := errors.AsType[env.AggregateError](err)
	if !ok {
		return s, fmt.Errorf("reading settings: %w", err)
	}
	var missing []string
	for _, e := range all.Errors {
		if unset, ok := errors.AsType[env.VarIsNotSetError](e); ok {
			missing = append(missing, unset.Key)
		} else if empty, ok := errors.AsType[env.EmptyVarError](e); ok {
			missing = append(missing, empty.Key)
		} else {
			return s, fmt.Errorf("reading settings: %w", e)
		}
	}
	slices.Sort(missing)
	return s, &MissingSettingsError{Keys: missing}
}
