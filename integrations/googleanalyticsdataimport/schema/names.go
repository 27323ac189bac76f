package schema

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"integrationhub.dev/hub/action"
)

// Google's rules for names: https://developers.google.com/analytics/devguides/collection/protocol/ga4/sending-events#limitations
var (
	nameForm     = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,39}$`)
	propertyForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,23}$`)
)

// The reserved names: https://developers.google.com/analytics/devguides/collection/protocol/ga4/reference#reserved_names
//
// Google accepts requests with reserved names, and ignores what they name without an error.
var (
	reservedEvents = []string{
		"ad_activeview", "ad_click", "ad_exposure", "ad_query", "ad_reward", "adunit_exposure", "app_clear_data", "app_exception",
		"app_install", "app_remove", "app_store_refund", "app_update", "app_upgrade", "dynamic_link_app_open",
		"dynamic_link_app_update", "dynamic_link_first_open", "error", "firebase_campaign", "firebase_in_app_message_action",
		"firebase_in_app_message_dismiss", "firebase_in_app_message_impression", "first_open", "first_visit",
		"notification_dismiss", "notification_foreground", "notification_open", "notification_receive", "notification_send",
		"os_update", "session_start", "user_engagement",
	}
	// appEvents are allowed in the data streams of apps only, which the form does not offer.
	appEvents      = []string{"ad_impression", "in_app_purchase", "screen_view"}
	reservedParams = []string{"firebase_conversion"}
	// reservedProperties are the user properties that Google sets itself.
	reservedProperties = []string{
		"first_open_time", "first_visit_time", "last_deep_link_referrer", "user_id", "first_open_after_install",
	}
	// reservedPrefixes are those of event parameters and user properties. The others, "_" and "gtag.", are
	// in no valid name.
	reservedPrefixes = []string{"firebase_", "ga_", "google_"}
)

var (
	errEventForm = errors.New("is not a valid event name: it must start with a letter, have at most 40 characters, and contain only " +
		"letters, digits and underscores")
	errReservedEvent = errors.New("is reserved by Google Analytics, which ignores events with this name")
	errAppEvent      = errors.New("is an event of apps, which Google Analytics ignores in the data stream of a website")
)

// checkEvent checks the name of an event. The error continues a sentence that starts with the name.
func checkEvent(name string) error {
	switch {
	case !nameForm.MatchString(name):
		return errEventForm
	case slices.Contains(reservedEvents, name):
		return errReservedEvent
	case slices.Contains(appEvents, name):
		return errAppEvent
	}
	return nil
}

// CheckRowEvent checks the name of a row's event. The error quotes names of Google's lists only: others are
// data.
func CheckRowEvent(name string) error {
	err := checkEvent(name)
	switch {
	case errors.Is(err, errEventForm):
		return action.Errorf(action.Invalid, "A row's event_name is not a valid event name.")
	case err != nil:
		return action.Errorf(action.Invalid, "A row's event_name %q %s.", name, err)
	}
	return nil
}

const paramRule = "it must start with a letter, have at most 40 characters, and contain only letters, digits and underscores"

// checkName checks a column's name.
func checkName(name string) error {
	property, isProperty := strings.CutPrefix(name, PropertyPrefix)
	isParam := KindOf(name) == EventParam
	switch {
	case strings.HasPrefix(name, "ga:"):
		return action.InvalidField("dataSourceSchema", "%q is a Universal Analytics name, which Google shut down. Use Google "+
			"Analytics 4 names: client_id, event_name, and event parameters.", name)
	case isProperty && !propertyForm.MatchString(property):
		return action.InvalidField("dataSourceSchema", "%q is not a valid user property name: it must start with a letter, have at "+
			"most 24 characters, and contain only letters, digits and underscores.", property)
	case isProperty && isReserved(property, reservedProperties):
		return action.InvalidField("dataSourceSchema", "The user property %q is reserved by Google Analytics, which ignores it. Rename "+
			"the column, or leave its name empty.", property)
	case isParam && !nameForm.MatchString(name):
		return action.InvalidField("dataSourceSchema", "%q is not a valid event parameter name: %s.", name, paramRule)
	case isParam && isReserved(name, reservedParams):
		return action.InvalidField("dataSourceSchema", "The event parameter %q is reserved by Google Analytics, which ignores it. Rename "+
			"the column, or leave its name empty.", name)
	}
	return nil
}

// isReserved reports whether a parameter or property is in a list of names, or has a reserved prefix.
func isReserved(name string, names []string) bool {
	return slices.Contains(names, name) ||
		slices.ContainsFunc(reservedPrefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}
