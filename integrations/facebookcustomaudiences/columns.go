package facebookcustomaudiences

import (
	"regexp"
	"slices"
	"strings"

	"integrationhub.dev/hub/action"
)

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
