package googleadscustomermatch

import (
	"errors"
	"regexp"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/pii"
)

// What to do with the list.
const (
	createList   = "create"
	appendToList = "append"
)

// input is what the Looker user answered.
type input struct {
	Login           customerID `form:"loginCid"`
	Target          customerID `form:"targetCid"`
	Mode            string     `form:"createOrAppend"`
	Mobile          bool       `form:"mobileDevice"`
	App             string     `form:"mobileAppId"`
	Name            string     `form:"newListName"`
	Description     string     `form:"newListDescription"`
	List            listName   `form:"targetUserListRN"`
	Hashing         string     `form:"doHashing"`
	AdUserData      consent    `form:"consentAdUserData"`
	Personalization consent    `form:"consentAdPersonalization"`
	PhoneCountry    country    `form:"phoneCountry"`
}

// Validate checks the answers that depend on each other, with the reference's messages, and sets
// defaults.
func (in *input) Validate() error {
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
	}
	if in.Mode == createList {
		in.List = "" // the form may still hold an earlier answer
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

// country is an ISO 3166-1 alpha-2 code in upper case.
type country string

// UnmarshalText implements [encoding.TextUnmarshaler].
func (c *country) UnmarshalText(text []byte) error {
	code, ok := pii.Country(string(text))
	if !ok {
		return errors.New("must be a country, such as US or Germany")
	}
	*c = country(code)
	return nil
}

// apiVersion is a version of the Google Ads API, such as v24.
type apiVersion string

var versionForm = regexp.MustCompile(`^v[0-9]+$`)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (v *apiVersion) UnmarshalText(text []byte) error {
	if !versionForm.Match(text) {
		return errors.New("must look like v24")
	}
	*v = apiVersion(text)
	return nil
}
