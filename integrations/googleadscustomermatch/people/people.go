// Package people converts the rows of a result to people, by the values that Google matches.
package people

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/pii"
)

// Options are what the Looker user answered.
type Options struct {
	// Devices means that the rows have device IDs, not contact data.
	Devices bool
	// Hash means that the hub hashes the values. Otherwise they must be hashes.
	Hash bool
	// Country is the default for phone numbers, as an ISO 3166-1 alpha-2 code.
	Country string
	Rules   Rules
	// Item is called with the row of each person, and of each row that identifies no one.
	Item func(action.Row)
}

// People converts the rows of a result to people.
type People struct {
	// Truncated is the error that ended the source early.
	Truncated error

	options Options
	table   *action.Table
	columns columns
	// unusable counts the values by kind that were left out of valid rows.
	unusable map[kind]int
}

// New finds the columns of a result that identify people.
func New(table *action.Table, o Options) (*People, error) {
	p := &People{options: o, table: table, columns: identify(table.Columns, o.Devices), unusable: map[kind]int{}}
	switch {
	case len(table.Columns) == 0: // no rows, and json_label has no columns without rows
	case o.Devices && !p.columns.have(kindMobile):
		return nil, action.Errorf(action.Invalid, "The query has no column with mobile device IDs. Its label must contain IDFA, "+
			"AAID, Mobile ID or Advertising ID.")
	case !o.Devices && !p.columns.have(kindEmail) && !p.columns.have(kindPhone) && !p.columns.have(addressKinds...):
		return nil, action.Errorf(action.Invalid, "The query has no column that identifies people. It needs a label "+
			"that contains Email or Phone, or all of First Name, Last Name, Country and Postal Code.")
	}
	return p, nil
}

// have reports whether there is a column of each kind.
func (c columns) have(kinds ...kind) bool {
	return !slices.ContainsFunc(kinds, func(k kind) bool { return len(c[k]) == 0 })
}

// All yields the people, and rejects rows that identify no one.
func (p *People) All() iter.Seq2[Person, error] {
	return func(yield func(Person, error) bool) {
		for row, err := range p.table.Rows() {
			var one Person
			if err != nil {
				p.Truncated = err
			} else {
				p.options.Item(row)
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

// person converts a row. Its error is the reason why the row identifies no one.
func (p *People) person(row action.Row) (Person, error) {
	r := reading{People: p, row: row}
	// Phone numbers depend on the country.
	home := r.first(kindCountry, pii.Country)
	land := home
	if land == "" {
		land = p.options.Country
	}
	var all Person
	for _, v := range r.all(kindMobile, p.options.Rules.mobile) {
		all = append(all, Identifier{Mobile: v})
	}
	for _, v := range r.all(kindEmail, p.hashed(pii.GoogleEmail)) {
		all = append(all, Identifier{Email: v})
	}
	for _, v := range r.all(kindPhone, p.hashed(func(text string) (string, bool) { return pii.Phone(text, land) })) {
		all = append(all, Identifier{Phone: v})
	}
	a := Address{
		First: r.first(kindFirst, p.hashed(p.options.Rules.name)), Last: r.first(kindLast, p.hashed(p.options.Rules.name)),
		Country: home, Postal: r.first(kindPostal, pii.GooglePostalCode),
	}
	if a.First != "" && a.Last != "" && a.Country != "" && a.Postal != "" {
		all = append(all, Identifier{Address: &a})
	}
	switch {
	case len(all) > p.options.Rules.maxIdentifiers:
		return nil, action.Errorf(action.Invalid, "A row has more values than Google Ads accepts for one person.")
	case len(all) == 0 && len(r.bad) == 0:
		return nil, action.Errorf(action.Invalid, "A row has no value that identifies a person.")
	case len(all) == 0:
		return nil, action.Errorf(action.Invalid, "A row has no usable value that identifies a person (unusable: %s).", join(r.bad))
	}
	for _, k := range r.bad {
		p.unusable[k]++
	}
	return all, nil
}

// hashed returns a rule that hashes the result of another, or one that requires hashes.
func (p *People) hashed(rule func(string) (string, bool)) func(string) (string, bool) {
	if !p.options.Hash {
		return pii.EncodedHash
	}
	return func(text string) (string, bool) {
		value, ok := rule(text)
		return pii.Hash(value), ok
	}
}

// reading collects the values of a row.
type reading struct {
	*People
	row action.Row
	bad []kind
}

// all returns the distinct, usable values of a kind.
func (r *reading) all(k kind, rule func(string) (string, bool)) []string {
	var values []string
	for _, column := range r.columns[k] {
		text := strings.TrimSpace(r.row.Cell(column).Text())
		if text == "" {
			continue
		}
		if value, ok := rule(text); !ok {
			r.bad = append(r.bad, k)
		} else if !slices.Contains(values, value) {
			values = append(values, value)
		}
	}
	return values
}

// first returns the first value of a kind, or "".
func (r *reading) first(k kind, rule func(string) (string, bool)) string {
	if values := r.all(k, rule); len(values) > 0 {
		return values[0]
	}
	return ""
}

func join(kinds []kind) string {
	parts := make([]string, len(kinds))
	for i, k := range kinds {
		parts[i] = string(k)
	}
	return strings.Join(parts, ", ")
}

// LeftOut lists the number of values that were left out by kind.
func (p *People) LeftOut() string {
	var parts []string
	for _, k := range kinds {
		if n := p.unusable[k]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d of %s", n, k))
		}
	}
	return strings.Join(parts, ", ")
}
