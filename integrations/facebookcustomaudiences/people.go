package facebookcustomaudiences

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/pii"
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
}

// person has a value for each key of the schema, which may be empty.
type person []string

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
	return func(yield func(person, error) bool) {
		for row, err := range p.table.Rows() {
			var one person
			if err == nil {
				if one, err = p.person(row); err != nil {
					err = deliver.Reject(err)
				}
			}
			if !yield(one, err) {
				return
			}
		}
	}
}

// count reads the whole source. It returns the number of valid rows, and the reason why the first
// invalid one is.
func (p *people) count() (good int, why, err error) {
	for row, err := range p.table.Rows() {
		if err != nil {
			return good, why, err
		}
		switch _, invalid := p.person(row); {
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
	known, bad := p.values(row)
	if !identifies(func(key string) bool { return known[key] != "" }) {
		if len(bad) == 0 {
			return nil, action.Errorf(action.Invalid, "A row has no value that identifies a person.")
		}
		return nil, action.Errorf(action.Invalid, "A row has no usable value that identifies a person (unusable: %s).", strings.Join(bad, ", "))
	}
	for _, key := range bad {
		p.unusable[key]++
	}
	one := make(person, len(p.schema))
	for i, key := range p.schema {
		one[i] = p.encode(key, known[key])
	}
	return one, nil
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
