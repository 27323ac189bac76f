// Package conversion reads conversions from the rows of a query's result, and writes them as events for
// Google's Data Manager API.
package conversion

import (
	"cmp"
	"iter"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/text/currency"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/google/datamanager"
	"integrationhub.dev/integrations/internal/rows"
)

// maxTransaction is the maximum number of characters of a transaction ID:
// https://support.google.com/google-ads/answer/6386790
const maxTransaction = 64

// The reasons why rows cannot be sent, besides those of their times.
const (
	noIdentifier   = "A row has no click ID and no email address, phone number or complete address."
	badIdentifiers = "A row has no usable value that identifies the person or the click."
	tooMany        = "A row has more than 10 email addresses, phone numbers and addresses."
	badValue       = "A row's conversion value is not a number."
	badCurrency    = "A row's currency is not a currency code such as EUR."
	longID         = "A row's transaction ID has more than 64 characters, Google Ads' limit."
	badConsent     = "A row's consent is not GRANTED, DENIED or UNSPECIFIED."
	noConsent      = "A row's consent for ad user data is DENIED. Google Ads does not accept such conversions."
)

// Reader converts rows to events in JSON:
// https://developers.google.com/data-manager/api/reference/rest/v1/events/ingest#Event
type Reader struct {
	Options
	table   *action.Table
	columns columns
	json    *rows.JSONWriter
	// rejections are the reasons, with the first row of each.
	rejections rows.Rejections
	row        int
	// unusable counts values that were left out of rows that were sent, by tag.
	unusable map[string]int
}

// Options are the user's answers that apply to all rows.
type Options struct {
	// Source is where the conversions happened, as Google calls it.
	Source string
	// Zone is the time zone of times without one.
	Zone action.TimeZone
	// Currency is that of values without one, in ISO 4217. It may be empty.
	Currency string
	// PhoneCountry is that of phone numbers without a country code. It may be empty.
	PhoneCountry string
	// UserData and Personalization are the consent of people without one.
	UserData, Personalization Consent
	// Now is the time of the delivery.
	Now time.Time
}

// NewReader returns a reader of the rows of a table. Its error says which columns are missing.
func NewReader(table *action.Table, o Options) (*Reader, error) {
	c, err := mapColumns(table)
	if err != nil {
		return nil, err
	}
	return &Reader{Options: o, table: table, columns: c, json: rows.NewJSONWriter(), unusable: map[string]int{}}, nil
}

// Events yields an event for each row, and rejects those that cannot be sent.
func (r *Reader) Events() iter.Seq2[[]byte, error] { return rows.Convert(r.table, r.event) }

// conversion is a row.
type conversion struct {
	time                      time.Time
	gclid, gbraid, wbraid     string
	people                    []identifier
	transaction               string
	value                     jsontext.Value
	currency                  string
	userData, personalization Consent
}

// event converts a row. An error rejects it.
func (r *Reader) event(row action.Row) ([]byte, error) {
	r.row++
	c, unusable, reason := r.read(row)
	if reason != "" {
		return nil, deliver.Reject(r.rejections.Rejected(reason, rowName(r.row)))
	}
	text, err := r.encode(c)
	if err != nil {
		return nil, deliver.Reject(err)
	}
	for _, tag := range unusable {
		r.unusable[tag]++
	}
	return text, nil
}

// text returns the first column with a tag, without surrounding spaces.
func (r *Reader) text(row action.Row, tag string) string {
	if all := r.columns[tag]; len(all) > 0 {
		return strings.TrimSpace(row.Cell(all[0]).Text())
	}
	return ""
}

// read reads a row. It returns the tags of unusable identifiers, and why the row cannot be sent.
func (r *Reader) read(row action.Row) (c conversion, unusable []string, reason string) {
	if c.time, reason = parseTime(r.text(row, TagTime), r.Zone, r.Now); reason != "" {
		return c, nil, reason
	}
	c.gclid, c.gbraid, c.wbraid = r.text(row, tagGclid), r.text(row, tagGbraid), r.text(row, tagWbraid)
	c.people, unusable = r.identifiers(row)
	hasClick := c.gclid != "" || c.gbraid != "" || c.wbraid != ""
	switch {
	case len(c.people) > datamanager.MaxIdentifiers:
		return c, nil, tooMany
	case !hasClick && len(c.people) == 0 && len(unusable) == 0:
		return c, nil, noIdentifier
	case !hasClick && len(c.people) == 0:
		return c, nil, badIdentifiers
	}
	for _, read := range []func(*conversion, action.Row) string{r.readValue, r.readConsent, r.readTransaction} {
		if reason = read(&c, row); reason != "" {
			return c, nil, reason
		}
	}
	return c, unusable, ""
}

// number matches what is a number in JSON too.
var number = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// readValue reads the value and its currency, which mean nothing without each other.
func (r *Reader) readValue(c *conversion, row action.Row) string {
	text := r.text(row, tagValue)
	if text == "" {
		return ""
	}
	if f, err := strconv.ParseFloat(text, 64); err != nil || math.IsInf(f, 0) || !number.MatchString(text) {
		return badValue
	}
	c.value, c.currency = jsontext.Value(text), r.Currency
	if text = r.text(row, tagCurrency); text != "" {
		unit, err := currency.ParseISO(text)
		if err != nil {
			return badCurrency
		}
		c.currency = unit.String()
	}
	return ""
}

func (r *Reader) readConsent(c *conversion, row action.Row) string {
	var ok [2]bool
	c.userData, ok[0] = parseConsent(r.text(row, tagUserData))
	c.personalization, ok[1] = parseConsent(r.text(row, tagPersonalization))
	switch {
	case !ok[0], !ok[1]:
		return badConsent
	case c.userData == Denied:
		return noConsent
	}
	c.userData, c.personalization = cmp.Or(c.userData, r.UserData), cmp.Or(c.personalization, r.Personalization)
	return ""
}

// readTransaction reads the transaction ID, or derives one.
func (r *Reader) readTransaction(c *conversion, row action.Row) string {
	c.transaction = r.text(row, tagTransaction)
	switch {
	case c.transaction == "":
		c.transaction = derivedID(*c)
	case utf8.RuneCountInString(c.transaction) > maxTransaction:
		return longID
	}
	return ""
}
