package googleadscustomermatch

import (
	"errors"
	"regexp"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/choice"
	"integrationhub.dev/integrations/internal/pii"
)

// api is one of Google's APIs for Customer Match.
type api string

const (
	// dataManager is the API for new schedules. Google accepts no new users of the other one since April
	// 2026: https://developers.google.com/ads/blog/posts/2026/03/changes-to-customer-match-support-in
	dataManager api = "data_manager"
	// googleAds is the API of schedules that name none: they are older than the choice.
	googleAds api = "google_ads"
)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (a *api) UnmarshalText(text []byte) error {
	return choice.Parse(a, string(text), dataManager, googleAds)
}

// termsAccepted is the answer that Google's terms are accepted.
const termsAccepted = "accepted"

// What to do with the list.
const (
	createList   = "create"
	appendToList = "append"
)

// input is what the Looker user answered.
type input struct {
	API             api             `form:"google_api"`
	Login           customerID      `form:"loginCid"`
	Target          customerID      `form:"targetCid"`
	Mode            string          `form:"createOrAppend"`
	Mobile          bool            `form:"mobileDevice"`
	App             string          `form:"mobileAppId"`
	Name            string          `form:"newListName"`
	Description     string          `form:"newListDescription"`
	List            listName        `form:"targetUserListRN"`
	Hashing         string          `form:"doHashing"`
	AdUserData      consent         `form:"consentAdUserData"`
	Personalization consent         `form:"consentAdPersonalization"`
	PhoneCountry    pii.CountryCode `form:"phoneCountry"`
	Terms           string          `form:"customer_match_terms"`
	Mirror          bool            `form:"mirror"`
}

// Validate checks the answers that depend on each other, with the reference's messages, and sets
// defaults.
func (in *input) Validate() error {
	if in.API == "" {
		in.API = googleAds
	}
	if in.Target == "" {
		in.Target = in.Login
	}
	switch {
	case in.Login == "":
		return missing("loginCid", "Login account id is missing")
	case in.Mode != createList && in.Mode != appendToList:
		return missing("createOrAppend", "createOrAppend must be either 'create' or 'append' (got '%s')", in.Mode)
	case in.Mobile && in.App == "":
		return missing("mobileAppId", "Mobile application id is missing")
	case in.Hashing != "yes" && in.Hashing != "no":
		return missing("doHashing", "Hashing must be either 'yes' or 'no' (got '%s')", in.Hashing)
	case in.Mode == createList && in.Name == "":
		return missing("newListName", "Name for new list is missing")
	case in.Mode == appendToList && in.List == "":
		return missing("targetUserListRN", "List resource name is missing or could not be created")
	case in.API == dataManager && in.Terms != termsAccepted:
		return action.InvalidField("customer_match_terms", "Google requires that the account has accepted the Customer Match terms. "+
			"Confirm it in the form.")
	}
	if in.Mode == createList { // the form may still hold earlier answers
		in.List, in.Mirror = "", false
	}
	return nil
}

func missing(field, format string, args ...any) error {
	return action.InvalidField(field, "MissingRequiredParamsError: "+format, args...)
}

// customerID is the ID of a Google Ads account. It becomes part of URLs.
type customerID string

var digits = regexp.MustCompile(`^[0-9]+$`)

// UnmarshalText implements [encoding.TextUnmarshaler]. People write the ID with dashes.
func (id *customerID) UnmarshalText(text []byte) error {
	plain := strings.ReplaceAll(string(text), "-", "")
	if !digits.MatchString(plain) {
		return errors.New("must be an account ID from the form's list")
	}
	*id = customerID(plain)
	return nil
}

// listName is the resource name of a list.
type listName string

var listForm = regexp.MustCompile(`^customers/[0-9]+/userLists/[0-9]+$`)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (n *listName) UnmarshalText(text []byte) error {
	if !listForm.Match(text) {
		return errors.New("must be the resource name of a list from the form's list")
	}
	*n = listName(text)
	return nil
}

// consent is the consent of the people in the list.
type consent string

// UnmarshalText implements [encoding.TextUnmarshaler].
func (c *consent) UnmarshalText(text []byte) error {
	switch v := consent(text); v {
	case "UNSPECIFIED", "GRANTED", "DENIED":
		*c = v
		return nil
	}
	return errors.New("must be UNSPECIFIED, GRANTED or DENIED")
}

// apiVersion is a version of the Google Ads API, such as v25.
type apiVersion string

var versionForm = regexp.MustCompile(`^v[0-9]+$`)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (v *apiVersion) UnmarshalText(text []byte) error {
	if !versionForm.Match(text) {
		return errors.New("must look like v25")
	}
	*v = apiVersion(text)
	return nil
}
