// Package schema reads the names that users give to the columns of a query and to events, by the rules of
// Google Analytics 4.
package schema

import (
	"encoding/csv"
	"strings"

	"integrationhub.dev/hub/action"
)

// Columns that are not event parameters.
const (
	Client = "client_id"
	User   = "user_id"
	Event  = "event_name"
	Time   = "timestamp"
	// PropertyPrefix is in front of the name of a user property.
	PropertyPrefix = "user_properties."
)

// The limits of an event: https://developers.google.com/analytics/devguides/collection/protocol/ga4/sending-events#limitations
const (
	maxParams     = 25
	maxProperties = 25
)

// Schema describes the columns.
type Schema struct {
	// Columns are their names. Columns with an empty name are not sent.
	Columns []string
	// Event is the default name of events.
	Event string
}

// Parse parses and checks the names of the columns.
func Parse(text, event string) (Schema, error) {
	s := Schema{Event: strings.TrimSpace(event)}
	names, err := csv.NewReader(strings.NewReader(text)).Read()
	if err != nil {
		return s, action.InvalidField("dataSourceSchema", "Separate the names of the columns by commas.")
	}
	seen, count := map[string]bool{}, map[Kind]int{}
	for _, name := range names {
		name = strings.TrimSpace(name)
		s.Columns = append(s.Columns, name)
		kind := KindOf(name)
		if kind == Unsent {
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
	if s.Event != "" {
		if err := checkEvent(s.Event); err != nil {
			return s, action.InvalidField("eventName", "%q %s.", s.Event, err)
		}
	}
	switch {
	case !seen[Client]:
		return s, action.InvalidField("dataSourceSchema", "No column has the name client_id, which Google Analytics requires.")
	case count[EventParam] > maxParams || count[UserProperty] > maxProperties:
		return s, action.InvalidField("dataSourceSchema", "Google Analytics accepts at most 25 event parameters and 25 user properties.")
	case s.Event == "" && !seen[Event]:
		return s, action.InvalidField("eventName", "The events have no name. Enter one, or name a column event_name.")
	}
	return s, nil
}

// Kind is what a column is.
type Kind int

// The kinds of columns.
const (
	Unsent Kind = iota
	UserProperty
	EventParam
	// EventField is a field of the event other than its parameters.
	EventField
)

// KindOf returns the kind of a column with a name.
func KindOf(name string) Kind {
	switch {
	case name == "":
		return Unsent
	case strings.HasPrefix(name, PropertyPrefix):
		return UserProperty
	case name == Client, name == User, name == Event, name == Time:
		return EventField
	}
	return EventParam
}
