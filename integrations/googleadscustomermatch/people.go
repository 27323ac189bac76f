package googleadscustomermatch

import (
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/pii"
)

// identifier is one value, or one address, by which Google finds a person. It has one member:
// https://developers.google.com/google-ads/api/reference/rpc/latest/UserIdentifier
type identifier struct {
	Email   string   `json:"hashed_email,omitempty"`
	Phone   string   `json:"hashed_phone_number,omitempty"`
	Mobile  string   `json:"mobile_id,omitempty"`
	Address *address `json:"address_info,omitempty"`
}

// address is a person by name and place. Google compares it only whole, and for Customer
// Match it takes neither street nor city nor state:
// https://developers.google.com/google-ads/api/reference/rpc/latest/OfflineUserAddressInfo
type address struct {
	First   string `json:"hashed_first_name"`
	Last    string `json:"hashed_last_name"`
	Country string `json:"country_code"`
	Postal  string `json:"postal_code"`
}

// person is all that a row knows of one.
type person []identifier

// maxIdentifiers is how many Google takes for one person.
const maxIdentifiers = 20

// kind is what a column holds.
type kind string

const (
	kindEmail   kind = "email"
	kindPhone   kind = "phone"
	kindFirst   kind = "first name"
	kindLast    kind = "last name"
	kindCountry kind = "country"
	kindPostal  kind = "postal code"
	kindMobile  kind = "mobile device id"
)

// kinds is the order in which they are told.
var kinds = []kind{kindEmail, kindPhone, kindFirst, kindLast, kindCountry, kindPostal, kindMobile}

// addressKinds are the parts of an address, all of which it needs.
var addressKinds = []kind{kindFirst, kindLast, kindCountry, kindPostal}

// labelled is a kind with the labels, in words, of its columns.
type labelled struct {
	kind  kind
	label *regexp.Regexp
}

// Columns are known by words of their labels, the first of these that match: json_label has
// no tags. The reference let the last one win, so that "Email Address" was a street.
var contactKinds = []labelled{
	{kindEmail, regexp.MustCompile(`\be ?mail` + suffix)},
	{kindPhone, regexp.MustCompile(`phone` + suffix)},
	{kindFirst, regexp.MustCompile(`\b(first|given|fore) ?name\b|\bfirst$`)},
	{kindLast, regexp.MustCompile(`\b(last|family|sur) ?name\b|\blast$`)},
	{kindPostal, regexp.MustCompile(`\bzip|\bpostal\b|\bpost ?code\b`)},
	{kindCountry, regexp.MustCompile(`\bcountry\b`)},
}

// suffix is what may follow the name of an address or number.
const suffix = `( ?(address|number|num|no|id|hash|hashed|sha ?256))?( ?[0-9]+)?$`

// looseKinds are for results without such columns: a column that is merely about e-mail, such
// as "Email Opt In", holds no address.
var looseKinds = []labelled{
	{kindEmail, regexp.MustCompile(`\be ?mail`)},
	{kindPhone, regexp.MustCompile(`phone`)},
}

// deviceLabel matches the columns of device ids.
var deviceLabel = regexp.MustCompile(`\bidfa\b|\baaid\b|\bgaid\b|\bidentifier for (advertisers|advertising)\b|\badvertising id|\badvertiser assigned user|\bgoogle advertising|\b(mobile|device) id\b`)

var separators = regexp.MustCompile(`[^\pL\pN]+`)

// columns maps kinds to the columns that hold them. A person can have several addresses,
// numbers and devices, but one name and place.
type columns map[kind][]int

func identify(all []action.Column, devices bool) columns {
	if devices {
		return match(all, []labelled{{kindMobile, deviceLabel}})
	}
	found := match(all, contactKinds)
	for k, columns := range match(all, looseKinds) {
		if !found.have(k) && !slices.ContainsFunc(columns, found.holds) {
			found[k] = columns
		}
	}
	return found
}

// holds reports whether a column is of some kind.
func (c columns) holds(column int) bool {
	for _, columns := range c {
		if slices.Contains(columns, column) {
			return true
		}
	}
	return false
}

func match(all []action.Column, kinds []labelled) columns {
	found := columns{}
	for n, c := range all {
		label := strings.TrimSpace(separators.ReplaceAllString(strings.ToLower(c.Label), " "))
		if i := slices.IndexFunc(kinds, func(k labelled) bool { return k.label.MatchString(label) }); i >= 0 {
			found[kinds[i].kind] = append(found[kinds[i].kind], n)
		}
	}
	return found
}

