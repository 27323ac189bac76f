package facebookcustomaudiences

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/pii"
	"integrationhub.dev/integrations/internal/rowlog"
	"integrationhub.dev/integrations/internal/rows"
)

// people converts the rows of a result to people.
type people struct {
	table   *action.Table
	columns columns
	schema  []string
	// hash means that the hub hashes the values. Otherwise they must be hashes.
	hash bool
	// country is the default for phone numbers.
	country string
	// unusable counts the values by key that were left out of valid rows.
	unusable map[string]int
	// kept keeps the rows that are not delivered.
	kept *rowlog.Delivery
}

// person is a JSON array with a text for each key of the schema, which may be empty.
type person []byte

func newPeople(table *action.Table, in input) (*people, error) {
	p := &people{table: table, hash: in.Hash != doNoHashing, country: string(in.Country), unusable: map[string]int{}}
	p.columns = identify(table.Columns, !p.hash)
	p.schema = p.columns.schema()
	if !identifies(func(key string) bool { return slices.Contains(p.schema, key) }) {
		return nil, action.Errorf(action.Invalid, "The query has no column that identifies people. Tag fields in LookML with "+
			"email, phone, mad_id or external_id, or with last_name and either first_name or first_initial, or give them such names.")
	}
	return p, nil
}

// all yields the people, and rejects rows that identify no one.
func (p *people) all() iter.Seq2[person, error] {
	return rows.Convert(p.table, func(row action.Row) (person, error) {
		p.kept.Item(row)
		one, err := p.person(row)
		if err != nil {
			err = deliver.Reject(err)
		}
		return one, err
	})
}

// count reads the whole source. It returns the number of valid rows, and the reason why the first
// invalid one is.
func (p *people) count() (good int, why, err error) {
	for row, err := range p.table.Rows() {
		if err != nil {
			return good, why, err
		}
		switch _, _, invalid := p.identified(row); {
		case invalid == nil:
			good++
		case why == nil:
			why = invalid
		}
	}
	return good, why, nil
}

// person converts a row. Its error is the reason why the row identifies no one.
func (p *people) person(row action.Row) (person, error) {
	known, bad, err := p.identified(row)
	if err != nil {
		return nil, err
	}
	for _, key := range bad {
		p.unusable[key]++
	}
	values := make([]string, len(p.schema))
	for i, key := range p.schema {
		values[i] = p.encode(key, known[key])
	}
	return json.Marshal(values)
}

// identified returns the values of a row that identify a person.
func (p *people) identified(row action.Row) (known map[string]string, bad []string, err error) {
	known, bad = p.values(row)
	if !identifies(func(key string) bool { return known[key] != "" }) {
		err = action.Errorf(action.Invalid, "A row has no value that identifies a person.")
		if len(bad) > 0 {
			err = action.Errorf(action.Invalid, "A row has no usable value that identifies a person (unusable: %s).", strings.Join(bad, ", "))
		}
	}
	return known, bad, err
}

// values returns the values of a row by key, and the keys of unusable values.
func (p *people) values(row action.Row) (known map[string]string, bad []string) {
	known = map[string]string{}
	put := func(key, value string, ok bool) {
		if ok {
			known[key] = value
		} else {
			bad = append(bad, key)
		}
	}
	country := p.country
	for _, key := range readingOrder {
		column, have := p.columns[key]
		text := ""
		if have {
			text = strings.TrimSpace(row.Cell(column).Text())
		}
		switch {
		case text == "":
		case !p.hash:
			value, ok := requireHash(key, text)
			put(key, value, ok)
		case key == birthDate:
			year, month, day, ok := pii.MetaBirthDate(text)
			if !ok {
				bad = append(bad, birthDate)
				break
			}
			known[keyYear], known[keyMonth], known[keyDay] = year, month, day
		default:
			value, ok := normalize(key, text, country)
			put(key, value, ok)
			if key == keyCountry && ok {
				country = strings.ToUpper(value)
			}
		}
	}
	return known, bad
}

// readingOrder starts with the country, which other values depend on. The parts of a date of birth
// overwrite the whole date.
var readingOrder = []string{
	keyCountry, birthDate, keyYear, keyMonth, keyDay, keyEmail, keyPhone, keyLast,
	keyFirst, keyInitial, keyCity, keyState, keyZip, keyMADID, keyExternal,
}

// sentUnhashed reports whether a key's values are never hashed, since they are not personal data.
func sentUnhashed(key string) bool { return key == keyMADID || key == keyExternal }

