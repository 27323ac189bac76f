package braze

import (
	"iter"
	"regexp"
	"slices"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/rows"
)

// tagID is the LookML tag of the column that identifies users. attributeTag matches the tag
// braze[name] of columns with attributes.
const tagID = "braze_id"

var attributeTag = regexp.MustCompile(`(?i)braze\[(.+)\]`)

// label is the attribute that lists a user's exports. existing keeps Braze from creating users
// for unknown IDs.
const (
	label    = "looker_export"
	existing = "_update_existing_only"
)

// columns map a row to a user.
type columns struct {
	id         int
	attributes []attribute
}

// attribute is a column with the value of an attribute.
type attribute struct {
	name   string
	column int
}

// mapColumns reads the columns' tags. If several columns have the same tag, the last one counts,
// as in the reference.
func mapColumns(table *action.Table, k key) (*columns, error) {
	m := &columns{id: -1}
	for i, c := range table.Columns {
		if slices.Contains(c.Tags, tagID) {
			m.id = i
		}
	}
	if m.id < 0 {
		return nil, action.Errorf(action.Invalid, "Primary Braze key not found. The query needs a field tagged %s.", tagID)
	}
	for i, c := range table.Columns {
		for _, tag := range c.Tags {
			match := attributeTag.FindStringSubmatch(tag)
			if match == nil || match[1] == string(k) && i == m.id {
				continue
			}
			if err := m.add(table, match[1], i, k); err != nil {
				return nil, err
			}
		}
	}
	return m, nil
}

func (m *columns) add(table *action.Table, name string, column int, k key) error {
	c := table.Columns[column]
	switch {
	case name == string(k) || name == label || name == existing:
		return action.Errorf(action.Invalid, "The field %s is tagged braze[%s], but this name is reserved.", c.Title(), name)
	case len(table.Pivots) > 0 && (c.Group == "measures" || c.Group == "table_calculations"):
		return action.Errorf(action.Invalid, "The field %s is pivoted, but an attribute has one value. Remove the pivot, or the "+
			"tag braze[%s].", c.Title(), name)
	}
	m.attributes = slices.DeleteFunc(m.attributes, func(a attribute) bool { return a.name == name })
	m.attributes = append(m.attributes, attribute{name, column})
	return nil
}

var errNoID = action.Errorf(action.Invalid, "A row has no value in the field tagged %s.", tagID)

// users yields the rows as Braze's user attributes objects:
// https://www.braze.com/docs/api/objects_filters/user_attributes_object/.
func (m *columns) users(table *action.Table, k key, export string) iter.Seq2[[]byte, error] {
	w := rows.NewJSONWriter()
	return rows.Convert(table, func(row action.Row) ([]byte, error) { return m.user(w, row, k, export) })
}

// user encodes a user. IDs are strings at Braze. A null removes an attribute.
func (m *columns) user(w *rows.JSONWriter, row action.Row, k key, export string) ([]byte, error) {
	id := row.Cell(m.id).Text()
	if id == "" {
		return nil, deliver.Reject(errNoID)
	}
	w.Begin()
	w.Bool(existing, true)
	w.Text(string(k), id)
	for _, a := range m.attributes {
		if value := row.Cell(a.column).Value(); value != nil {
			w.Value(a.name, value)
		}
	}
	w.Object(label)
	w.Texts("add", export)
	w.End()
	w.End()
	user, err := w.Done()
	if err != nil {
		return nil, deliver.Reject(err)
	}
	return user, nil
}
