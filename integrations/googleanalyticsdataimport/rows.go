package googleanalyticsdataimport

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"iter"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/rows"
)

// event is one row.
type event struct {
	// who is the person of the event. Events of one person share a call.
	who who
	ev  measured
}

// who is the part of a call that its events share.
type who struct {
	Client string `json:"client_id"`
	User   string `json:"user_id,omitempty"`
	// Properties is a JSON object as text, so that people can be compared.
	Properties string `json:"-"`
}

// measured is an event in a request.
type measured struct {
	Name   string         `json:"name"`
	Micros int64          `json:"timestamp_micros,omitempty"`
	Params map[string]any `json:"params"`
}

// result is a downloaded result in CSV.
type result struct {
	blob   action.Blob
	schema schema
	now    time.Time
}

// check reads the whole result and counts the rows. It returns the first person's first events.
func (r *result) check() (first []event, rows int, err error) {
	for e, err := range r.rows() {
		rows++
		var bad *rowError
		switch {
		case errors.As(err, &bad):
		case err != nil:
			return nil, 0, err
		case len(first) == 0 || len(first) < maxEvents && e.who == first[0].who:
			first = append(first, e)
		}
	}
	return first, rows, nil
}

// events yields the rows, and rejects those that Google would drop.
func (r *result) events() iter.Seq2[event, error] {
	return func(yield func(event, error) bool) {
		for e, err := range r.rows() {
			if bad, ok := errors.AsType[*rowError](err); ok {
				err = deliver.Reject(bad.err)
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// rowError is about one row.
type rowError struct{ err error }

func (e *rowError) Error() string { return e.err.Error() }

var errStop = errors.New("the reading was stopped")

func (r *result) rows() iter.Seq2[event, error] {
	return func(yield func(event, error) bool) {
		err := rows.EachCSV(r.blob, func(number int64, record []string) error {
			if number == 0 {
				if len(record) != len(r.schema.columns) {
					return action.InvalidField("dataSourceSchema", "The query has %d columns, but there are %d names. Leave the name empty "+
						"to skip a column.",
						len(record), len(r.schema.columns))
				}
				return nil
			}
			e, err := r.event(record)
			if err != nil {
				err = &rowError{err}
			}
			if !yield(e, err) {
				return errStop
			}
			return nil
		})
		if err != nil && !errors.Is(err, errStop) {
			yield(event{}, err)
		}
	}
}

// Google's limits for values: https://support.google.com/analytics/answer/9267744
const maxUserProperty = 36

func maxValue(param string) int {
	switch param {
	case "page_location":
		return 1000
	case "page_referrer":
		return 420
	case "page_title":
		return 300
	}
	return 100
}

// event converts a record.
func (r *result) event(record []string) (event, error) {
	e := event{ev: measured{Name: r.schema.event, Params: map[string]any{}}}
	if len(record) != len(r.schema.columns) {
		return e, action.Errorf(action.Invalid, "A row's number of values differs from the number of columns.")
	}
	properties := map[string]any{}
	for n, name := range r.schema.columns {
		text := strings.TrimSpace(record[n])
		if text == "" {
			continue
		}
		var err error
		switch kindOf(name) {
		case unsent:
		case userProperty:
			property := strings.TrimPrefix(name, propertyPrefix)
			properties[property] = map[string]any{"value": value(text)}
			err = checkLength(property, text, maxUserProperty)
		case eventParam:
			e.ev.Params[name] = value(text)
			err = checkLength(name, text, maxValue(name))
		case eventField:
			err = r.set(&e, name, text)
		}
		if err != nil {
			return e, err
		}
	}
	switch {
	case e.who.Client == "":
		return e, action.Errorf(action.Invalid, "A row has no client_id.")
	case e.ev.Name == "":
		return e, action.Errorf(action.Invalid, "A row has no event_name.")
	case len(properties) > 0:
		text, err := json.Marshal(properties) // in the order of their names
		if err != nil {
			return e, action.Wrap(err, action.Internal, "A row's user properties cannot be sent.")
		}
		e.who.Properties = string(text)
	}
	return e, nil
}

// set sets a field of the event other than its parameters.
func (r *result) set(e *event, name, text string) (err error) {
	switch name {
	case colClient:
		e.who.Client = text
	case colUser:
		e.who.User = text
	case colEvent:
		if e.ev.Name = text; !nameForm.MatchString(text) {
			return action.Errorf(action.Invalid, "A row's event_name is not a valid event name.")
		}
	case colTime:
		e.ev.Micros, err = r.micros(text)
	}
	return err
}

func checkLength(name, text string, maxLength int) error {
	if utf8.RuneCountInString(text) > maxLength {
		return action.Errorf(action.Invalid, "A row's %s exceeds Google Analytics' limit of %d characters.", name, maxLength)
	}
	return nil
}

// number matches text that is sent as a number. It must not lose digits.
var number = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)

const maxDigits = 15

func value(text string) any {
	if number.MatchString(text) && len(text) <= maxDigits {
		return json.Number(text)
	}
	return text
}

// maxAge is the maximum age of events at Google.
const maxAge = 72 * time.Hour

var timeLayouts = []string{time.RFC3339, time.DateTime, "2006-01-02 15:04", time.DateOnly}

// micros parses a time. The default time zone is UTC.
func (r *result) micros(text string) (int64, error) {
	for _, layout := range timeLayouts {
		t, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		if age := r.now.Sub(t); age > maxAge || age < 0 {
			return 0, action.Errorf(action.Invalid, "A row's timestamp is not within the last 72 hours, as Google Analytics requires.")
		}
		return t.UnixMicro(), nil
	}
	return 0, action.Errorf(action.Invalid, "A row's timestamp is not a time such as 2026-01-31 12:00:00 (UTC).")
}

// groups splits a batch into calls: consecutive events of one person.
func groups(batch []event) iter.Seq2[int, []event] {
	return func(yield func(int, []event) bool) {
		for from := 0; from < len(batch); {
			to := from + 1
			for to < len(batch) && to-from < maxEvents && batch[to].who == batch[from].who {
				to++
			}
			if !yield(from, slices.Clone(batch[from:to])) {
				return
			}
			from = to
		}
	}
}

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