// people are the rows of a result as Google takes them.
type people struct {
	table   *action.Table
	columns columns
	// hash is whether values are hashed here; otherwise they must be hashes.
	hash bool
	// country is that of phone numbers whose row names none.
	country string
	// unusable counts values that were left out of rows that went.
	unusable map[kind]int
	// broken is what ended the source before its end.
	broken error
}

func newPeople(table *action.Table, in input) (*people, error) {
	p := &people{
		table: table, columns: identify(table.Columns, in.Mobile), hash: in.Hashing == "yes",
		country: string(in.PhoneCountry), unusable: map[kind]int{},
	}
	switch {
	case len(table.Columns) == 0: // no rows, and json_label has no columns without rows
	case in.Mobile && !p.columns.have(kindMobile):
		return nil, action.Errorf(action.Invalid, "The query has no column of mobile device ids: its label must have IDFA, AAID, Mobile ID or Advertising ID in it.")
	case !in.Mobile && !p.columns.have(kindEmail) && !p.columns.have(kindPhone) && !p.columns.have(addressKinds...):
		return nil, action.Errorf(action.Invalid, "The query has no column by which Google Ads could find a person: "+
			"one whose label has Email or Phone in it, or all of First Name, Last Name, Country and Postal Code.")
	}
	return p, nil
}

// have reports whether there is a column of each kind.
func (c columns) have(kinds ...kind) bool {
	return !slices.ContainsFunc(kinds, func(k kind) bool { return len(c[k]) == 0 })
}

// all yields the people, and rejects rows that hold nobody.
func (p *people) all() iter.Seq2[person, error] {
	return func(yield func(person, error) bool) {
		for row, err := range p.table.Rows() {
			var one person
			if err != nil {
				p.broken = err
			} else if one, err = p.person(row); err != nil {
				err = deliver.Reject(err)
			}
			if !yield(one, err) {
				return
			}
		}
	}
}

// person makes one of a row. Its error says why the row holds nobody.
func (p *people) person(row action.Row) (person, error) {
	r := reading{people: p, row: row}
	// The country comes first: it says how to read a phone number.
	home := r.first(kindCountry, pii.Country)
	land := home
	if land == "" {
		land = p.country
	}
	var all person
	for _, v := range r.all(kindMobile, asItIs) {
		all = append(all, identifier{Mobile: v})
	}
	for _, v := range r.all(kindEmail, p.hashed(pii.GoogleEmail)) {
		all = append(all, identifier{Email: v})
	}
	for _, v := range r.all(kindPhone, p.hashed(func(text string) (string, bool) { return pii.Phone(text, land) })) {
		all = append(all, identifier{Phone: v})
	}
	a := address{
		First: r.first(kindFirst, p.hashed(pii.GoogleName)), Last: r.first(kindLast, p.hashed(pii.GoogleName)),
		Country: home, Postal: r.first(kindPostal, pii.GooglePostalCode),
	}
	if a.First != "" && a.Last != "" && a.Country != "" && a.Postal != "" {
		all = append(all, identifier{Address: &a})
	}
	switch {
	case len(all) > maxIdentifiers:
		return nil, action.Errorf(action.Invalid, "A row has more values than Google Ads takes for one person.")
	case len(all) == 0 && len(r.bad) == 0:
		return nil, action.Errorf(action.Invalid, "A row has no value by which Google Ads could find a person.")
	case len(all) == 0:
		return nil, action.Errorf(action.Invalid, "A row has no usable value by which Google Ads could find a person: it is the %s that cannot be used.", join(r.bad))
	}
	for _, k := range r.bad {
		p.unusable[k]++
	}
	return all, nil
}

// hashed is a rule whose result is hashed; or, where the values are hashes already, the rule
// that they are.
func (p *people) hashed(rule func(string) (string, bool)) func(string) (string, bool) {
	if !p.hash {
		return pii.Hashed
	}
	return func(text string) (string, bool) {
		value, ok := rule(text)
		return pii.Hash(value), ok
	}
}

func asItIs(text string) (string, bool) { return text, true }

// reading reads one row.
type reading struct {
	*people
	row action.Row
	bad []kind
}

// all are the values of a kind, each once, without those that cannot be used.
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

// first is the first value of a kind, or empty.
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

// leftOut lists the values that were left out, by kind.
func (p *people) leftOut() string {
	var parts []string
	for _, k := range kinds {
		if n := p.unusable[k]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d of %s", n, k))
		}
	}
	return strings.Join(parts, ", ")
}
