package pii_test

import (
	"strings"
	"testing"

	"integrationhub.dev/integrations/internal/pii"
)

// one adapts a rule without a country.
func one(f func(string) (string, bool)) func(string, string) (string, bool) {
	return func(text, _ string) (string, bool) { return f(text) }
}

type example struct {
	text, country string
	want          string // empty if the value is not valid
}

func check(t *testing.T, f func(text, country string) (string, bool), examples []example) {
	t.Helper()
	for _, e := range examples {
		got, ok := f(e.text, e.country)
		if ok != (e.want != "") || ok && got != e.want {
			t.Errorf("%q in %q: %q, %v, want %q", e.text, e.country, got, ok, e.want)
		}
	}
}

// The values and hashes that Meta publishes:
// https://developers.facebook.com/docs/marketing-api/conversions-api/parameters/customer-information-parameters
// https://developers.facebook.com/docs/marketing-api/audiences/guides/custom-audiences
func TestMetaPublishedHashes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name          string
		f             func(text, country string) (string, bool)
		text, country string
		want, hash    string
	}{
		{
			name: "email", f: one(pii.Email), text: "John_Smith@gmail.com", want: "john_smith@gmail.com",
			hash: "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f",
		},
		{
			name: "phone", f: pii.MetaPhone, text: "(650)555-1212", country: "US", want: "16505551212",
			hash: "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176",
		},
		{
			name: "first name", f: one(pii.MetaName), text: "Mary", want: "mary",
			hash: "6915771be1c5aa0c886870b6951b03d7eafc121fea0e80a5ea83beb7c449f4ec",
		},
		{
			name: "in another script", f: one(pii.MetaName), text: "정", want: "정",
			hash: "8fa8cd9c440be61d0151429310034083132b35975c4bea67fdd74158eb51db14",
		},
		{
			name: "with an accent", f: one(pii.MetaName), text: "Valéry", want: "valéry",
			hash: "08e1996b5dd49e62a4b4c010d44e4345592a863bb9f8e3976219bac29417149c",
		},
		{
			name: "another email", f: one(pii.Email), text: "mary@example.com", want: "mary@example.com",
			hash: "f1904cf1a9d73a55fa5de0ac823c4403ded71afd4c3248d00bdcd0866552bb79",
		},
		{
			name: "another phone", f: pii.MetaPhone, text: "+1 (555) 987-6543", want: "15559876543",
			hash: "1ef970831d7963307784fa8688e8fce101a15685d62aa765fed23f3a2c576a4e",
		},
		{
			name: "country", f: one(pii.MetaCountry), text: "United States", want: "us",
			hash: "79adb2a2fce5c6ba215fe5f27f532d4e7edbac4b6a5e09e1ef3a08084a904621",
		},
		{
			name: "date of birth",
			f: func(text, _ string) (string, bool) {
				y, m, d, ok := pii.MetaBirthDate(text)
				return y + m + d, ok
			},
			text: "2/16/1997", want: "19970216",
			hash: "01acdbf6ec7b4f478a225f1a246e5d6767eeab1a7ffa17f025265b5b94f40f0c",
		},
	} {
		got, ok := tt.f(tt.text, tt.country)
		if !ok {
			t.Errorf("%s: %q is not valid", tt.name, tt.text)
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		if pii.Hash(got) != tt.hash {
			t.Errorf("%s: hash %s, want %s", tt.name, pii.Hash(got), tt.hash)
		}
	}
}

// The forms on the same page, and on
// https://www.facebook.com/business/help/2082575038703844.
func TestMetaPublishedForms(t *testing.T) {
	t.Parallel()
	check(t, pii.MetaPhone, []example{
		{"1-234-567-8910", "", "12345678910"},
		{"12345678910", "", "12345678910"},
		{"+44 844 412 4653", "", "448444124653"},
		{"0044 844 412 4653", "", "448444124653"},
	})
	check(t, one(pii.MetaCity), []example{{"Paris", "", "paris"}, {"London", "", "london"}, {"New York", "", "newyork"}})
	check(t, pii.MetaState, []example{{"AZ", "", "az"}, {"CA", "US", "ca"}, {"New York", "US", "ny"}, {"Normandy", "FR", "normandy"}})
	check(t, pii.MetaZip, []example{
		{"94035", "US", "94035"},
		{"1987", "AU", "1987"},
		{"75018", "FR", "75018"},
		{"M1 1AE", "GB", "m11ae"},
		{"94104-1207", "US", "94104"},
		{"94104-1207", "", "94104"},
	})
	check(t, one(pii.MetaInitial), []example{{"F.", "", "f"}, {"Émilie", "", "é"}, {"J", "", "j"}})
}

