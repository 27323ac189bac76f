package mparticle

import (
	"iter"

	"github.com/go-json-experiment/json/jsontext"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/rows"
)

var (
	errNoIdentity = action.Errorf(action.Invalid, "A row has no value for any identity.")
	errTooLarge   = action.Errorf(action.TooLarge, "A row exceeds mParticle's limit of %d KB.", maxRow>>10)
)

// batches yields the rows as event batches of one user each
// (https://docs.mparticle.com/developers/apis/json-reference/).
func (m *mapping) batches(table *action.Table, environment string) iter.Seq2[[]byte, error] {
	w := rows.NewJSONWriter()
	return func(yield func([]byte, error) bool) {
		for row, err := range table.Rows() {
			var batch []byte
			if err == nil {
				batch, err = m.batch(w, row, environment)
			}
			if !yield(batch, err) {
				return
			}
		}
	}
}

func (m *mapping) batch(w *rows.JSONWriter, row action.Row, environment string) ([]byte, error) {
	if !m.identified(row) {
		return nil, deliver.Reject(errNoIdentity)
	}
	w.Begin()
	w.Name("events")
	w.BeginList()
	if m.kind == eventData {
		m.event(w, row)
	}
	w.EndList()
	m.object(w, "user_attributes", m.userAttributes, row)
	w.Object("user_identities")
	for _, id := range m.identities {
		if text := row.Cell(id.column).Text(); text != "" {
			w.Text(id.name, text)
		}
	}
	w.End()
	m.object(w, "device_info", m.deviceInfo, row)
	w.Value("schema_version", jsontext.Value("2"))
	w.Text("environment", environment)
	w.End()
	batch, err := w.Done()
	switch {
	case err != nil:
		return nil, deliver.Reject(err)
	case len(batch) > maxRow:
		return nil, deliver.Reject(errTooLarge)
	}
	return batch, nil
}

func (m *mapping) identified(row action.Row) bool {
	for _, id := range m.identities {
		if row.Cell(id.column).Text() != "" {
			return true
		}
	}
	return false
}

// event encodes a custom event. mParticle requires a name and a type.
func (m *mapping) event(w *rows.JSONWriter, row action.Row) {
	w.Begin()
	w.Object("data")
	m.object(w, "custom_attributes", m.customAttributes, row)
	missing := map[string]string{eventName: "looker_custom_event", eventType: "other"}
	for _, d := range m.data {
		if value := row.Cell(d.column).Value(); value != nil && value.Kind() != 'n' {
			w.Value(d.name, value)
			delete(missing, d.name)
		}
	}
	for _, name := range []string{eventName, eventType} {
		if missing[name] != "" {
			w.Text(name, missing[name])
		}
	}
	w.End()
	w.Text("event_type", "custom_event")
	w.End()
}

// object encodes the members that the row has values for. A pivoted column becomes one member for
// each pivot.
func (m *mapping) object(w *rows.JSONWriter, name string, members []member, row action.Row) {
	w.Object(name)
	for _, c := range members {
		cell := row.Cell(c.column)
		if value := cell.Value(); value != nil {
			w.Value(c.name, value)
			continue
		}
		for _, p := range m.pivots {
			if value := cell.Pivot(p.Key).Value(); value != nil {
				w.Value(c.name+"_"+p.Key, value)
			}
		}
	}
	w.End()
}
