package googleanalyticsdataimport

import (
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
	"integrationhub.dev/integrations/googleanalyticsdataimport/schema"
	"integrationhub.dev/integrations/internal/rowlog"
	"integrationhub.dev/integrations/internal/rows"
	"integrationhub.dev/integrations/internal/timestamp"
)

// event is one row.
type event struct {
	client, user string
	name         string
	// time is zero for an event without one.
	time time.Time
	// params and properties have strings and numbers as [json.Number].
	params, properties map[string]any
	// record is the row, until the next one is read.
	record []string
}

// result is a downloaded result in CSV.
type result struct {
	blob   action.Blob
	schema schema.Schema
	now    time.Time
	// maxValue is the maximum number of characters of most event parameters.
	maxValue int
	// header are the titles of the columns, once the result has been read.
	header []string
	// rowLog keeps the rows that are not delivered in kept, which is nil until events are sent.
	rowLog *rowlog.Log
	kept   *rowlog.Delivery
}

// count reads the whole result and counts the rows. visit is called with each valid event.
func (r *result) count(visit func(event)) (rows int, err error) {
	for e, err := range r.rows() {
		rows++
		if _, bad := errors.AsType[*rowError](err); bad {
			continue
		}
		if err != nil {
			return 0, err
		}
		visit(e)
	}
	return rows, nil
}

// events yields the rows as convert makes them, and rejects those that Google would drop. The result was read before.
func events[T any](r *result, convert func(event) (T, error)) iter.Seq2[T, error] {
	r.kept = r.rowLog.KeepRecords(r.header)
	return func(yield func(T, error) bool) {
		for e, err := range r.rows() {
			var item T
			bad, invalid := errors.AsType[*rowError](err)
			if err == nil || invalid {
				r.kept.Record(e.record)
			}
			if err == nil {
				if item, err = convert(e); err != nil {
					bad, invalid = &rowError{err}, true
				}
			}
			if invalid {
				err = deliver.Reject(bad.err)
			}
			if !yield(item, err) {
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
				if len(record) != len(r.schema.Columns) {
					return action.InvalidField("dataSourceSchema", "The query has %d columns, but there are %d names. Leave the name empty "+
						"to skip a column.",
						len(record), len(r.schema.Columns))
				}
				r.header = slices.Clone(record)
				return nil
			}
			e, err := r.event(record)
			e.record = record
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

// Google's limits for values in characters: https://support.google.com/analytics/answer/9267744 and, for user
// IDs, https://support.google.com/analytics/answer/9213390
const (
	maxUserProperty = 36
	maxUserID       = 256
)

// maxLength is the maximum number of characters of an event parameter.
func (r *result) maxLength(param string) int {
	switch param {
	case "page_location":
		return 1000
	case "page_referrer":
		return 420
	case "page_title":
		return 300
	}
	return r.maxValue
}

// event converts a record.
func (r *result) event(record []string) (event, error) {
	e := event{name: r.schema.Event, params: map[string]any{}, properties: map[string]any{}}
	if len(record) != len(r.schema.Columns) {
		return e, action.Errorf(action.Invalid, "A row's number of values differs from the number of columns.")
	}
	for n, name := range r.schema.Columns {
		text := strings.TrimSpace(record[n])
		if text == "" {
			continue
		}
		var err error
		switch schema.KindOf(name) {
		case schema.Unsent:
		case schema.UserProperty:
			property := strings.TrimPrefix(name, schema.PropertyPrefix)
			e.properties[property] = value(text)
			err = checkLength(property, text, maxUserProperty)
		case schema.EventParam:
			e.params[name] = param(name, text)
			err = checkLength(name, text, r.maxLength(name))
		case schema.EventField:
			err = r.set(&e, name, text)
		}
		if err != nil {
			return e, err
		}
	}
	switch {
	case e.client == "":
		return e, action.Errorf(action.Invalid, "A row has no client_id.")
	case e.name == "":
		return e, action.Errorf(action.Invalid, "A row has no event_name.")
	}
	return e, nil
}

// set sets a field of the event other than its parameters.
func (r *result) set(e *event, name, text string) (err error) {
	switch name {
	case schema.Client:
		e.client = text
	case schema.User:
		e.user, err = text, checkLength(name, text, maxUserID)
	case schema.Event:
		e.name, err = text, schema.CheckRowEvent(text)
	case schema.Time:
		e.time, err = r.parseTime(text)
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

// textParams are the parameters that are texts in Google's events, also if they consist of digits. A transaction ID that
// is a number would not be one of the purchase:
// https://developers.google.com/analytics/devguides/collection/protocol/ga4/reference/events
var textParams = strings.Fields(`
	transaction_id currency coupon affiliation payment_type shipping_tier customer_type lead_source lead_status
	unconvert_lead_reason disqualified_lead_reason item_list_id item_list_name item_id item_name promotion_id promotion_name
	creative_name creative_slot content_type content_id method search_term group_id character achievement_id
	virtual_currency_name campaign_id campaign source medium term content page_location page_referrer page_title`)

// param is the value of an event parameter.
func param(name, text string) any {
	if slices.Contains(textParams, name) {
		return text
	}
	return value(text)
}

// maxAge is the maximum age of events:
// https://developers.google.com/analytics/devguides/collection/protocol/ga4/sending-events#override_timestamp
const maxAge = 72 * time.Hour

// parseTime parses the time of an event. The default time zone is UTC.
func (r *result) parseTime(text string) (time.Time, error) {
	t, err := timestamp.In(action.TimeZone{}, text)
	if err != nil {
		return t, action.Wrap(err, action.Invalid, "A row's timestamp is not a time such as 2026-01-31 12:00:00 (UTC).")
	}
	if age := r.now.Sub(t); age > maxAge || age < 0 {
		return t, action.Errorf(action.Invalid, "A row's timestamp is not within the last 72 hours, as Google Analytics requires.")
	}
	return t, nil
}
