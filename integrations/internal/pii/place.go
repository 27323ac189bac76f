package pii

import (
	"regexp"
	"strings"
	"unicode"
)

// MetaCity returns a city's name in lowercase, with the letters a to z only.
func MetaCity(text string) (string, bool) { return romanLetters(text) }

// MetaState returns the ANSI code of a US state in lowercase, or the name of another country's state
// in lowercase, with the letters a to z only. country is an alpha-2 code in uppercase. If it is empty,
// names of US states are converted too.
func MetaState(text, country string) (string, bool) {
	state, ok := romanLetters(text)
	if code := states[state]; code != "" && (country == "" || country == "US") {
		return code, true
	}
	return state, ok
}

// zipPlus4 is a ZIP code of the US with its extension.
var zipPlus4 = regexp.MustCompile(`^[0-9]{5}-[0-9]{4}$`)

// MetaZip returns a postal code in lowercase, without spaces and dashes. In the US it has five digits.
// country is an alpha-2 code in uppercase, or empty.
func MetaZip(text, country string) (string, bool) {
	text = strings.TrimSpace(text)
	american := country == "US" || country == "" && zipPlus4.MatchString(text)
	text = strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, text)
	if american && len(text) > 5 {
		text = text[:5]
	}
	return text, text != ""
}

// GooglePostalCode returns a postal code without surrounding spaces.
func GooglePostalCode(text string) (string, bool) {
	text = strings.TrimSpace(text)
	return text, text != ""
}

// states are the ANSI codes of the US's states, its capital's district and its territories
// (INCITS 38), by their names without spaces.
var states = map[string]string{
	"alabama": "al", "alaska": "ak", "arizona": "az", "arkansas": "ar", "california": "ca", "colorado": "co",
	"connecticut": "ct", "delaware": "de", "districtofcolumbia": "dc", "florida": "fl", "georgia": "ga",
	"hawaii": "hi", "idaho": "id", "illinois": "il", "indiana": "in", "iowa": "ia", "kansas": "ks",
	"kentucky": "ky", "louisiana": "la", "maine": "me", "maryland": "md", "massachusetts": "ma", "michigan": "mi",
	"minnesota": "mn", "mississippi": "ms", "missouri": "mo", "montana": "mt", "nebraska": "ne", "nevada": "nv",
	"newhampshire": "nh", "newjersey": "nj", "newmexico": "nm", "newyork": "ny", "northcarolina": "nc",
	"northdakota": "nd", "ohio": "oh", "oklahoma": "ok", "oregon": "or", "pennsylvania": "pa", "rhodeisland": "ri",
	"southcarolina": "sc", "southdakota": "sd", "tennessee": "tn", "texas": "tx", "utah": "ut", "vermont": "vt",
	"virginia": "va", "washington": "wa", "westvirginia": "wv", "wisconsin": "wi", "wyoming": "wy",
	"americansamoa": "as", "guam": "gu", "northernmarianaislands": "mp", "puertorico": "pr", "usvirginislands": "vi",
	"virginislands": "vi", "washingtondc": "dc",
}