// normalize brings a value into Meta's form.
func normalize(key, text, country string) (string, bool) {
	switch key {
	case keyEmail:
		return pii.Email(text)
	case keyPhone:
		return pii.MetaPhone(text, country)
	case keyYear:
		return pii.MetaBirthYear(text)
	case keyMonth:
		return pii.MetaBirthMonth(text)
	case keyDay:
		return pii.MetaBirthDay(text)
	case keyLast, keyFirst:
		return pii.MetaName(text)
	case keyInitial:
		return pii.MetaInitial(text)
	case keyCity:
		return pii.MetaCity(text)
	case keyState:
		return pii.MetaState(text, country)
	case keyZip:
		return pii.MetaZip(text, country)
	case keyCountry:
		return pii.MetaCountry(text)
	case keyMADID:
		return strings.ToLower(text), true
	}
	return text, true
}

// requireHash checks a value that the hub does not hash: personal data must be hashed already.
func requireHash(key, text string) (string, bool) {
	switch {
	case key == keyMADID:
		return strings.ToLower(text), true
	case sentUnhashed(key):
		return text, true
	}
	return pii.Hashed(text)
}

// encode returns a value as it is sent.
func (p *people) encode(key, value string) string {
	if value == "" || !p.hash || sentUnhashed(key) {
		return value
	}
	return pii.Hash(value)
}

// leftOut lists the number of values that were left out by key.
func (p *people) leftOut() string {
	var parts []string
	for _, key := range readingOrder {
		if n := p.unusable[key]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d of %s", n, key))
		}
	}
	return strings.Join(parts, ", ")
}

// kind is what a column holds.
type kind struct {
	// tag is the LookML tag of such columns. Tags take precedence over names.
	tag string
	// name matches the words of the field's name without its view.
	name *regexp.Regexp
	// key is Meta's key. A date of birth has three.
	key string
}

// The keys are those of Meta's multi-key matching:
// https://developers.facebook.com/docs/marketing-api/audiences/guides/custom-audiences
const (
	keyEmail    = "EMAIL"
	keyPhone    = "PHONE"
	keyYear     = "DOBY"
	keyMonth    = "DOBM"
	keyDay      = "DOBD"
	keyLast     = "LN"
	keyFirst    = "FN"
	keyInitial  = "FI"
	keyCity     = "CT"
	keyState    = "ST"
	keyZip      = "ZIP"
	keyCountry  = "COUNTRY"
	keyMADID    = "MADID"
	keyExternal = "EXTERN_ID"
	// birthDate is not a key, but stands for the three parts of a date.
	birthDate = "birth_date"
)

// kinds are in the order in which names are matched: first_initial before first_name. The tags are
// the reference's. Names match whole words, so that last_updated is not a last name.
var kinds = []kind{
	{"email", regexp.MustCompile(`\be ?mail` + suffix), keyEmail},
	{"phone", regexp.MustCompile(`phone` + suffix), keyPhone},
	{"birth_date", regexp.MustCompile(`\bbirth ?da(te|y)$|\bdate of birth\b|^dob$`), birthDate},
	{"birth_year", regexp.MustCompile(`^year$|\bbirth.*year\b|\byear of birth\b|\bdob ?y(ear)?$`), keyYear},
	{"birth_month", regexp.MustCompile(`^month$|\bbirth.*month\b|\bmonth of birth\b|\bdob ?m(onth)?$`), keyMonth},
	{"birth_day", regexp.MustCompile(`^day$|\bbirth.*day of month\b|\bday of birth\b|\bdob ?d(ay)?$`), keyDay},
	{"first_initial", regexp.MustCompile(`\binitial$`), keyInitial},
	{"last_name", regexp.MustCompile(`\b(last|family|sur) ?name\b|\blast$`), keyLast},
	{"first_name", regexp.MustCompile(`\b(first|given|fore) ?name\b|\bfirst$`), keyFirst},
	{"city", regexp.MustCompile(`\bcity( name)?$`), keyCity},
	{"state", regexp.MustCompile(`\bstate( (code|name|abbreviation))?$`), keyState},
	{"zip", regexp.MustCompile(`\bzip|\bpost(al)? ?code\b|\bpostal\b`), keyZip},
	{"country", regexp.MustCompile(`\bcountry( ?(code|name))?$`), keyCountry},
	{"mad_id", regexp.MustCompile(`\bmad ?id\b`), keyMADID},
	{"external_id", regexp.MustCompile(`\bexternal( id)?$`), keyExternal},
}

// suffix matches what may follow the name of an address or number.
const suffix = `( ?(address|number|num|no|id|hash|hashed|sha ?256))?( ?[0-9])?$`

