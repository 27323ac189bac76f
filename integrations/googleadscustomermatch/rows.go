package googleadscustomermatch

import (
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/google/datamanager"
	"integrationhub.dev/integrations/internal/pii"
)

// identifier is a value or an address that identifies a person. It has one member:
// https://developers.google.com/google-ads/api/reference/rpc/latest/UserIdentifier
type identifier struct {
	Email   string   `json:"hashed_email,omitempty"`
	Phone   string   `json:"hashed_phone_number,omitempty"`
	Mobile  string   `json:"mobile_id,omitempty"`
	Address *address `json:"address_info,omitempty"`
}

// address is a person's name and place. Google matches it as a whole. Customer Match has no street,
// city or state:
// https://developers.google.com/google-ads/api/reference/rpc/latest/OfflineUserAddressInfo
type address struct {
	First   string `json:"hashed_first_name"`
	Last    string `json:"hashed_last_name"`
	Country string `json:"country_code"`
	Postal  string `json:"postal_code"`
}

// person has the identifiers of a row.
type person []identifier

// member returns the person in the form of the Data Manager API.
func (p person) member() datamanager.AudienceMember {
	var (
		mobile  []string
		contact []datamanager.UserIdentifier
	)
	for _, i := range p {
		switch {
		case i.Mobile != "":
			mobile = append(mobile, i.Mobile)
		case i.Address != nil:
			contact = append(contact, datamanager.UserIdentifier{Address: &datamanager.Address{
				GivenName: i.Address.First, FamilyName: i.Address.Last, RegionCode: i.Address.Country, PostalCode: i.Address.Postal,
			}})
		default:
			contact = append(contact, datamanager.UserIdentifier{Email: i.Email, Phone: i.Phone})
		}
	}
	if len(mobile) > 0 {
		return datamanager.AudienceMember{Mobile: &datamanager.MobileData{IDs: mobile}}
	}
	return datamanager.AudienceMember{Composite: &datamanager.CompositeData{User: datamanager.UserData{Identifiers: contact}}}
}

// kind is what a column holds.
type kind string

const (
	kindEmail   kind = "email"
	kindPhone   kind = "phone"
	kindFirst   kind = "first name"
	kindLast    kind = "last name"
	kindCountry kind = "country"
	kindPostal  kind = "postal code"
	kindMobile  kind = "mobile device ID"
)

// kinds is the order in messages.
var kinds = []kind{kindEmail, kindPhone, kindFirst, kindLast, kindCountry, kindPostal, kindMobile}

// addressKinds are the required parts of an address.
var addressKinds = []kind{kindFirst, kindLast, kindCountry, kindPostal}

// labelled is a kind and the pattern of its columns' labels.
type labelled struct {
	kind  kind
	label *regexp.Regexp
}

// contactKinds match columns by label, since json_label has no tags. The first match counts, so that
// "Email Address" is not a street as in the reference.
var contactKinds = []labelled{
	{kindEmail, regexp.MustCompile(`\be ?mail` + suffix)},
	{kindPhone, regexp.MustCompile(`phone` + suffix)},
	{kindFirst, regexp.MustCompile(`\b(first|given|fore) ?name\b|\bfirst$`)},
	{kindLast, regexp.MustCompile(`\b(last|family|sur) ?name\b|\blast$`)},
	{kindPostal, regexp.MustCompile(`\bzip|\bpostal\b|\bpost ?code\b`)},
	{kindCountry, regexp.MustCompile(`\bcountry\b`)},
}

// suffix matches what may follow the name of an address or number.
const suffix = `( ?(address|number|num|no|id|hash|hashed|sha ?256))?( ?[0-9]+)?$`

// looseKinds are for results without such columns: "Email Opt In" is only used if there is no better
// column.
var looseKinds = []labelled{
	{kindEmail, regexp.MustCompile(`\be ?mail`)},
	{kindPhone, regexp.MustCompile(`phone`)},
}

// deviceLabel matches columns with device IDs.
var deviceLabel = regexp.MustCompile(`\bidfa\b|\baaid\b|\bgaid\b|\bidentifier for (advertisers|advertising)\b|\badvertising id|` +
	`\badvertiser assigned user|\bgoogle advertising|\b(mobile|device) id\b`)

var separators = regexp.MustCompile(`[^\pL\pN]+`)

// columns maps kinds to columns. A person can have several email addresses, phone numbers and
// devices, but one name and place.
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

