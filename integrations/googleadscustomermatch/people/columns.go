package people

import (
	"regexp"
	"slices"
	"strings"

	"integrationhub.dev/hub/action"
)

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
