// Package choice holds what integrations share whose forms let a user choose one of several values.
package choice

import (
	"errors"
	"slices"
	"strings"
)

// Parse sets value to the allowed one that text stands for. It is for UnmarshalText of types whose
// values are known, so its error completes a sentence such as `"overwrite" must be yes or no`.
func Parse[T ~string](value *T, text string, allowed ...T) error {
	if !slices.Contains(allowed, T(text)) {
		return errors.New("must be " + list(allowed))
	}
	*value = T(text)
	return nil
}

// list writes values as "a", "a or b" and "a, b or c".
func list[T ~string](values []T) string {
	texts := make([]string, len(values))
	for n, v := range values {
		texts[n] = string(v)
	}
	last := len(texts) - 1
	if last < 1 {
		return strings.Join(texts, "")
	}
	return strings.Join(texts[:last], ", ") + " or " + texts[last]
}
