package googleadscustomermatch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/panics"
	"integrationhub.dev/integrations/internal/google"
	"integrationhub.dev/integrations/internal/pii"
)

// Form implements [action.FormBuilder]. A request checks the sign-in. Only an invalid grant asks
// for a new one; any other error is returned as it is.
func (i *Integration) Form(ctx context.Context, req *action.Request) (*action.Form, error) {
	c := i.open(req.State, "")
	if !c.SignedIn() {
		return google.LoginForm(req, ""), nil
	}
	fields, err := c.fields(ctx, req.Form)
	if action.KindOf(err) == action.Unauthenticated && err != nil {
		return google.LoginForm(req, action.MessageOf(err)+" "), nil
	}
	if err != nil {
		return nil, err
	}
	return &action.Form{Fields: fields, State: c.State()}, nil
}

// answers are the form's answers so far.
type answers map[string]string

// account reads an answer that is an account.
func (a answers) account(field string) (id customerID, err error) {
	if text := a[field]; text != "" {
		if err := id.UnmarshalText([]byte(text)); err != nil {
			return "", action.InvalidField(field, "Choose an account from the list.")
		}
	}
	return id, nil
}

// fields returns the questions so far: each depends on the answers before it.
func (c *client) fields(ctx context.Context, a answers) ([]action.Field, error) {
	fields, target, err := c.accounts(ctx, a)
	if err != nil || target == "" {
		return fields, err
	}
	fields = append(fields, action.Field{
		Name: "createOrAppend", Label: "Step 2a) Create a new list or append to existing?",
		Type: action.Select, Required: true, Interactive: true,
		Default: a["createOrAppend"],
		Options: []action.Option{{Name: createList, Label: "Create new list"}, {Name: appendToList, Label: "Append to existing"}},
	})
	if a["createOrAppend"] == "" {
		return fields, nil
	}
	fields = append(fields, action.Field{
		Name: "mobileDevice", Label: "Step 2b) Are you sending Mobile Device ID data?", Type: action.Select, Required: true, Interactive: true,
		Default: a["mobileDevice"], Options: yesNo,
	})
	if a["mobileDevice"] == "" {
		return fields, nil
	}
	if a["mobileDevice"] == "yes" {
		fields = append(fields, action.Field{
			Name: "mobileAppId", Label: "Step 2c) Enter the mobile application ID", Type: action.String, Required: true, Default: a["mobileAppId"],
		})
	}
	more, complete, err := c.list(ctx, a, target)
	if err != nil {
		return nil, err
	}
	if fields = append(fields, more...); !complete {
		return fields, nil
	}
	return append(fields, hashing(a)...), nil
}

var yesNo = []action.Option{{Name: "yes", Label: "Yes"}, {Name: "no", Label: "No"}}

// accounts asks for the login account and the target account, which is empty until it is chosen.
func (c *client) accounts(ctx context.Context, a answers) (fields []action.Field, target customerID, err error) {
	login, err := a.account("loginCid")
	if err != nil {
		return nil, "", err
	}
	choice := action.Field{
		Name: "loginCid", Label: "Step 1) Choose login account", Type: action.Select, Required: true, Interactive: true, Default: string(login),
	}
	if login == "" {
		all, err := c.describeAll(ctx)
		choice.Options = options(all)
		return []action.Field{choice}, "", err
	}
	c.act(login)
	chosen, err := c.query(ctx, login, describeQuery)
	if err != nil {
		return nil, "", err
	}
	choice.Options = options(chosen)
	fields = []action.Field{choice}
	if len(chosen) == 0 || !chosen[0].Customer.Manager {
		return fields, login, nil
	}
	if target, err = a.account("targetCid"); err != nil {
		return nil, "", err
	}
	below, err := c.query(ctx, login, belowQuery)
	if err != nil {
		return nil, "", err
	}
	field := action.Field{
		Name: "targetCid", Label: "Step 1b) Choose target account", Type: action.Select, Required: true, Interactive: true,
		Default: string(target),
		Options: options(below),
	}
	if target != "" {
		below = slices.DeleteFunc(below, func(r result) bool { return r.Customer.ID != string(target) })
		field.Options = append(options(below), action.Option{Name: "", Label: "Reset..."})
	}
	return append(fields, field), target, nil
}

const (
	describeQuery = "SELECT customer_client.id, customer_client.descriptive_name, customer_client.manager FROM customer_client " +
		"WHERE customer_client.level = 0"
	belowQuery = "SELECT customer_client.id, customer_client.descriptive_name, customer_client.manager FROM customer_client " +
		"WHERE customer_client.status NOT IN ('CANCELED', 'SUSPENDED')"
)

