package marketo

import (
	"encoding/json"
	"iter"
	"slices"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
)

// tagPrefix is the prefix of LookML tags that name Marketo's fields, such as marketo:email.
const tagPrefix = "marketo:"

// lead is one row.
type lead struct {
	// row is its number in the result, from 1, which errors may contain.
	row int
	// key is the value of the lookup field. Marketo's comparison ignores case.
	key string
	// fields are a JSON object.
	fields json.RawMessage
	// id is Marketo's. It is set when the lead is updated.
	id uint64
}

// layout maps columns to Marketo's fields.
type layout struct {
	// fields are the field names by column. A column may set several.
	fields [][]string
	titles []string
	lookup int
	field  string
}

func newLayout(columns []action.Column, lookup string) (*layout, error) {
	l := &layout{fields: make([][]string, len(columns)), lookup: -1, field: lookup}
	from := map[string]string{}
	for i, c := range columns {
		l.titles = append(l.titles, c.Title())
		for _, tag := range c.Tags {
			field, ok := strings.CutPrefix(tag, tagPrefix)
			if !ok {
				continue
			}
			field, _, _ = strings.Cut(field, tagPrefix)
			if other, taken := from[field]; taken && other != c.Name {
				return nil, action.Errorf(action.Invalid, "The fields %s and %s are both tagged %s%s.", other, c.Name, tagPrefix, field)
			}
			from[field] = c.Name
			if field == lookup {
				l.lookup = i
			}
			if !slices.Contains(l.fields[i], field) {
				l.fields[i] = append(l.fields[i], field)
			}
		}
	}
	if l.lookup < 0 {
		return nil, action.InvalidField("lookupField", "Marketo Lookup Field for lead not present in query.")
	}
	return l, nil
}

// leads converts rows to leads.
func (l *layout) leads(table *action.Table) iter.Seq2[*lead, error] {
	return func(yield func(*lead, error) bool) {
		n := 0
		for row, err := range table.Rows() {
			n++
			var one *lead
			if err == nil {
				one, err = l.lead(n, row)
			}
			if !yield(one, err) {
				return
			}
		}
	}
}

func (l *layout) lead(n int, row action.Row) (*lead, error) {
	key := strings.ToLower(strings.TrimSpace(row.Cell(l.lookup).Text()))
	if key == "" {
		// Marketo would create a lead each time.
		return nil, deliver.Reject(action.Errorf(action.Invalid, "A row has no %s to look up its lead.", l.field))
	}
	fields := map[string]json.RawMessage{}
	for i, names := range l.fields {
		cell := row.Cell(i)
		if len(names) == 0 || cell.Missing() || cell.Raw().Kind() == 'n' {
			continue
		}
		v := cell.Value()
		if v == nil {
			return nil, deliver.Reject(action.Errorf(action.Invalid, "The column %s is pivoted: one field of a lead cannot hold "+
				"several values.", l.titles[i]))
		}
		for _, name := range names {
			fields[name] = json.RawMessage(v)
		}
	}
	text, err := json.Marshal(fields)
	switch {
	case err != nil:
		return nil, deliver.Reject(action.Wrap(err, action.Invalid, "A row has a value that is not valid JSON."))
	case len(text) > bytesPerCall:
		return nil, deliver.Reject(action.Errorf(action.Invalid, "A row exceeds Marketo's limit of 1 MB."))
	}
	return &lead{row: n, key: key, fields: text}, nil
}