// looseKinds are matched last: a field such as email_opt_in must not take precedence over an
// address.
var looseKinds = []kind{
	{name: regexp.MustCompile(`\be ?mail`), key: keyEmail},
	{name: regexp.MustCompile(`phone`), key: keyPhone},
}

// columns maps keys to columns.
type columns map[string]int

// identify finds the columns that identify people: by tag, then by name. Of two columns for a key
// the first one counts. Hashed columns cannot be dates.
func identify(all []action.Column, hashed bool) columns {
	found, taken := columns{}, map[int]bool{}
	claim := func(kinds []kind, match func(kind, action.Column) bool) {
		for n, c := range all {
			if taken[n] {
				continue
			}
			i := slices.IndexFunc(kinds, func(k kind) bool { return match(k, c) })
			if i < 0 || hashed && kinds[i].key == birthDate {
				continue
			}
			if _, have := found[kinds[i].key]; !have {
				found[kinds[i].key], taken[n] = n, true
			}
		}
	}
	claim(kinds, func(k kind, c action.Column) bool {
		return slices.ContainsFunc(c.Tags, func(tag string) bool { return strings.EqualFold(tag, k.tag) })
	})
	named := func(k kind, c action.Column) bool { return k.name.MatchString(words(c.Name)) }
	claim(kinds, named)
	claim(looseKinds, named)
	return found
}

var separators = regexp.MustCompile(`[^\pL\pN]+`)

// words returns the words of a field's name without its view.
func words(field string) string {
	_, own, dotted := strings.Cut(field, ".")
	if !dotted {
		own = field
	}
	return strings.TrimSpace(separators.ReplaceAllString(strings.ToLower(own), " "))
}

// schema returns the keys of the columns in the order in which they are sent.
func (c columns) schema() []string {
	var keys []string
	for _, key := range []string{
		keyExternal, keyEmail, keyPhone, keyYear, keyMonth, keyDay, keyLast,
		keyFirst, keyInitial, keyCity, keyState, keyZip, keyCountry, keyMADID,
	} {
		_, have := c[key]
		if _, date := c[birthDate]; date && (key == keyYear || key == keyMonth || key == keyDay) {
			have = true
		}
		if have {
			keys = append(keys, key)
		}
	}
	return keys
}

// identifies reports whether these keys can identify a person: by an address, number or ID, or by a
// full name.
func identifies(has func(key string) bool) bool {
	return has(keyEmail) || has(keyPhone) || has(keyMADID) || has(keyExternal) || has(keyLast) && (has(keyFirst) || has(keyInitial))
}

// maxBatch is Meta's limit for a call. maxBatchBytes bounds the hub's memory.
const (
	maxBatch      = 10_000
	maxBatchBytes = 4 << 20
)

// upload adds people to an audience, removes them or, with a session, replaces those in it. Adding or
// removing the same people twice changes nothing, so calls without a session can be repeated.
type upload struct {
	*client
	audience graphID
	// create creates the audience with the first batch; nil for an existing one.
	create  func(context.Context) (graphID, error)
	created bool
	// remove removes the people.
	remove  bool
	session *session
	// failed is set when a batch failed, stopped when no others were sent after it.
	failed, stopped bool
}

// payload are the people of a call.
type payload struct {
	schema []string
	data   []person
}

// append appends JSON. encode appends a part of it.
func (p payload) append(text []byte, encode func(text, part []byte) []byte) []byte {
	schema, _ := json.Marshal(p.schema) // texts can always be encoded
	text = encode(text, slices.Concat([]byte(`{"schema":`), schema, []byte(`,"data":[`)))
	for i, one := range p.data {
		if i > 0 {
			text = encode(text, []byte(","))
		}
		text = encode(text, one)
	}
	return encode(text, []byte("]}"))
}

// json appends to a part of a request in JSON, and ends the request.
func (p payload) json(start string) outbound.Body {
	text := append(make([]byte, 0, p.size()), start...)
	text = p.append(text, func(text, part []byte) []byte { return append(text, part...) })
	return outbound.Bytes("application/json", append(text, '}'))
}

// form is a request with a form.
func (p payload) form() outbound.Body {
	const perKey = 3 * len("%22") // two quotes and a comma
	text := append(make([]byte, 0, p.size()+len(p.data)*len(p.schema)*perKey), "payload="...)
	text = p.append(text, func(text, part []byte) []byte { return append(text, url.QueryEscape(string(part))...) })
	return outbound.Bytes("application/x-www-form-urlencoded", text)
}

