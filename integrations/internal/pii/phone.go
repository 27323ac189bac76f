package pii

import (
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// Phone is a number in E.164: "+", the country's code and the subscriber's number. A number
// that is written without a country's code is one of the country, an ISO 3166-1 alpha-2 code in
// upper case; where that is empty or does not fit, it must begin with the code all the same,
// as in 12345678910.
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
		// What is a guess must be a number that is in use.
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

// possible numbers are as long as they are in their country. The library may not know yet
// which of them are in use.
func possible(number *phonenumbers.PhoneNumber) bool {
	return phonenumbers.IsPossibleNumberWithReason(number) == phonenumbers.IS_POSSIBLE
}

// MetaPhone is a number's digits, the country's code first, without a "+".
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
