package objectstore

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/choice"
)

// Allowed is the hub administrator's list of the buckets that users may write to: names, or patterns with * for
// any characters. The zero value allows all.
type Allowed struct {
	limited bool
	entries []string
}

// ParseAllowed parses names and patterns, separated by commas. valid checks a name. For a pattern, each * is replaced
// by a few letters before.
func ParseAllowed(text string, valid func(name string) error) (Allowed, error) {
	a := Allowed{limited: true}
	for entry := range strings.SplitSeq(text, ",") {
		entry = strings.TrimSpace(entry)
		if entry == "" {
			return Allowed{}, errors.New("an entry is empty")
		}
		if err := valid(strings.ReplaceAll(entry, "*", "aaa")); err != nil {
			return Allowed{}, fmt.Errorf("%q: %w", entry, err)
		}
		a.entries = append(a.entries, entry)
	}
	return a, nil
}

// Within returns the list for one account. Entries can begin with the name or pattern of an account and a slash.
func (a Allowed) Within(account string) Allowed {
	within := Allowed{limited: a.limited}
	for _, entry := range a.entries {
		pattern, rest, found := strings.Cut(entry, "/")
		switch {
		case !found:
			within.entries = append(within.entries, entry)
		case matches(pattern, account):
			within.entries = append(within.entries, rest)
		}
	}
	return within
}

// matches reports whether a name has a pattern's form. Valid entries contain no special character of path.Match
// other than *.
func matches(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return err == nil && ok
}

// includes reports whether users may write to a bucket.
func (a Allowed) includes(name string) bool {
	return !a.limited || slices.ContainsFunc(a.entries, func(entry string) bool { return matches(entry, name) })
}

// Check returns the error for a bucket that is not allowed. field is the form's.
func (a Allowed) Check(name, field string) error {
	if a.includes(name) {
		return nil
	}
	e := action.InvalidField(field, "The hub's administrator does not allow writing to %s. Allowed: %s.", name, a)
	e.Kind = action.Forbidden
	return e
}

// String lists the entries.
func (a Allowed) String() string {
	if len(a.entries) == 0 {
		return "none"
	}
	return strings.Join(a.entries, ", ")
}

// Field returns the form's field for those of the account's buckets that are allowed. If there are none, or the
// account may not list them, the names in the list are offered. If it has only patterns, the user enters a name.
func (a Allowed) Field(list choice.List, names []string, err error) (action.Field, error) {
	if !a.limited || err != nil && !errors.Is(err, choice.ErrDenied) {
		return list.Field(names, err)
	}
	names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !a.includes(name) })
	if len(names) == 0 {
		names = slices.DeleteFunc(slices.Clone(a.entries), func(entry string) bool { return strings.Contains(entry, "*") })
	}
	list.Empty = fmt.Sprintf("The hub's administrator allows only these: %s.", a)
	return list.Field(names, nil)
}
