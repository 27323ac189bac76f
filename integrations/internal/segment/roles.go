package segment

import (
	"slices"

	"integrationhub.dev/hub/action"
)

// roles are the indices of the columns that identify people and groups; -1 means none.
type roles struct {
	user, anonymous, group, email, time int
}

var (
	errNoPerson = action.Errorf(action.Invalid, "Query requires a field tagged %s or %s or %s.", tagEmail, tagUser, tagAnonymous)
	errNoGroup  = action.Errorf(action.Invalid, "Query requires a field tagged %s.", tagGroup)
	errNoUser   = action.Errorf(action.Invalid, "Query requires a field tagged %s or %s: an email address alone is not enough "+
		"for a group.", tagUser, tagAnonymous)
)

// roles finds the columns by their tags. Of several columns with a tag the first one counts.
func (k Kind) roles(table *action.Table) (roles, error) {
	r := roles{
		user: table.Tagged(tagUser), anonymous: table.Tagged(tagAnonymous),
		group: table.Tagged(tagGroup), email: table.Tagged(tagEmail), time: table.Tagged(tagTime),
	}
	switch {
	case r.user < 0 && r.anonymous < 0 && r.email < 0:
		return r, errNoPerson
	case !k.Grouped:
	case r.group < 0:
		return r, errNoGroup
	case r.user < 0 && r.anonymous < 0:
		return r, errNoUser
	}
	if r.user < 0 {
		// The reference does so too: existing profiles have it for both.
		r.user = r.anonymous
	}
	return r, nil
}

// has reports whether a column has a role.
func (r roles) has(column int) bool {
	return slices.Contains([]int{r.user, r.anonymous, r.group, r.email, r.time}, column)
}
