package conversion

import (
	"slices"

	"integrationhub.dev/hub/action"
)

// TagTime is the LookML tag of the column with the time of the conversion.
const TagTime = "google_ads_conversion_time"

// The tags of the other columns.
const (
	tagGclid           = "google_ads_gclid"
	tagGbraid          = "google_ads_gbraid"
	tagWbraid          = "google_ads_wbraid"
	tagTransaction     = "google_ads_transaction_id"
	tagValue           = "google_ads_conversion_value"
	tagCurrency        = "google_ads_currency"
	tagEmail           = "email"
	tagPhone           = "phone"
	tagFirst           = "google_ads_first_name"
	tagLast            = "google_ads_last_name"
	tagCountry         = "google_ads_country"
	tagPostal          = "google_ads_postal_code"
	tagUserData        = "google_ads_consent_ad_user_data"
	tagPersonalization = "google_ads_consent_ad_personalization"
)

// IdentifierTags are the tags of which a query needs one.
var IdentifierTags = []string{tagGclid, tagGbraid, tagWbraid, tagEmail, tagPhone, tagFirst}

// columns are the indices of the columns by tag. Only email addresses and phone numbers can have several.
type columns map[string][]int

func mapColumns(table *action.Table) (columns, error) {
	found := columns{}
	for i, c := range table.Columns {
		for _, tag := range c.Tags {
			found[tag] = append(found[tag], i)
		}
	}
	has := func(tag string) bool { return len(found[tag]) > 0 }
	address := has(tagFirst) && has(tagLast) && has(tagCountry) && has(tagPostal)
	switch {
	case len(table.Pivots) > 0:
		return nil, action.Errorf(action.Invalid, "The query is pivoted, but a conversion has one value. Remove the pivot.")
	case !has(TagTime):
		return nil, action.Errorf(action.Invalid, "The query needs a field tagged %s.", TagTime)
	case !address && !slices.ContainsFunc([]string{tagGclid, tagGbraid, tagWbraid, tagEmail, tagPhone}, has):
		return nil, action.Errorf(action.Invalid, "The query needs a field tagged %s, %s, %s, %s or %s, or all of %s, %s, %s and %s.",
			tagGclid, tagGbraid, tagWbraid, tagEmail, tagPhone, tagFirst, tagLast, tagCountry, tagPostal)
	}
	return found, nil
}
