package people

import (
	"regexp"

	"integrationhub.dev/integrations/internal/google/datamanager"
	"integrationhub.dev/integrations/internal/pii"
)

// Rules are what Google's APIs have different rules for.
type Rules struct {
	name, mobile func(string) (string, bool)
	// maxIdentifiers is the limit for a person.
	maxIdentifiers int
}

// The rules of the APIs. A person has at most 20 values in the Google Ads API.
var (
	GoogleAds   = Rules{name: pii.GoogleName, mobile: unchanged, maxIdentifiers: 20}
	DataManager = Rules{name: pii.PlainGoogleName, mobile: advertisingID, maxIdentifiers: datamanager.MaxIdentifiers}
)

func unchanged(text string) (string, bool) { return text, true }

var uuid = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)

// advertisingID accepts UUIDs, as the IDs of Google and Apple are. Any other ID would make Google reject
// the whole request.
func advertisingID(text string) (string, bool) { return text, uuid.MatchString(text) }
