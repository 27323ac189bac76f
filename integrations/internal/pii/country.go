package pii

import (
	"errors"
	"maps"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// Country returns the ISO 3166-1 alpha-2 code, in uppercase, of a country's two-letter or
// three-letter code or English name.
func Country(text string) (string, bool) {
	text = strings.TrimSpace(text)
	if len(text) == 2 || len(text) == 3 {
		if region, err := language.ParseRegion(text); err == nil && region.IsCountry() {
			return region.Canonicalize().String(), true
		}
	}
	code, ok := countryNames()[plainName(text)]
	return code, ok
}

// CountryCode is an ISO 3166-1 alpha-2 code, in uppercase.
type CountryCode string

// UnmarshalText implements [encoding.TextUnmarshaler] for what [Country] accepts.
func (c *CountryCode) UnmarshalText(text []byte) error {
	code, ok := Country(string(text))
	if !ok {
		return errors.New("must be a country, such as US or Germany")
	}
	*c = CountryCode(code)
	return nil
}

// MetaCountry returns the code in lowercase.
func MetaCountry(text string) (string, bool) {
	code, ok := Country(text)
	return strings.ToLower(code), ok
}

// otherNames are names of ISO 3166 and common names that are missing in Unicode's list.
var otherNames = map[string]string{
	"united states of america": "US", "great britain": "GB", "holland": "NL", "czech republic": "CZ",
	"viet nam": "VN", "russian federation": "RU", "republic of korea": "KR", "korea": "KR",
	"hong kong": "HK", "macau": "MO", "macao": "MO", "ivory coast": "CI", "turkiye": "TR",
	"north macedonia": "MK", "eswatini": "SZ", "cabo verde": "CV", "burma": "MM", "vatican": "VA",
	"palestine": "PS", "democratic republic of the congo": "CD", "republic of the congo": "CG",
	"iran islamic republic of": "IR", "syrian arab republic": "SY", "republic of moldova": "MD",
	"united republic of tanzania": "TZ", "lao peoples democratic republic": "LA", "brunei darussalam": "BN",
	"united kingdom of great britain and northern ireland": "GB", "micronesia federated states of": "FM",
	"bolivia plurinational state of": "BO", "venezuela bolivarian republic of": "VE", "taiwan province of china": "TW",
}

// countryNames maps plain names to codes. The names are those of Unicode's CLDR.
var countryNames = sync.OnceValue(func() map[string]string {
	names := map[string]string{}
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			region, err := language.ParseRegion(string([]rune{a, b}))
			if err != nil || !region.IsCountry() || region.Canonicalize() != region {
				continue // not a country, or an obsolete code
			}
			if name := display.English.Regions().Name(region); name != "" {
				names[plainName(name)] = region.String()
			}
		}
	}
	maps.Copy(names, otherNames)
	return names
})

// plainName returns a name without accents, punctuation and a leading "the". It spells out "&" and "St.".
func plainName(name string) string {
	words := strings.FieldsFunc(strings.ToLower(strings.ReplaceAll(withoutAccents(name), "&", " and ")), func(r rune) bool {
		return r != '\'' && r != '’' && !unicode.IsLetter(r)
	})
	for i, word := range words {
		if word == "st" {
			words[i] = "saint"
		}
	}
	if len(words) > 1 && words[0] == "the" {
		words = words[1:]
	}
	return strings.NewReplacer("'", "", "’", "").Replace(strings.Join(words, " "))
}
