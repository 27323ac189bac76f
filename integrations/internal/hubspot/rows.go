package hubspot

import (
	"iter"
	"slices"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/rows"
)

// update is a record's new values by the internal names of its properties. All values are strings,
// including numbers and booleans (SimplePublicObjectBatchInput in
// https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/batch), so that numbers keep all
// digits.
type update struct {
	ID         string            `json:"id"`
	Properties map[string]string `json:"properties"`
}

// maxBatchBytes bounds the memory of a batch.
const maxBatchBytes = 8 << 20

// weight is the approximate size of the update in a request.
func (u update) weight() int {
	n := len(u.ID)
	for name, value := range u.Properties {
		n += len(name) + len(value)
	}
	return n
}

// layout maps columns to properties.
type layout struct {
	object Object
	id     int
	// properties are the names by column; "" means that the column is not sent.
	properties []string
	titles     []string
}

// layout reads a result's columns. The last tagged column has the ID, as in the reference. A dot
// becomes an underscore, since property names have none.
func (o Object) layout(columns []action.Column, hidden []string) (*layout, error) {
	l := &layout{object: o, id: -1, properties: make([]string, len(columns))}
	for i, c := range columns {
		l.titles = append(l.titles, c.Title())
		if slices.Contains(c.Tags, o.Tag) {
			l.id = i
		}
	}
	if l.id < 0 {
		return nil, action.Errorf(action.Invalid, "Dimension with the %s tag is required", o.Tag)
	}
	from := map[string]string{}
	for i, c := range columns {
		if i == l.id || slices.Contains(hidden, c.Name) || c.Group == "filters" || c.Group == "parameters" { // these have no values
			continue
		}
		p := strings.ReplaceAll(c.Name, ".", "_")
		if other, taken := from[p]; taken {
			return nil, action.Errorf(action.Invalid, "The fields %s and %s map to the same HubSpot property, %s. Hide or rename one "+
				"of them.", other, c.Name, p)
		}
		from[p], l.properties[i] = c.Name, p
	}
	return l, nil
}

// updates converts rows to updates.
func (l *layout) updates(table *action.Table) iter.Seq2[update, error] {
	return rows.Convert(table, l.update)
}

func (l *layout) update(row action.Row) (update, error) {
	u := update{ID: strings.TrimSpace(row.Cell(l.id).Text()), Properties: map[string]string{}}
	switch {
	case u.ID == "":
		return u, deliver.Reject(action.Errorf(action.Invalid, "A row has no %s ID.", l.object.One))
	case strings.Trim(u.ID, "0123456789") != "":
		return u, deliver.Reject(action.Errorf(action.Invalid, "A row's %s ID is not a valid HubSpot "+
			"record ID (it must be numeric).", l.object.One))
	}
	for i, p := range l.properties {
		cell := row.Cell(i)
		if p == "" || cell.Missing() || cell.Raw().Kind() == 'n' {
			continue
		}
		v := cell.Value()
		if v == nil {
			return u, deliver.Reject(action.Errorf(action.Invalid, "The column %s is pivoted: one property cannot hold several "+
				"values. Hide it, or send a query without a pivot.", l.titles[i]))
		}
		if v.Kind() == 'n' {
			continue // HubSpot ignores null (https://github.com/HubSpot/hubspot-api-nodejs/issues/324), and clears a property by ""
		}
		u.Properties[p] = action.Text(v)
	}
	return u, nil
}
