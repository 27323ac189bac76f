package googleanalyticsdataimport

import (
	"encoding/csv"
	"strings"

	"integrationhub.dev/hub/action"
)

// Columns that are not event parameters.
const (
	colClient      = "client_id"
	colUser        = "user_id"
	colEvent       = "event_name"
	colTime        = "timestamp"
	propertyPrefix = "user_properties."
	maxParams      = 25
	maxProperties  = 25
)

// schema describes the columns.
type schema struct {
	// columns are their names. Columns with an empty name are not sent.
	columns []string
	// event is the default name of events.
	event string
}

// parseSchema parses and checks the names of the columns.
func parseSchema(text, event string) (schema, error) {
	s := schema{event: strings.TrimSpace(event)}
	names, err := csv.NewReader(strings.NewReader(text)).Read()
	if err != nil {
		return s, action.InvalidField("dataSourceSchema", "Separate the names of the columns by commas.")
	}
	seen, count := map[string]bool{}, map[columnKind]int{}
	for _, name := range names {
		name = strings.TrimSpace(name)
		s.columns = append(s.columns, name)
		kind := kindOf(name)
		if kind == unsent {
			continue
		}
		count[kind]++
		if seen[name] {
			return s, action.InvalidField("dataSourceSchema", "Two columns have the name %q.", name)
		}
		if err := checkName(name); err != nil {
			return s, err
		}
		seen[name] = true
	}
	if s.event != "" {
		if err := checkEvent(s.event); err != nil {
			return s, action.InvalidField("eventName", "%q %s.", s.event, err)
		}
	}
	switch {
	case !seen[colClient]:
		return s, action.InvalidField("dataSourceSchema", "No column has the name client_id, which Google Analytics requires.")
	case count[eventParam] > maxParams || count[userProperty] > maxProperties:
		return s, action.InvalidField("dataSourceSchema", "Google Analytics accepts at most 25 event parameters and 25 user properties.")
	case s.event == "" && !seen[colEvent]:
		return s, action.InvalidField("eventName", "The events have no name. Enter one, or name a column event_name.")
	}
	return s, nil
}

// columnKind is what a column is.
type columnKind int

const (
	unsent columnKind = iota
	userProperty
	eventParam
	// eventField is a field of the event other than its parameters.
	eventField
)

func kindOf(name string) columnKind {
	switch {
	case name == "":
		return unsent
	case strings.HasPrefix(name, propertyPrefix):
		return userProperty
	case name == colClient, name == colUser, name == colEvent, name == colTime:
		return eventField
	}
	return eventParam
}
