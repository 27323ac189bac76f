package hubspot

import (
	"iter"
	"slices"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/mirror"
	"integrationhub.dev/integrations/internal/rows"
)

// update is a record's new values by the internal names of its properties. All values are strings,
// including numbers and booleans (SimplePublicObjectBatchInput in
// https://developers.hubspot.com/docs/api-reference/latest/crm/objects/contacts/guide), so that numbers keep all
// digits.
type update struct {
	// ID is the record ID, or the value of the property that identifies the record.
	ID         string
	Properties map[string]string
	// row is the number of the row, from 1.
	row int
	// record is the record ID in HubSpot's response.
	record *string
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

// key is the same for updates of the same record. HubSpot ignores the case of addresses and domains.
func (u update) key() string { return strings.ToLower(u.ID) }

// layout maps columns to properties.
type layout struct {
	object Object
	match  matchBy
	nulls  nulls
	// plan keeps the members of a mirrored segment.
	plan *mirror.Plan
	id   int
	// properties are the names by column; "" means that the column is not sent.
	properties []string
	// formats convert values by column; nil means as they are.
	formats []func(string) string
	titles  []string
	// pivoted are the columns that turned out to be pivoted.
	pivoted []bool
	rows    int
}

// layout reads a result's columns. The last tagged column has the ID, as in the reference. A dot
// becomes an underscore, since property names have none.
func (o Object) layout(columns []action.Column, hidden []string, in input) (*layout, error) {
	l := &layout{
		object: o, match: in.MatchBy, nulls: in.Nulls, properties: make([]string, len(columns)),
		formats: make([]func(string) string, len(columns)), pivoted: make([]bool, len(columns)),
	}
	recordID := lastTagged(columns, o.Tag)
	l.id = recordID
	if natural := lastTagged(columns, string(o.natural)); in.MatchBy == o.natural && natural >= 0 {
		l.id = natural
	}
	switch {
	case l.id < 0 && in.MatchBy == o.natural:
		return nil, action.Errorf(action.Invalid, "A field with the tag %s or %s is required.", o.natural, o.Tag)
	case l.id < 0:
		return nil, action.Errorf(action.Invalid, "Dimension with the %s tag is required", o.Tag)
	}
	from := map[string]string{}
	for i, c := range columns {
		l.titles = append(l.titles, c.Title())
		noValues := c.Group == "filters" || c.Group == "parameters"
		if i == l.id || i == recordID || noValues || slices.Contains(hidden, c.Name) {
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

// lastTagged returns the index of the last column with a tag, or -1.
func lastTagged(columns []action.Column, tag string) int {
	last := -1
	for i, c := range columns {
		if slices.Contains(c.Tags, tag) {
			last = i
		}
	}
	return last
}

// use sets how values are written, by the definitions of properties.
func (l *layout) use(all map[string]property) {
	for i, name := range l.properties {
		l.formats[i] = all[name].format()
	}
}

// updates converts rows to updates.
func (l *layout) updates(table *action.Table) iter.Seq2[update, error] {
	return rows.Convert(table, func(row action.Row) (update, error) {
		u, err := l.update(row)
		switch {
		case l.match != matchRecordID: // the response has the record's ID
		case err != nil:
			l.plan.Unknown()
		default:
			l.plan.Add(u.ID)
		}
		return u, err
	})
}

// key is the [update.key] of a row.
func (l *layout) key(row action.Row) string {
	return strings.ToLower(strings.TrimSpace(row.Cell(l.id).Text()))
}

func (l *layout) update(row action.Row) (update, error) {
	l.rows++
	u := update{ID: strings.TrimSpace(row.Cell(l.id).Text()), Properties: map[string]string{}, row: l.rows, record: new(string)}
	if err := l.checkID(u.ID); err != nil {
		return u, deliver.Reject(err)
	}
	for i, p := range l.properties {
		cell := row.Cell(i)
		if p == "" || cell.Missing() {
			continue
		}
		v := cell.Value()
		switch {
		case v == nil && cell.Raw().Kind() == '{':
			l.pivoted[i] = true
			continue
		case v == nil, v.Kind() == 'n':
			if l.nulls != nullsKeep {
				// HubSpot ignores null (https://github.com/HubSpot/hubspot-api-nodejs/issues/324). "Properties values can be cleared by
				// passing an empty string" (the description of batch/update).
				u.Properties[p] = ""
			}
			continue
		}
		text := action.Text(v)
		if f := l.formats[i]; f != nil {
			text = f(text)
		}
		u.Properties[p] = text
	}
	return u, nil
}

// checkID checks what identifies a record.
func (l *layout) checkID(id string) error {
	switch {
	case id == "" && l.match == matchRecordID:
		return action.Errorf(action.Invalid, "A row has no %s ID.", l.object.One)
	case id == "":
		return action.Errorf(action.Invalid, "A row has no value that identifies its %s.", l.object.One)
	case l.match == matchRecordID && strings.Trim(id, "0123456789") != "":
		return action.Errorf(action.Invalid, "A row's %s ID is not a valid HubSpot record ID (it must be numeric).", l.object.One)
	case l.match == matchEmail && !strings.Contains(id, "@"):
		return action.Errorf(action.Invalid, "A row's email address is not valid.")
	}
	return nil
}

// notSent names the pivoted columns in a sentence; "" if there are none.
func (l *layout) notSent() string {
	var titles []string
	for i, pivoted := range l.pivoted {
		if pivoted {
			titles = append(titles, l.titles[i])
		}
	}
	switch len(titles) {
	case 0:
		return ""
	case 1:
		return "The pivoted column " + titles[0] + " was not sent: one property cannot hold several values."
	}
	return "The pivoted columns " + strings.Join(titles, ", ") + " were not sent: one property cannot hold several values."
}
