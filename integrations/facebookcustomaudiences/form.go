package facebookcustomaudiences

import (
	"cmp"
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/pii"
)

// Form implements [action.FormBuilder]. A request checks the sign-in. Only an invalid grant asks
// for a new one; any other error is returned as it is.
func (i *Integration) Form(ctx context.Context, req *action.Request) (*action.Form, error) {
	c, err := i.open(req)
	switch {
	case err != nil:
		return nil, err
	case c == nil:
		return loginForm(req, ""), nil
	}
	fields, err := c.fields(ctx, req.Form)
	if action.KindOf(err) == action.Unauthenticated && !c.system {
		return loginForm(req, "The sign-in at Facebook is no longer valid. "), nil
	}
	if err != nil {
		return nil, err
	}
	return &action.Form{Fields: fields}, nil
}

func loginForm(req *action.Request, why string) *action.Form {
	return &action.Form{
		Fields: []action.Field{{
			Name: "login", Type: action.OAuthLink, Label: "Log in to Facebook", OAuthURL: req.LoginURL,
			Description: why + "In order to use Facebook Custom Audiences as a destination, you will need to log in once to your Facebook account.",
		}},
		State: &action.State{Data: action.Reset},
	}
}

// fields returns the questions so far: each depends on the answers before it.
func (c *client) fields(ctx context.Context, answers map[string]string) ([]action.Field, error) {
	accounts, err := c.list(ctx, "me/adaccounts", "name,account_id")
	if err != nil {
		return nil, err
	}
	fields := []action.Field{{
		Name: "choose_ad_account", Label: "Choose a Facebook ad account", Type: action.Select, Required: true, Interactive: true,
		Options: options(accounts, func(n named) string { return n.Account }),
	}}
	var account graphID
	if err := account.UnmarshalText([]byte(answers["choose_ad_account"])); err != nil {
		return nil, action.InvalidField("choose_ad_account", "Choose an ad account from the list.")
	}
	if account == "" {
		return fields, nil
	}
	fields = append(fields, action.Field{
		Name: "choose_create_update_replace", Label: "Would you like to create a new audience, update existing, or replace existing?",
		Type: action.Select, Required: true, Interactive: true, Default: string(create),
		Options: []action.Option{
			{Name: string(create), Label: "Create new audience"},
			{Name: string(update), Label: "Update existing audience"},
			{Name: string(replace), Label: "Replace existing audience"},
			{Name: string(remove), Label: "Remove from existing audience"},
		},
	})
	switch chosen := operation(answers["choose_create_update_replace"]); chosen {
	case create, "":
		fields = append(fields,
			action.Field{
				Name: "create_audience_name", Label: "New audience name", Type: action.String, Required: true,
				Description: "Each delivery creates an audience. For a schedule, create one once, and update or replace it from then on.",
			},
			action.Field{Name: "create_audience_description", Label: "New audience description", Type: action.String, Required: true})
	case update, replace, remove:
		audiences, err := c.list(ctx, "act_"+string(account)+"/customaudiences", "name")
		if err != nil {
			return nil, err
		}
		fields = append(fields, audienceField(chosen, audiences))
	default:
		return fields, nil
	}
	return append(fields, hashField, countryField), nil
}

func audienceField(chosen operation, audiences []named) action.Field {
	f := action.Field{
		Name: "choose_custom_audience", Label: "Choose an audience to update", Type: action.Select, Required: true,
		Options: options(audiences, func(n named) string { return n.ID }),
	}
	switch chosen {
	case create, update:
	case replace:
		f.Label = "Choose an audience to replace"
		f.Description = "Replaces everyone in the audience with the people in the query."
	case remove:
		f.Label = "Choose an audience to remove people from"
		f.Description = "Removes the people in the query from the audience, and keeps all others."
	}
	if len(audiences) == 0 {
		f.Description = "The ad account has no Custom Audiences. Create one."
	}
	return f
}

var hashField = action.Field{
	Name: "should_hash", Label: "Should the data be hashed first?", Type: action.Select, Required: true, Default: doHashing,
	Options:     []action.Option{{Name: doHashing, Label: "Yes"}, {Name: doNoHashing, Label: "No"}},
	Description: "Choose No only if the query's values are SHA-256 hashes. With No, other values are not sent.",
}

var countryField = action.Field{
	Name: "phone_country", Label: "Country of phone numbers", Type: action.String,
	Description: "For phone numbers without a country code, if the query has no country column. A code such as US, or a name.",
}

// options returns options sorted by label.
func options(all []named, id func(named) string) []action.Option {
	options := make([]action.Option, len(all))
	for i, n := range all {
		options[i] = action.Option{Name: id(n), Label: n.Name}
	}
	slices.SortStableFunc(options, func(a, b action.Option) int {
		return cmp.Compare(strings.ToLower(a.Label), strings.ToLower(b.Label))
	})
	return options
}

// operation is what to do with the audience.
type operation string

const (
	create  operation = "create_audience"
	update  operation = "update_audience"
	replace operation = "replace_audience"
	remove  operation = "remove_audience"
)

var operations = []operation{create, update, replace, remove}

// The answers to whether to hash the data.
const (
	doHashing   = "do_hashing"
	doNoHashing = "do_no_hashing"
)

// input is what the Looker user answered.
type input struct {
	Account     graphID         `form:"choose_ad_account"`
	Operation   operation       `form:"choose_create_update_replace"`
	Name        string          `form:"create_audience_name"`
	Description string          `form:"create_audience_description"`
	Audience    graphID         `form:"choose_custom_audience"`
	Hash        string          `form:"should_hash"`
	Country     pii.CountryCode `form:"phone_country"`
}

// Validate checks the answers that depend on each other, with the reference's messages.
func (in *input) Validate() error {
	switch {
	case !slices.Contains(operations, in.Operation):
		return action.InvalidField("choose_create_update_replace", "Cannot execute action without choosing an operation type.")
	case in.Account == "":
		return action.InvalidField("choose_ad_account", "Cannot execute action without ad account id.")
	case in.Operation == remove && in.Audience == "":
		return action.InvalidField("choose_custom_audience", "Cannot remove people without a custom audience id.")
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

// apiVersion is a version of the Graph API, such as v27.0.
type apiVersion string

var versionForm = regexp.MustCompile(`^v[0-9]+\.[0-9]+$`)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (v *apiVersion) UnmarshalText(text []byte) error {
	if !versionForm.Match(text) {
		return errors.New("must look like v27.0")
	}
	*v = apiVersion(text)
	return nil
}
