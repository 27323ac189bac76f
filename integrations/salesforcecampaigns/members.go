package salesforcecampaigns

import (
	"iter"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
)

// memberType is a kind of record that can be a campaign's member.
type memberType struct {
	// field is the member's field that holds the record's id.
	field string
	noun  string
	// tag is the LookML tag of a column of such ids. label matches the label of one where none
	// is tagged.
	tag   string
	label *regexp.Regexp
}

var (
	contactType = memberType{"ContactId", "contact", "sfdc_contact_id", regexp.MustCompile(`(?i)contact id`)}
	leadType    = memberType{"LeadId", "lead", "sfdc_lead_id", regexp.MustCompile(`(?i)lead id`)}
)

// member is one record that shall be in the campaign.
type member struct {
	kind *memberType
	id   string
}

func (m member) String() string { return m.kind.noun + " " + m.id }

// column is a column of ids.
type column struct {
	kind  *memberType
	index int
}

// memberColumns finds the columns of ids. A tag says for sure which those of a kind are; a
// label is only asked where no tag does.
func memberColumns(columns []action.Column) ([]column, error) {
	kinds := []*memberType{&contactType, &leadType}
	tagged := func(c action.Column) bool {
		return slices.ContainsFunc(kinds, func(k *memberType) bool { return slices.Contains(c.Tags, k.tag) })
	}
	var found []column
	for _, kind := range kinds {
		matches := func(by func(action.Column) bool) (some []column) {
			for i, c := range columns {
				if by(c) {
					some = append(some, column{kind, i})
				}
			}
			return some
		}
		some := matches(func(c action.Column) bool { return slices.Contains(c.Tags, kind.tag) })
		if len(some) == 0 {
			some = matches(func(c action.Column) bool { return !tagged(c) && kind.label.MatchString(c.Label) })
		}
		found = append(found, some...)
	}
	if len(found) == 0 {
		return nil, action.Errorf(action.Invalid, "Query requires at least 1 field that is tagged %s or %s, or labelled Contact ID or Lead ID.", contactType.tag, leadType.tag)
	}
	return found, nil
}

// source yields members.
type source = iter.Seq2[member, error]

// recordID matches the id of a record, in either of its lengths
// (https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/field_types.htm).
var recordID = regexp.MustCompile(`^[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?$`)

// members are those that the rows name: a row may name several, but not none.
func members(table *action.Table, columns []column, t *tally) source {
	return func(yield func(member, error) bool) {
		for row, err := range table.Rows() {
			if err != nil {
				t.broke.Store(true)
				yield(member{}, err)
				return
			}
			some := false
			for _, c := range columns {
				m := member{c.kind, strings.TrimSpace(row.Cell(c.index).Text())}
				if m.id == "" {
					continue
				}
				some = true
				if !yield(m, t.check(m)) {
					return
				}
			}
			if !some && !yield(member{}, t.reject("A row has no %s.", idNoun(columns))) {
				return
			}
		}
	}
}

func (t *tally) check(m member) error {
	if recordID.MatchString(m.id) {
		return nil
	}
	return t.reject("A row's %s id is no id of Salesforce's: those have 15 or 18 letters and digits.", m.kind.noun)
}

func (t *tally) reject(format string, args ...any) error {
	t.refused.Add(1)
	return deliver.Reject(action.Errorf(action.Invalid, format, args...))
}

// idNoun is what a row without any id lacks.
func idNoun(columns []column) string {
	var nouns []string
	for _, c := range columns {
		if n := c.kind.noun + " id"; !slices.Contains(nouns, n) {
			nouns = append(nouns, n)
		}
	}
	return strings.Join(nouns, " and no ")
}

// tally tells members that were refused, one by one, from all else that can go wrong.
type tally struct {
	// refused counts those that Salesforce refused, and those that could not be sent.
	refused atomic.Int64
	// broke is set when the source ended early.
	broke atomic.Bool
}

// explains reports whether refused members are all that went wrong.
func (t *tally) explains(a *deliver.Result) bool {
	return !t.broke.Load() && t.refused.Load() == int64(a.Failed())
}