// describeConcurrency is the maximum number of concurrent calls of a form.
const describeConcurrency = 8

// describeAll looks up the accounts that the user can access, without closed ones.
func (c *client) describeAll(ctx context.Context) ([]result, error) {
	ids, err := c.accessible(ctx)
	if err != nil {
		return nil, err
	}
	found := make([][]result, len(ids))
	g, ctx := panics.WithContext(ctx)
	g.SetLimit(describeConcurrency)
	for n, id := range ids {
		g.Run(func() error {
			as := *c
			client := *c.Client
			as.Client = &client
			as.act(id)
			var err error
			if found[n], err = as.query(ctx, id, describeQuery); action.KindOf(err) == action.Forbidden {
				return nil
			}
			return err
		})
	}
	err = g.Wait()
	return slices.Concat(found...), err
}

// options returns accounts as options: managers first, then by name.
func options(all []result) []action.Option {
	slices.SortStableFunc(all, func(a, b result) int {
		if a.Customer.Manager != b.Customer.Manager {
			if a.Customer.Manager {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.Customer.Name, b.Customer.Name)
	})
	options := make([]action.Option, len(all))
	for i, r := range all {
		label := fmt.Sprintf("%s (%s)", cmp.Or(r.Customer.Name, "Untitled"), r.Customer.ID)
		if r.Customer.Manager {
			label = "[Manager] " + label
		}
		options[i] = action.Option{Name: r.Customer.ID, Label: label}
	}
	return options
}

// list asks for the new list or for an existing one. It reports whether the form is complete.
func (c *client) list(ctx context.Context, a answers, target customerID) (fields []action.Field, complete bool, err error) {
	if a["createOrAppend"] == createList {
		return []action.Field{
			{Name: "newListName", Label: "Step 3a) New list name", Type: action.String, Required: true, Default: a["newListName"]},
			{Name: "newListDescription", Label: "Step 3b) New list description", Type: action.String, Default: a["newListDescription"]},
		}, true, nil
	}
	lists, err := c.query(ctx, target, "SELECT user_list.resource_name, user_list.name FROM user_list WHERE user_list.type = 'CRM_BASED' "+
		"AND user_list.read_only = FALSE AND user_list.account_user_list_status = 'ENABLED' AND user_list.membership_status = 'OPEN' "+
		"AND user_list.crm_based_user_list.upload_key_type = '"+keyType(a["mobileDevice"] == "yes")+"'")
	if err != nil {
		return nil, false, err
	}
	if len(lists) == 0 {
		return []action.Field{{
			Name: "noAvalaibleLists", Label: "Error: No lists available for update", Type: action.Textarea,
			Default: "The account has no open Customer Match list for this kind of data. Create a new list, or choose another account.",
		}}, false, nil
	}
	field := action.Field{
		Name: "targetUserListRN", Label: "Step 3) Choose list to update", Type: action.Select, Required: true,
		Default: a["targetUserListRN"],
	}
	for _, l := range lists {
		field.Options = append(field.Options, action.Option{Name: l.List.ResourceName, Label: l.List.Name})
	}
	slices.SortStableFunc(field.Options, func(a, b action.Option) int { return cmp.Compare(a.Label, b.Label) })
	return []action.Field{field}, true, nil
}

// hashing asks whether to hash the data, and for the consent.
func hashing(a answers) []action.Field {
	agreed := []action.Option{
		{Name: "UNSPECIFIED", Label: "Unspecified"}, {Name: "GRANTED", Label: "Granted"}, {Name: "DENIED", Label: "Denied"},
	}
	return []action.Field{
		{
			Name: "doHashing", Label: "Step 4) Should the data be hashed first?", Type: action.Select, Required: true,
			Default: cmp.Or(a["doHashing"], "yes"), Options: yesNo,
			Description: "Choose No only if the query's values are SHA-256 hashes. With No, other values are not sent.",
		},
		{
			Name: "consentAdUserData", Label: "Step 5) The consent setting for consent for ad user data", Type: action.Select, Required: true,
			Default: cmp.Or(a["consentAdUserData"], "UNSPECIFIED"), Options: agreed,
		},
		{
			Name: "consentAdPersonalization", Label: "The consent setting for consent for ad personalization", Type: action.Select, Required: true,
			Default: cmp.Or(a["consentAdPersonalization"], "UNSPECIFIED"), Options: agreed,
		},
		{
			Name: "phoneCountry", Label: "Country of phone numbers", Type: action.String, Default: a["phoneCountry"],
			Description: "For phone numbers without a country code, if the query has no country column. A code such as US, or a name.",
		},
	}
}

// What to do with the list.
const (
	createList   = "create"
	appendToList = "append"
)

// input is what the Looker user answered.
type input struct {
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
