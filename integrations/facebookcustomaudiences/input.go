package facebookcustomaudiences

import (
	"errors"
	"regexp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/pii"
)

// operation is what to do with the audience.
type operation string

const (
	create  operation = "create_audience"
	update  operation = "update_audience"
	replace operation = "replace_audience"
)

// The answers to whether to hash the data.
const (
	doHashing   = "do_hashing"
	doNoHashing = "do_no_hashing"
)

// input is what the Looker user answered.
type input struct {
	Account     graphID   `form:"choose_ad_account"`
	Operation   operation `form:"choose_create_update_replace"`
	Name        string    `form:"create_audience_name"`
	Description string    `form:"create_audience_description"`
	Audience    graphID   `form:"choose_custom_audience"`
	Hash        string    `form:"should_hash"`
	Country     country   `form:"phone_country"`
}

// Validate checks the answers that depend on each other, with the reference's messages.
func (in *input) Validate() error {
	switch {
	case in.Operation != create && in.Operation != update && in.Operation != replace:
		return action.InvalidField("choose_create_update_replace", "Cannot execute action without choosing an operation type.")
	case in.Account == "":
		return action.InvalidField("choose_ad_account", "Cannot execute action without ad account id.")
	case in.Operation != create && in.Audience == "":
		return action.InvalidField("choose_custom_audience", "Cannot update or replace without a custom audience id.")
	case in.Operation == create && (in.Name == "" || in.Description == ""):
		return action.InvalidField("create_audience_name", "Cannot create an audience if name or description are missing.")
	case in.Hash != "" && in.Hash != doHashing && in.Hash != doNoHashing:
		return action.InvalidField("should_hash", `"should_hash" must be do_hashing or do_no_hashing.`)
	}
	return nil
}

// graphID is the ID of an object of the Graph API. It becomes part of URLs.
type graphID string

// UnmarshalText implements [encoding.TextUnmarshaler].
func (id *graphID) UnmarshalText(text []byte) error {
	for _, c := range text {
		if c < '0' || c > '9' {
			return errors.New("must be a number from the form's list")
		}
	}
	*id = graphID(text)
	return nil
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

// apiVersion is a version of the Graph API, such as v25.0.
type apiVersion string

var versionForm = regexp.MustCompile(`^v[0-9]+\.[0-9]+$`)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (v *apiVersion) UnmarshalText(text []byte) error {
	if !versionForm.Match(text) {
		return errors.New("must look like v25.0")
	}
	*v = apiVersion(text)
	return nil
}
