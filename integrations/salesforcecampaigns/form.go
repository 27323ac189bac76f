package salesforcecampaigns

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/mirror"
	"integrationhub.dev/integrations/internal/signin"
)

// Form implements [action.FormBuilder]. Only an invalid grant asks for a new sign-in. Any other
// error is returned as it is.
func (i *Integration) Form(ctx context.Context, req *action.Request) (*action.Form, error) {
	var d domain
	if err := d.UnmarshalText([]byte(req.Params["salesforce_domain"])); err != nil {
		return nil, action.Wrap(err, action.Invalid, "The setting \"Salesforce domain\" %s.", err)
	}
	before := parseState(req.State)
	if before == (signin.Tokens{}) {
		return login(req), nil
	}
	c := i.open(d, before)
	fields, err := i.fields(ctx, c, req.Form)
	switch {
	case action.KindOf(err) == action.Unauthenticated:
		return login(req), nil
	case err != nil:
		return nil, err
	}
	form := &action.Form{Fields: fields}
	if after := c.session.Tokens(); after != before {
		form.State = state(after)
	}
	return form, nil
}

// login asks the user to sign in, and clears the stored tokens.
func login(req *action.Request) *action.Form {
	return &action.Form{
		Fields: []action.Field{{
			Name: "login", Type: action.OAuthLink, Label: "Log in", OAuthURL: req.LoginURL,
			Description: "In order to send to this destination, you will need to log in once to your Salesforce account.",
		}},
		State: &action.State{Data: action.Reset},
	}
}

// fields returns the fields for a signed-in user. A request checks the sign-in.
func (i *Integration) fields(ctx context.Context, c *client, answers map[string]string) ([]action.Field, error) {
	choice := action.Field{
		Name: "create_or_append", Label: "Create or Append", Type: action.Select, Required: true, Interactive: true,
		Description: "Create a new Campaign or append to an existing Campaign",
		Options:     []action.Option{{Name: string(modeCreate), Label: "Create"}, {Name: string(modeAppend), Label: "Append"}},
	}
	var (
		campaign action.Field
		statuses []action.Option
		more     []action.Field
		err      error
	)
	switch mode(answers["create_or_append"]) {
	case modeCreate:
		campaign = action.Field{
			Name: "campaign_name", Label: "Campaign Name", Type: action.String, Required: true,
			Description: "Identifying name for the campaign",
		}
		statuses, err = c.picklistStatuses(ctx)
	case modeAppend:
		campaign, statuses, err = i.existingCampaign(ctx, c, answers["campaign_name"])
		more = mirror.Fields("campaign")
	default:
		_, err := c.campaigns(ctx, 1)
		return []action.Field{choice}, err
	}
	if err != nil {
		return nil, err
	}
	fields := []action.Field{choice, campaign}
	if len(statuses) > 0 {
		fields = append(fields, action.Field{
			Name: "member_status", Label: "Member Status", Type: action.Select, Options: statuses,
			Description: "The status of the campaign members",
		})
	}
	fields = append(fields, action.Field{
		Name: "surface_sfdc_errors", Label: "Surface Salesforce Errors In Looker", Type: action.Select, Default: "no",
		Options: []action.Option{{Name: "yes", Label: "Yes"}, {Name: "no", Label: "No"}},
		Description: "Yes: the schedule's status is Error when Salesforce rejects members, for example existing ones. " +
			"No: it is Complete, with the reasons in its message.",
	})
	return append(fields, more...), nil
}

// existingCampaign returns the list of campaigns and, once one is chosen, its own member statuses.
func (i *Integration) existingCampaign(ctx context.Context, c *client, chosen string) (action.Field, []action.Option, error) {
	options, err := c.campaigns(ctx, i.settings.MaxResults)
	if err != nil {
		return action.Field{}, nil, err
	}
	field := action.Field{
		Name: "campaign_name", Label: "Campaign Name", Type: action.Select, Required: true, Interactive: true,
		Description: "Identifying name for the campaign", Options: withChosen(options, chosen),
	}
	if !recordID.MatchString(chosen) {
		return field, nil, nil
	}
	all, err := c.statuses(ctx, chosen)
	var statuses []action.Option
	for _, s := range all {
		statuses = append(statuses, action.Option{Name: s.Label, Label: s.Label})
	}
	return field, statuses, err
}

// withChosen adds a schedule's campaign to a list that was cut off.
func withChosen(options []action.Option, chosen string) []action.Option {
	known := slices.ContainsFunc(options, func(o action.Option) bool { return o.Name == chosen })
	if known || !strings.HasPrefix(chosen, "701") || !recordID.MatchString(chosen) { // the prefix of campaign IDs
		return options
	}
	return append(options, action.Option{Name: chosen, Label: chosen})
}

// campaigns lists at most maxCampaigns campaigns by name.
func (c *client) campaigns(ctx context.Context, maxCampaigns int) ([]action.Option, error) {
	soql := "SELECT Id, Name FROM Campaign ORDER BY Name"
	if maxCampaigns == 1 {
		soql = "SELECT Id, Name FROM Campaign LIMIT 1"
	}
	type record struct {
		ID   string `json:"Id"`
		Name string `json:"Name"`
	}
	var options []action.Option
	for r, err := range query[record](ctx, c, soql) {
		if err != nil {
			return nil, err
		}
		options = append(options, action.Option{Name: r.ID, Label: cmp.Or(r.Name, r.ID)})
		if len(options) == maxCampaigns {
			break
		}
	}
	return options, nil
}

// picklistStatuses lists the statuses that members can have in any campaign of the org.
func (c *client) picklistStatuses(ctx context.Context) ([]action.Option, error) {
	var described struct {
		Fields []struct {
			Name   string `json:"name"`
			Values []struct {
				Active bool   `json:"active"`
				Label  string `json:"label"`
				Value  string `json:"value"`
			} `json:"picklistValues"`
		} `json:"fields"`
	}
	if err := c.get(ctx, c.address("sobjects/CampaignMember/describe"), &described); err != nil {
		return nil, err
	}
	var options []action.Option
	for _, f := range described.Fields {
		if f.Name != "Status" {
			continue
		}
		for _, v := range f.Values {
			if v.Active {
				options = append(options, action.Option{Name: v.Value, Label: cmp.Or(v.Label, v.Value)})
			}
		}
	}
	return options, nil
}
