package googleadscustomermatch

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/panics"
	"integrationhub.dev/integrations/internal/google"
	"integrationhub.dev/integrations/internal/google/datamanager"
	"integrationhub.dev/integrations/internal/mirror"
)

// Form implements [action.FormBuilder]. A request checks the sign-in. Only an invalid grant asks
// for a new one; any other error is returned as it is.
func (i *Integration) Form(ctx context.Context, req *action.Request) (*action.Form, error) {
	c := i.open(req.State, "")
	if !c.SignedIn() {
		return google.LoginForm(req, ""), nil
	}
	fields, err := c.fields(ctx, req.Form)
	if datamanager.IsMissingScope(err) { // schedules that use the Google Ads API keep their sign-in
		form := google.LoginForm(req, action.MessageOf(err)+" ")
		form.Fields, form.State = append([]action.Field{apiField(req.Form)}, form.Fields...), c.State()
		return form, nil
	}
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

// api returns the API. Schedules that have answers but no API are older than the choice.
func (a answers) api() api {
	switch {
	case a["google_api"] == string(googleAds), a["google_api"] == "" && a["loginCid"] != "":
		return googleAds
	}
	return dataManager
}

func apiField(a answers) action.Field {
	return action.Field{
		Name: "google_api", Label: "Google API", Type: action.Select, Required: true, Interactive: true, Default: string(a.api()),
		Options:     []action.Option{{Name: string(dataManager), Label: "Data Manager API"}, {Name: string(googleAds), Label: "Google Ads API"}},
		Description: "The Google Ads API accepts only Google Cloud projects that used it for Customer Match before April 2026.",
	}
}

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
	login, target, fields, err := c.accounts(ctx, a)
	fields = append([]action.Field{apiField(a)}, fields...)
	if err != nil || target == "" {
		return fields, err
	}
	fields = append(fields, action.Field{
		Name: "createOrAppend", Label: "Step 2a) Create a new list or append to existing?",
		Type: action.Select, Required: true, Interactive: true,
		Default: a["createOrAppend"],
		Options: []action.Option{
			{Name: createList, Label: "Create new list"},
			{Name: appendToList, Label: "Append to existing"},
			{Name: removeFromList, Label: "Remove from existing"},
		},
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
	more, complete, err := c.list(ctx, a, adsAccounts(login, target))
	if err != nil {
		return nil, err
	}
	if fields = append(fields, more...); !complete {
		return fields, nil
	}
	fields = append(fields, hashing(a)...)
	if a.api() == dataManager && a["createOrAppend"] != removeFromList {
		fields = append(fields, termsField(a))
	}
	if a["createOrAppend"] == appendToList {
		fields = append(fields, mirrorField(a))
	}
	return fields, nil
}

var yesNo = []action.Option{{Name: "yes", Label: "Yes"}, {Name: "no", Label: "No"}}

// accounts asks for the login account and the target account, which is empty until it is chosen. The
// Google Ads API lists them. If the hub has no access to it, users of the Data Manager API type the IDs.
func (c *client) accounts(ctx context.Context, a answers) (login, target customerID, fields []action.Field, err error) {
	if login, err = a.account("loginCid"); err != nil {
		return "", "", nil, err
	}
	chosen, err := a.account("targetCid")
	if err != nil {
		return "", "", nil, err
	}
	fields, target, err = c.chooseAccounts(ctx, login, chosen)
	if err != nil && action.KindOf(err) == action.Internal && a.api() == dataManager {
		fields, target = typeAccounts(login, chosen, action.MessageOf(err))
		err = nil
	}
	return login, target, fields, err
}

// typeAccounts asks for IDs. why is the reason why there is no choice.
func typeAccounts(login, target customerID, why string) ([]action.Field, customerID) {
	fields := []action.Field{{
		Name: "loginCid", Label: "Step 1) Login account ID", Type: action.String, Required: true, Interactive: true, Default: string(login),
		Description: "The ID of the Google Ads account that you can access. The hub cannot list your accounts: " + why,
	}}
	if login == "" {
		return fields, ""
	}
	return append(fields, action.Field{
		Name: "targetCid", Label: "Step 1b) Target account ID", Type: action.String, Interactive: true, Default: string(target),
		Description: "The ID of the account with the list, if the login account is its manager.",
	}), cmp.Or(target, login)
}

// chooseAccounts asks the user to choose accounts. chosen is the target account, if there is an answer.
func (c *client) chooseAccounts(ctx context.Context, login, chosen customerID) (fields []action.Field, target customerID, err error) {
	choice := action.Field{
		Name: "loginCid", Label: "Step 1) Choose login account", Type: action.Select, Required: true, Interactive: true, Default: string(login),
	}
	if login == "" {
		all, err := c.describeAll(ctx)
		choice.Options = options(all)
		return []action.Field{choice}, "", err
	}
	c.act(login)
	described, err := c.query(ctx, login, describeQuery)
	if err != nil {
		return nil, "", err
	}
	choice.Options = options(described)
	fields = []action.Field{choice}
	if len(described) == 0 || !described[0].Customer.Manager {
		return fields, login, nil
	}
	below, err := c.query(ctx, login, belowQuery)
	if err != nil {
		return nil, "", err
	}
	field := action.Field{
		Name: "targetCid", Label: "Step 1b) Choose target account", Type: action.Select, Required: true, Interactive: true,
		Default: string(chosen),
		Options: options(below),
	}
	if chosen != "" {
		below = slices.DeleteFunc(below, func(r result) bool { return r.Customer.ID != string(chosen) })
		field.Options = append(options(below), action.Option{Name: "", Label: "Reset..."})
	}
	return append(fields, field), chosen, nil
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
func (c *client) list(ctx context.Context, a answers, in datamanager.Accounts) (fields []action.Field, complete bool, err error) {
	if a["createOrAppend"] == createList {
		if a.api() == dataManager { // so that the user learns now what would fail later
			err = c.dataManager().CheckAccess(ctx, in)
		}
		return []action.Field{
			{Name: "newListName", Label: "Step 3a) New list name", Type: action.String, Required: true, Default: a["newListName"]},
			{Name: "newListDescription", Label: "Step 3b) New list description", Type: action.String, Default: a["newListDescription"]},
		}, true, err
	}
	field := action.Field{
		Name: "targetUserListRN", Label: "Step 3) Choose list to update", Type: action.Select, Required: true,
		Default: a["targetUserListRN"],
	}
	devices := a["mobileDevice"] == "yes"
	if a.api() == dataManager {
		field.Options, err = c.ingestedLists(ctx, in, devices)
	} else {
		field.Options, err = c.crmLists(ctx, customerID(in.Operating.ID), devices)
	}
	if err != nil {
		return nil, false, err
	}
	if len(field.Options) == 0 {
		return []action.Field{{
			Name: "noAvalaibleLists", Label: "Error: No lists available for update", Type: action.Textarea,
			Default: "The account has no open Customer Match list for this kind of data. Create a new list, or choose another account.",
		}}, false, nil
	}
	slices.SortStableFunc(field.Options, func(a, b action.Option) int { return cmp.Compare(a.Label, b.Label) })
	return []action.Field{field}, true, nil
}

// crmLists are the lists by the Google Ads API.
func (c *client) crmLists(ctx context.Context, target customerID, devices bool) (options []action.Option, err error) {
	lists, err := c.query(ctx, target, "SELECT user_list.resource_name, user_list.name FROM user_list WHERE user_list.type = 'CRM_BASED' "+
		"AND user_list.read_only = FALSE AND user_list.account_user_list_status = 'ENABLED' AND user_list.membership_status = 'OPEN' "+
		"AND user_list.crm_based_user_list.upload_key_type = '"+keyType(devices)+"'")
	for _, l := range lists {
		options = append(options, action.Option{Name: l.List.ResourceName, Label: l.List.Name})
	}
	return options, err
}

// ingestedLists are the lists by the Data Manager API. Their names are those of the Google Ads API, so
// that the answer stays valid when the user changes the API.
func (c *client) ingestedLists(ctx context.Context, in datamanager.Accounts, devices bool) (options []action.Option, err error) {
	kind := datamanager.ContactIDs
	if devices {
		kind = datamanager.MobileIDs
	}
	lists, err := c.dataManager().UserLists(ctx, in)
	for _, l := range lists {
		if l.Open() && slices.Contains(l.Ingested.KeyTypes, kind) {
			options = append(options, action.Option{Name: "customers/" + in.Operating.ID + "/userLists/" + l.ID, Label: l.DisplayName})
		}
	}
	return options, err
}

// termsField asks for a confirmation that Google requires from the account, so it has no default.
func termsField(a answers) action.Field {
	return action.Field{
		Name: "customer_match_terms", Label: "Step 6) Has the account accepted Google's Customer Match terms?", Type: action.Select,
		Required: true, Default: a["customer_match_terms"],
		Description: "The terms are at https://support.google.com/adspolicy/answer/6299717.",
		Options:     []action.Option{{Name: termsAccepted, Label: "Yes, they are accepted"}, {Name: "not_accepted", Label: "No"}},
	}
}

// mirrorField has no limit, unlike those of destinations that list members: Google lists none.
func mirrorField(a answers) action.Field {
	field := mirror.Fields("list")[0]
	field.Default = cmp.Or(a[field.Name], field.Default)
	return field
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