func TestEmail(t *testing.T) {
	t.Parallel()
	check(t, one(pii.Email), []example{
		{" User.Name@Example.CO.UK ", "", "user.name@example.co.uk"},
		{"", "", ""},
		{"not-an-address", "", ""},
		{"@example.com", "", ""},
		{"a@b", "", ""},
		{"a@b@example.com", "", ""},
		{"a b@example.com", "", ""},
	})
	// https://developers.google.com/data-manager/api/devguides/concepts/formatting
	check(t, one(pii.GoogleEmail), []example{
		{"Jeffer.Son.Loves.Hiking@gmail.com", "", "jeffersonloveshiking@gmail.com"},
		{"cloudy.sanfrancisco+shopping@gmail.com", "", "cloudysanfrancisco@gmail.com"},
		{"j.d+news+more@GoogleMail.com", "", "jd@googlemail.com"},
		{"user.name+NYC@Example.com", "", "user.name+nyc@example.com"},
		{"j.d+x@gmail.com.example.com", "", "j.d+x@gmail.com.example.com"},
		{" j d @ example.com ", "", "jd@example.com"},
		{".@gmail.com", "", ""},
		{"+news@gmail.com", "", ""},
	})
}

func TestPhone(t *testing.T) {
	t.Parallel()
	check(t, pii.Phone, []example{
		{"+1 800 555 0100", "", "+18005550100"},
		{"800 555 0100", "US", "+18005550100"},
		{"1 (800) 555-0100", "US", "+18005550100"},
		{"020 7946 0958", "GB", "+442079460958"},
		{"442079460958", "GB", "+442079460958"},
		{"+442079460958", "US", "+442079460958"},
		{"+49 30 901820", "", "+4930901820"},
		{"030 901820", "DE", "+4930901820"},
		{"06 12 34 56 78", "FR", "+33612345678"},
		{"+39 06 698 12345", "", "+390669812345"}, // Italy keeps its zero
		{"030 901820", "", ""},
		{"555 987 6543", "US", "+15559876543"}, // not in use, but the length is possible
		{"555 9876", "US", ""},                 // ambiguous without an area code
		{"+1 555 9876", "", ""},
		{"650 555", "US", ""},
		{"+1 23", "", ""},
		{"call me", "US", ""},
		{"", "US", ""},
		{"020 7946 0958", "XX", ""},
	})
}

func TestCountry(t *testing.T) {
	t.Parallel()
	check(t, one(pii.Country), []example{
		{"us", "", "US"},
		{"USA", "", "US"},
		{"United States of America", "", "US"},
		{"The United States", "", "US"},
		{"GB", "", "GB"},
		{"uk", "", "GB"},
		{"United Kingdom", "", "GB"},
		{"gbr", "", "GB"},
		{"Côte d'Ivoire", "", "CI"},
		{"Cote d’Ivoire", "", "CI"},
		{"Curacao", "", "CW"},
		{"Åland Islands", "", "AX"},
		{"Germany", "", "DE"},
		{"Saint Lucia", "", "LC"},
		{"St. Lucia", "", "LC"},
		{"Trinidad and Tobago", "", "TT"},
		{"Bosnia & Herzegovina", "", "BA"},
		{"Türkiye", "", "TR"},
		{"Turkey", "", "TR"},
		{"South Korea", "", "KR"},
		{"Hong Kong", "", "HK"},
		{"Vietnam", "", "VN"},
		{"Viet Nam", "", "VN"},
		{"Czechia", "", "CZ"},
		{"The Netherlands", "", "NL"},
		{"Atlantis", "", ""},
		{"", "", ""},
		{"zz", "", ""},
		{"EU", "", ""},
		{"150", "", ""},
	})
}

