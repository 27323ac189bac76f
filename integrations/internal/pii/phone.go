package pii

import (
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// Phone returns a phone number in E.164 format. country is the default for numbers without a country
// code, as an ISO 3166-1 alpha-2 code in uppercase. If it is empty or does not fit, the number must
// start with a country code, as in 12345678910.
func Phone(text, country string) (string, bool) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "+") {
		return e164(text, "", possible)
	}
	international := "+" + strings.TrimLeft(phonenumbers.NormalizeDigitsOnly(text), "0")
	for _, try := range []struct {
		text, country string
		good          func(*phonenumbers.PhoneNumber) bool
	}{
		// A guess must be a number that is in use.
		{text, country, phonenumbers.IsValidNumber},
		{international, "", phonenumbers.IsValidNumber},
		{text, country, possible},
	} {
		if number, ok := e164(try.text, try.country, try.good); ok {
			return number, true
		}
	}
	return "", false
}

// possible checks only the length, since the library may not know all numbers in use.
func possible(number *phonenumbers.PhoneNumber) bool {
	return phonenumbers.IsPossibleNumberWithReason(number) == phonenumbers.IS_POSSIBLE
}

// MetaPhone returns the digits of a number, starting with the country code.
func MetaPhone(text, country string) (string, bool) {
	text, ok := Phone(text, country)
	return strings.TrimPrefix(text, "+"), ok
}

func e164(text, country string, good func(*phonenumbers.PhoneNumber) bool) (string, bool) {
	number, err := phonenumbers.Parse(text, country)
	if err != nil || !good(number) {
		return "", false
	}
	return phonenumbers.Format(number, phonenumbers.E164), true
}