// rules are what the APIs have different rules for.
type rules struct {
	name, mobile func(string) (string, bool)
	// maxIdentifiers is the limit for a person.
	maxIdentifiers int
}

var apiRules = map[api]rules{
	googleAds:   {name: pii.GoogleName, mobile: unchanged, maxIdentifiers: 20},
	dataManager: {name: pii.PlainGoogleName, mobile: advertisingID, maxIdentifiers: datamanager.MaxIdentifiers},
}

func unchanged(text string) (string, bool) { return text, true }

var uuid = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)

// advertisingID accepts UUIDs, as the IDs of Google and Apple are. Any other ID would make Google reject
// the whole request.
func advertisingID(text string) (string, bool) { return text, uuid.MatchString(text) }

// people converts the rows of a result to people.
type people struct {
	table   *action.Table
	columns columns
	// hash means that the hub hashes the values. Otherwise they must be hashes.
	hash bool
	// country is the default for phone numbers.
	country string
	// rules are those of the API.
	rules rules
	// unusable counts the values by kind that were left out of valid rows.
	unusable map[kind]int
	// truncated is the error that ended the source early.
	truncated error
}

func newPeople(table *action.Table, in input) (*people, error) {
	p := &people{
		table: table, columns: identify(table.Columns, in.Mobile), hash: in.Hashing == "yes",
		country: string(in.PhoneCountry), rules: apiRules[in.API], unusable: map[kind]int{},
	}
	switch {
	case len(table.Columns) == 0: // no rows, and json_label has no columns without rows
	case in.Mobile && !p.columns.have(kindMobile):
		return nil, action.Errorf(action.Invalid, "The query has no column with mobile device IDs. Its label must contain IDFA, "+
			"AAID, Mobile ID or Advertising ID.")
	case !in.Mobile && !p.columns.have(kindEmail) && !p.columns.have(kindPhone) && !p.columns.have(addressKinds...):
		return nil, action.Errorf(action.Invalid, "The query has no column that identifies people. It needs a label "+
			"that contains Email or Phone, or all of First Name, Last Name, Country and Postal Code.")
	}
	return p, nil
}

// have reports whether there is a column of each kind.
func (c columns) have(kinds ...kind) bool {
	return !slices.ContainsFunc(kinds, func(k kind) bool { return len(c[k]) == 0 })
}

// all yields the people, and rejects rows that identify no one.
func (p *people) all() iter.Seq2[person, error] {
	return func(yield func(person, error) bool) {
		for row, err := range p.table.Rows() {
			var one person
			if err != nil {
				p.truncated = err
			} else if one, err = p.person(row); err != nil {
				err = deliver.Reject(err)
			}
			if !yield(one, err) {
				return
			}
		}
	}
}

// person converts a row. Its error is the reason why the row identifies no one.
func (p *people) person(row action.Row) (person, error) {
	r := reading{people: p, row: row}
	// Phone numbers depend on the country.
	home := r.first(kindCountry, pii.Country)
	land := home
	if land == "" {
		land = p.country
	}
	var all person
	for _, v := range r.all(kindMobile, p.rules.mobile) {
		all = append(all, identifier{Mobile: v})
	}
	for _, v := range r.all(kindEmail, p.hashed(pii.GoogleEmail)) {
		all = append(all, identifier{Email: v})
	}
	for _, v := range r.all(kindPhone, p.hashed(func(text string) (string, bool) { return pii.Phone(text, land) })) {
		all = append(all, identifier{Phone: v})
	}
	a := address{
		First: r.first(kindFirst, p.hashed(p.rules.name)), Last: r.first(kindLast, p.hashed(p.rules.name)),
		Country: home, Postal: r.first(kindPostal, pii.GooglePostalCode),
	}
	if a.First != "" && a.Last != "" && a.Country != "" && a.Postal != "" {
		all = append(all, identifier{Address: &a})
	}
	switch {
	case len(all) > p.rules.maxIdentifiers:
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
func (p *people) hashed(rule func(string) (string, bool)) func(string) (string, bool) {
	if !p.hash {
		return pii.Hashed
	}
	return func(text string) (string, bool) {
		value, ok := rule(text)
		return pii.Hash(value), ok
	}
}

// reading collects the values of a row.
type reading struct {
	*people
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

// leftOut lists the number of values that were left out by kind.
func (p *people) leftOut() string {
	var parts []string
	for _, k := range kinds {
		if n := p.unusable[k]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d of %s", n, k))
		}
	}
	return strings.Join(parts, ", ")
}
