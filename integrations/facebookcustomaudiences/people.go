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

// people are the rows of a result as Meta takes them.
type people struct {
	table   *action.Table
	columns columns
	schema  []string
	// hash is whether values are hashed here; otherwise they must be hashes.
	hash bool
	// country is that of phone numbers whose row names none.
	country string
	// unusable counts values by key that were left out of rows that went.
	unusable map[string]int
}

// person has one value for each key of the schema, empty where nothing is known.
type person []string

func newPeople(table *action.Table, in input) (*people, error) {
	p := &people{table: table, hash: in.Hash != doNoHashing, country: string(in.Country), unusable: map[string]int{}}
	p.columns = identify(table.Columns, !p.hash)
	p.schema = p.columns.schema()
	if !identifies(func(key string) bool { return slices.Contains(p.schema, key) }) {
		return nil, action.Errorf(action.Invalid, "The query has no column by which Facebook could find a person. Tag fields in LookML with "+
			"email, phone, mad_id or external_id, or with last_name together with first_name or first_initial, or name them so.")
	}
	return p, nil
}

// all yields the people, and rejects rows that hold nobody.
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

// count reads to the end, or to an error of the source. It returns how many rows hold people,
// and why the first one of the others does not.
func (p *people) count() (good int, why, err error) {
	for row, err := range p.table.Rows() {
		if err != nil {
			return good, why, err
		}
		switch _, nobody := p.person(row); {
		case nobody == nil:
			good++
		case why == nil:
			why = nobody
		}
	}
	return good, why, nil
}

// person makes one of a row. Its error says why the row holds nobody.
func (p *people) person(row action.Row) (person, error) {
	known, bad := p.values(row)
	if !identifies(func(key string) bool { return known[key] != "" }) {
		if len(bad) == 0 {
			return nil, action.Errorf(action.Invalid, "A row has no value by which Facebook could find a person.")
		}
		return nil, action.Errorf(action.Invalid, "A row has no usable value by which Facebook could find a person: it is the %s that cannot be used.", strings.Join(bad, ", "))
	}
	for _, key := range bad {
		p.unusable[key]++
	}
	one := make(person, len(p.schema))
	for i, key := range p.schema {
		one[i] = p.final(key, known[key])
	}
	return one, nil
}

// values are those of a row by their keys, and the keys whose values cannot be used.
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
			value, ok := prepared(key, text)
			put(key, value, ok)
		case key == birthDate:
			year, month, day, ok := pii.MetaBirthDate(text)
			if !ok {
				bad = append(bad, birthDate)
				break
			}
			known[keyYear], known[keyMonth], known[keyDay] = year, month, day
		default:
			value, ok := normal(key, text, country)
			put(key, value, ok)
			if key == keyCountry && ok {
				country = strings.ToUpper(value)
			}
		}
	}
	return known, bad
}

// readingOrder begins with the country, which says how to read the rest; a part of a date
// of birth counts for more than the whole.
var readingOrder = []string{
	keyCountry, birthDate, keyYear, keyMonth, keyDay, keyEmail, keyPhone, keyLast, keyFirst, keyInitial, keyCity, keyState, keyZip, keyMADID, keyExternal,
}

// inTheOpen are keys whose values are never hashed: they are nobody's name.
func inTheOpen(key string) bool { return key == keyMADID || key == keyExternal }

// normal is a value in the form in which Meta compares it.
func normal(key, text, country string) (string, bool) {
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

// prepared is a value that shall not be hashed: it must be a hash already, so that nobody's
// name leaves in the open.
func prepared(key, text string) (string, bool) {
	switch {
	case key == keyMADID:
		return strings.ToLower(text), true
	case inTheOpen(key):
		return text, true
	}
	return pii.Hashed(text)
}

// final is a value as it is sent.
func (p *people) final(key, value string) string {
	if value == "" || !p.hash || inTheOpen(key) {
		return value
	}
	return pii.Hash(value)
}

// leftOut lists the values that were left out, by key.
func (p *people) leftOut() string {
	var parts []string
	for _, key := range readingOrder {
		if n := p.unusable[key]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d of %s", n, key))
		}
	}
	return strings.Join(parts, ", ")
}
