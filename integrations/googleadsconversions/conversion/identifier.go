package conversion

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/pii"
)

// identifier is a hashed value or an address that identifies a person. It has one member:
// https://developers.google.com/data-manager/api/reference/rest/v1/UserIdentifier
type identifier struct {
	email, phone string
	address      *address
}

// address is a person's name and place, which Google matches as a whole. The names are hashed.
type address struct{ first, last, country, postal string }

// key identifies the identifier among others.
func (i identifier) key() string {
	if i.address != nil {
		return strings.Join([]string{"address", i.address.first, i.address.last, i.address.country, i.address.postal}, ":")
	}
	return "email:" + i.email + " phone:" + i.phone
}

// identifiers returns the distinct identifiers of a row, and the tags of values that are not usable.
func (r *Reader) identifiers(row action.Row) (all []identifier, unusable []string) {
	values := func(tag string, rule func(string) (string, bool)) []string {
		var usable []string
		for _, column := range r.columns[tag] {
			text := strings.TrimSpace(row.Cell(column).Text())
			if text == "" {
				continue
			}
			if value, ok := rule(text); !ok {
				unusable = append(unusable, tag)
			} else if !slices.Contains(usable, value) {
				usable = append(usable, value)
			}
		}
		return usable
	}
	first := func(tag string, rule func(string) (string, bool)) string {
		if usable := values(tag, rule); len(usable) > 0 {
			return usable[0]
		}
		return ""
	}
	country := first(tagCountry, pii.Country)
	for _, v := range values(tagEmail, hashed(pii.GoogleEmail)) {
		all = append(all, identifier{email: v})
	}
	phoneCountry := country
	if phoneCountry == "" {
		phoneCountry = r.PhoneCountry
	}
	for _, v := range values(tagPhone, hashed(func(text string) (string, bool) { return pii.Phone(text, phoneCountry) })) {
		all = append(all, identifier{phone: v})
	}
	a := address{
		first: first(tagFirst, hashed(pii.PlainGoogleName)), last: first(tagLast, hashed(pii.PlainGoogleName)),
		country: country, postal: first(tagPostal, pii.GooglePostalCode),
	}
	if a.first != "" && a.last != "" && a.country != "" && a.postal != "" {
		all = append(all, identifier{address: &a})
	}
	return all, unusable
}

// hashed hashes what a rule accepts. Hashes stay as they are: no address, number or name looks like one.
func hashed(rule func(string) (string, bool)) func(string) (string, bool) {
	return func(text string) (string, bool) {
		if hash, ok := pii.Hashed(text); ok {
			return hash, true
		}
		value, ok := rule(text)
		return pii.Hash(value), ok
	}
}

// identifierNames are the names of identifiers in messages, in their order.
var identifierNames = []struct{ tag, name string }{
	{tagEmail, "email"},
	{tagPhone, "phone"},
	{tagFirst, "first name"},
	{tagLast, "last name"},
	{tagCountry, "country"},
	{tagPostal, "postal code"},
}

// LeftOut is a sentence about the values that were left out of rows that were sent, with a space before it.
func (r *Reader) LeftOut() string {
	var parts []string
	for _, n := range identifierNames {
		if count := r.unusable[n.tag]; count > 0 {
			parts = append(parts, fmt.Sprintf("%d of %s", count, n.name))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " Unusable values were left out: " + strings.Join(parts, ", ") + "."
}

func rowName(n int) string { return "row " + strconv.Itoa(n) }
