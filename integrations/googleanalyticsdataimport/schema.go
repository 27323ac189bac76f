package googleanalyticsdataimport

import (
	"encoding/csv"
	"regexp"
	"strings"

	"integrationhub.dev/hub/action"
)

// Columns that are no event parameters.
const (
	colClient      = "client_id"
	colUser        = "user_id"
	colEvent       = "event_name"
	colTime        = "timestamp"
	propertyPrefix = "user_properties."
	maxParams      = 25
	maxProperties  = 25
)

// Google's forms of names: https://developers.google.com/analytics/devguides/collection/protocol/ga4/sending-events#limitations
var (
	nameForm     = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,39}$`)
	propertyForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,23}$`)
)

// schema says what each column is.
type schema struct {
	// columns are their names, of which empty ones are not sent.
	columns []string
	// event is the name of events without one of their own.
	event string
}

// parseSchema reads the names of the columns and checks what can be checked without a row.
func parseSchema(text, event string) (schema, error) {
	s := schema{event: strings.TrimSpace(event)}
	names, err := csv.NewReader(strings.NewReader(text)).Read()
	if err != nil {
		return s, action.InvalidField("dataSourceSchema", "The names of the columns must be separated by commas.")
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
			return s, action.InvalidField("dataSourceSchema", "Two columns are called %q.", name)
		}
		if err := checkName(name); err != nil {
			return s, err
		}
		seen[name] = true
	}
	switch {
	case !seen[colClient]:
		return s, action.InvalidField("dataSourceSchema", "No column is called client_id, without which Google Analytics keeps no event.")
	case count[eventParam] > maxParams || count[userProperty] > maxProperties:
		return s, action.InvalidField("dataSourceSchema", "Google Analytics takes at most 25 event parameters and 25 user properties.")
	case s.event != "" && !nameForm.MatchString(s.event):
		return s, action.InvalidField("eventName", "%q is no name for an event: those are %s.", s.event, ofForty)
	case s.event == "" && !seen[colEvent]:
		return s, action.InvalidField("eventName", "The events have no name: enter one, or call a column event_name.")
	}
	return s, nil
}

const ofForty = "of letters, digits and underscores, begin with a letter, and have at most 40 characters"

// checkName says what is wrong with a column's name.
func checkName(name string) error {
	property, isProperty := strings.CutPrefix(name, propertyPrefix)
	switch {
	case strings.HasPrefix(name, "ga:"):
		return action.InvalidField("dataSourceSchema", "%q is a name of Universal Analytics, which Google shut down. Name the columns for Google Analytics 4: "+
			"client_id, event_name, and event parameters.", name)
	case isProperty && !propertyForm.MatchString(property):
		return action.InvalidField("dataSourceSchema", "%q is no name for a user property: those are of letters, digits and underscores, begin with a letter, "+
			"and have at most 24 characters.", property)
	case kindOf(name) == eventParam && !nameForm.MatchString(name):
		return action.InvalidField("dataSourceSchema", "%q is no name for an event parameter: those are %s.", name, ofForty)
	}
	return nil
}

// columnKind is what a column is.
type columnKind int

const (
	unsent columnKind = iota
	userProperty
	eventParam
	// ofTheEvent is what an event has beside its parameters.
	ofTheEvent
)

func kindOf(name string) columnKind {
	switch {
	case name == "":
		return unsent
	case strings.HasPrefix(name, propertyPrefix):
		return userProperty
	case name == colClient, name == colUser, name == colEvent, name == colTime:
		return ofTheEvent
	}
	return eventParam
}
