package sagemaker

import (
	"strconv"
	"strings"

	"integrationhub.dev/hub/action"
)

// Number is a form's field for a whole number.
type Number struct {
	Field    string
	Min, Max int
	// Default is the value of an empty field; 0 makes the field required.
	Default int
}

// Read returns the number. Its errors are the reference's messages.
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
