package sagemaker

import (
	"strconv"
	"strings"

	"integrationhub.dev/hub/action"
)

// Number is the answer to a field that asks for a whole number within bounds.
type Number struct {
	Field    string
	Min, Max int
	// Default counts where nothing was answered; 0 makes the answer required.
	Default int
}

// Read returns the number, or the reference's words for what is wrong with it.
func (n Number) Read(form map[string]string) (int, error) {
	text := strings.TrimSpace(form[n.Field])
	if text == "" && n.Default != 0 {
		return n.Default, nil
	}
	v, err := strconv.Atoi(text)
	switch {
	case text == "":
		return 0, action.InvalidField(n.Field, "Missing required param: %s.", n.Field)
	case err != nil:
		return 0, action.InvalidField(n.Field, "Param %s must be a whole number.", n.Field)
	case v < n.Min || v > n.Max:
		return 0, action.InvalidField(n.Field, "Param %s: %d is out of range: %d - %d", n.Field, v, n.Min, n.Max)
	}
	return v, nil
}
