package googleanalyticsdataimport

import (
	"encoding/csv"
	"regexp"
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

// Google's rules for names: https://developers.google.com/analytics/devguides/collection/protocol/ga4/sending-events#limitations
var (
	nameForm     = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,39}$`)
	propertyForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,23}$`)
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
	switch {
	case !seen[colClient]:
		return s, action.InvalidField("dataSourceSchema", "No column has the name client_id, which Google Analytics requires.")
	case count[eventParam] > maxParams || count[userProperty] > maxProperties:
		return s, action.InvalidField("dataSourceSchema", "Google Analytics accepts at most 25 event parameters and 25 user properties.")
	case s.event != "" && !nameForm.MatchString(s.event):
		return s, action.InvalidField("eventName", "%q is not a valid event name: %s.", s.event, nameRule)
	case s.event == "" && !seen[colEvent]:
		return s, action.InvalidField("eventName", "The events have no name. Enter one, or name a column event_name.")
	}
	return s, nil
}

const nameRule = "it must start with a letter, have at most 40 characters, and contain only letters, digits and underscores"

// checkName checks a column's name.
func checkName(name string) error {
	property, isProperty := strings.CutPrefix(name, propertyPrefix)
	switch {
	case strings.HasPrefix(name, "ga:"):
		return action.InvalidField("dataSourceSchema", "%q is a Universal Analytics name, which Google shut down. Use Google "+
			"Analytics 4 names: "+
			"client_id, event_name, and event parameters.", name)
	case isProperty && !propertyForm.MatchString(property):
		return action.InvalidField("dataSourceSchema", "%q is not a valid user property name: it must start with a letter, have at "+
			"most 24 characters, "+
			"and contain only letters, digits and underscores.", property)
	case kindOf(name) == eventParam && !nameForm.MatchString(name):
		return action.InvalidField("dataSourceSchema", "%q is not a valid event parameter name: %s.", name, nameRule)
	}
	return nil
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