// size is more than the bytes of the JSON.
func (p payload) size() int {
	n := envelope
	for _, one := range p.data {
		n += weight(one)
	}
	return n
}

// envelope is more than the bytes of a request that are not people.
const envelope = 512

// outcome is Meta's response. It counts entries without naming them. With a session, its numbers are the
// session's so far.
type outcome struct {
	Received *int `json:"num_received"`
	Invalid  int  `json:"num_invalid_entries"`
}

// Validate rejects a response without what every success has.
func (o *outcome) Validate() error {
	if o.Received == nil {
		return action.Errorf(action.Unavailable, "Facebook did not confirm the number of rows.")
	}
	return nil
}

// send uploads people batch by batch. It returns the number of people that were sent, and an error
// that counts the others.
func (u *upload) send(ctx context.Context, p *people) (int, error) {
	p.kept = u.rowLog.Keep(p.table)
	result := deliver.Batches(ctx, p.all(), deliver.Options[person]{
		Size: maxBatch, MaxBytes: maxBatchBytes, Weight: weight, Outcome: p.outcome,
	}, func(ctx context.Context, batch []person) error {
		if u.audience == "" {
			id, err := u.create(ctx)
			if err != nil {
				u.stopped = true
				return deliver.Stop(err)
			}
			u.audience, u.created = id, true
		}
		people := payload{p.schema, batch}
		var err error
		if u.session == nil {
			err = u.batch(ctx, people)
		} else {
			err = u.session.batch(ctx, u, people)
		}
		if _, ok := errors.AsType[deliver.PartialError](err); err == nil || ok {
			return err
		}
		u.failed = true
		if u.fatal(err) {
			u.stopped = true
			err = deliver.Stop(err)
		}
		return err
	})
	err := result.Err("rows")
	if err != nil && u.stopped {
		err = action.Wrap(err, action.KindOf(err), "%s The remaining rows were not sent.", action.MessageOf(err))
	}
	return result.Sent(), rowlog.WithNote(err, p.kept.Store(ctx, "rows"))
}

// outcome keeps a row that was not delivered, unless it stands for entries that Meta only counted: see [partial].
func (p *people) outcome(index int, err error) {
	if errors.Is(err, errMissing) || errors.Is(err, errInvalid) {
		p.kept.Unnamed(index)
		return
	}
	p.kept.Outcome(index, err)
}

// fatalKinds are the kinds of error that every other batch would return too.
var fatalKinds = []action.Kind{action.Unauthenticated, action.Forbidden, action.NotFound, action.Internal}

// fatal reports whether no other batch can succeed after an error.
func (u *upload) fatal(err error) bool {
	kind := action.KindOf(err)
	return slices.Contains(fatalKinds, kind) || kind == action.RateLimited && outbound.RetryAfter(err) > 0 || u.session != nil && u.session.closedBy(err)
}

// batch makes a call without a session, and retries it.
func (u *upload) batch(ctx context.Context, people payload) error {
	var o outcome
	err := u.pace.uploads.Do(ctx, func(ctx context.Context) (err error) {
		o, err = u.change(ctx, people)
		return err
	})
	if err != nil {
		return err
	}
	return partial(len(people.data), *o.Received, o.Invalid)
}

// change makes one call that adds or removes people
// (https://developers.facebook.com/docs/marketing-api/audiences/guides/custom-audiences). Meta documents
// removals with a form.
func (u *upload) change(ctx context.Context, people payload) (o outcome, err error) {
	path := string(u.audience) + "/users?" + u.proof().Encode()
	ctx = outbound.WithDoubt(ctx, "")
	if u.remove {
		err = u.call(ctx, http.MethodDelete, path, people.form(), &o)
	} else {
		err = u.call(ctx, http.MethodPost, path, people.json(`{"payload":`), &o)
	}
	return o, err
}

// partial returns an error for the entries of a batch that Meta did not accept. Only their number is known,
// so the first items of the batch stand for them.
func partial(batch, received, invalid int) error {
	failed := map[int]error{}
	missing := min(max(batch-received, 0), batch)
	for i := range missing {
		failed[i] = errMissing
	}
	for i := missing; i < min(missing+invalid, batch); i++ {
		failed[i] = errInvalid
	}
	return deliver.Partial(failed)
}

var (
	errMissing = action.Errorf(action.Invalid, "Facebook did not accept all rows, without giving a reason.")
	errInvalid = action.Errorf(action.Invalid, "Facebook could not read all rows.")
)

// weight is the size of a person in a request.
func weight(p person) int { return len(p) + len(",") }