func TestNames(t *testing.T) {
	t.Parallel()
	check(t, one(pii.MetaName), []example{
		{" O'Brien-Smith ", "", "obriensmith"}, {"Mary Ann", "", "maryann"}, {"Müller", "", "müller"}, {"123", "", ""}, {"", "", ""},
	})
	check(t, one(pii.MetaInitial), []example{{"", "", ""}, {"?", "", ""}})
	check(t, one(pii.GoogleName), []example{{" Anna-Maria ", "", "anna-maria"}, {"De La Cruz", "", "de la cruz"}, {" ", "", ""}})
	check(t, one(pii.PlainGoogleName), []example{
		{" Anna-Maria ", "", "annamaria"}, {"De La  Cruz", "", "de la cruz"}, {"O'Lee Jr.", "", "olee jr"}, {"José", "", "josé"}, {"-", "", ""},
	})
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	// Meta: "Use a - z only. Lowercase only, with no punctuation, no special characters, and no white space."
	check(t, one(pii.MetaCity), []example{
		{"St. John's", "", "stjohns"},
		{"München", "", "munchen"},
		{"Mu\u0308nchen", "", "munchen"},
		{"SÃO PAULO 2", "", "saopaulo"},
		{"Straßlach", "", "strasslach"},
		{"Łódź", "", "lodz"},
		{"Tromsø", "", "tromso"},
		{"İzmir", "", "izmir"},
		{"Diyarbakır", "", "diyarbakir"},
		{"12", "", ""},
		{"北京", "", ""},
	})
	check(t, pii.MetaState, []example{
		{"north carolina", "", "nc"},
		{"Georgia", "US", "ga"},
		{"N.Y.", "US", "ny"},
		{"Georgia", "GB", "georgia"},
		{"Île-de-France", "FR", "iledefrance"},
		{"Baden-Württemberg", "DE", "badenwurttemberg"},
		{"02", "FR", ""},
		{"", "US", ""},
	})
	check(t, pii.MetaZip, []example{{" K1A 0B1", "CA", "k1a0b1"}, {"12345678", "BR", "12345678"}, {"-", "US", ""}})
	check(t, one(pii.GooglePostalCode), []example{{" SW1A 1AA ", "", "SW1A 1AA"}, {" ", "", ""}})
}

func TestBirth(t *testing.T) {
	t.Parallel()
	check(t, one(pii.MetaBirthYear), []example{
		{"1997", "", "1997"}, {"1997-02", "", "1997"}, {"1997-02-16", "", "1997"}, {"97", "", ""}, {"1899", "", ""}, {"2999", "", ""}, {"", "", ""},
	})
	check(t, one(pii.MetaBirthMonth), []example{
		{"2", "", "02"},
		{"02", "", "02"},
		{"12", "", "12"},
		{"February", "", "02"},
		{"Feb", "", "02"},
		{"1997-02", "", "02"},
		{"1997-02-16 00:00:00", "", "02"},
		{"0", "", ""},
		{"13", "", ""},
		{"none", "", ""},
	})
	check(t, one(pii.MetaBirthDay), []example{
		{"1", "", "01"}, {"16", "", "16"}, {"31", "", "31"}, {"1997-02-16", "", "16"}, {"0", "", ""}, {"32", "", ""}, {"-1", "", ""}, {"", "", ""},
	})
	check(t, func(text, _ string) (string, bool) {
		y, m, d, ok := pii.MetaBirthDate(text)
		return y + "-" + m + "-" + d, ok
	}, []example{
		{"1997-02-16", "", "1997-02-16"},
		{"16 Feb 1997", "", "1997-02-16"},
		{"02-16-1997", "", "1997-02-16"},
		{"19970216", "", "1997-02-16"},
		{"1997-02-16T00:00:00", "", "1997-02-16"},
		{"1997-02-16 00:00:00 UTC", "", "1997-02-16"},
		{"1997-02-16 00:00:00+01", "", "1997-02-16"},
		{"1997-02-30", "", ""},
		{"1797-02-16", "", ""},
		{"16/02/97", "", ""},
	})
}

func TestHashed(t *testing.T) {
	t.Parallel()
	hash := pii.Hash("a")
	check(t, one(pii.Hashed), []example{
		{hash, "", hash},
		{" " + strings.ToUpper(hash) + "\n", "", hash},
		{hash[:63], "", ""},
		{hash[:62], "", ""},
		{"a@example.com", "", ""},
		{"", "", ""},
		{strings.Repeat("g", 64), "", ""},
	})
}

func TestEncodedHash(t *testing.T) {
	t.Parallel()
	// This hash has the characters in which the alphabets of Base64 differ.
	hash, base64 := pii.Hash("h"), "qqlAJmTxpB9A67xSyZk+tmrrNmYClY/fqig7ceZNsSM="
	check(t, one(pii.EncodedHash), []example{
		{strings.ToUpper(hash), "", hash},
		{" " + base64 + "\n", "", hash},
		{strings.TrimSuffix(base64, "="), "", hash},
		{strings.NewReplacer("+", "-", "/", "_").Replace(base64), "", hash},
		{base64[1:], "", ""},
		{base64[:40], "", ""},
		{hash[:62], "", ""},
		{"a@example.com", "", ""},
		{"", "", ""},
	})
}
