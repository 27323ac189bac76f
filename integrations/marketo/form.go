package marketo

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/mirror"
)

// Form implements [action.FormBuilder]. Names and defaults are contract: existing schedules lose
// the values of renamed fields. Partitions and statuses are entered if Marketo cannot list them.
func (i *Integration) Form(ctx context.Context, req *action.Request) (*action.Form, error) {
	l := i.lister(req)
	fields := []action.Field{
		{
			Name: "lookupField", Label: "Lead Lookup Field", Type: action.String, Default: "email", Required: true,
			Description: "Marketo field to use when looking up leads to update",
		},
		{
			Name: "subaction", Label: "Additional Action", Type: action.Select, Default: string(addCampaign), Required: true,
			Description: "Additional action to take",
			Options: []action.Option{
				{Name: string(addCampaign), Label: "Update lead and add to below Campaign ID"},
				{Name: string(addList), Label: "Update lead and add to below List ID"},
				{Name: string(removeList), Label: "Update lead and remove from below List ID"},
				{Name: string(noAction), Label: "None - Update lead only"},
			},
		},
		{
			Name: "campaignId", Label: "Campaign/List ID for Additional Action", Type: action.String,
			Description: "Either a Campaign ID or a List ID, depending on above selection",
		},
		offer(action.Field{
			Name: "partition", Label: "Lead Partition",
			Description: "The partition in which leads are created. The instance's default partition if empty.",
		}, l.partitions(ctx), req.Form),
		{
			Name: "program_id", Label: "Program ID", Type: action.String, Interactive: true,
			Description: "The ID of a program that leads become members of. None if empty.",
		},
		offer(action.Field{
			Name: "program_status", Label: "Program Status",
			Description: "The status that leads get in the program. Leads with a later status keep it.",
		}, l.statuses(ctx, req.Form["program_id"]), req.Form),
		{
			Name: "time_zone", Label: "Time Zone", Type: action.String,
			Description: "The time zone of dates with a time in the result, such as Europe/Berlin. UTC if empty.",
		},
	}
	return &action.Form{Fields: slices.Concat(fields, mirror.Fields("list"), i.rowLog.Fields())}, nil
}

// offer makes a field with options or, without any, one for text.
func offer(field action.Field, options []action.Option, answers map[string]string) action.Field {
	if len(options) == 0 {
		field.Type = action.String
		return field
	}
	chosen := answers[field.Name]
	if chosen != "" && !slices.ContainsFunc(options, func(o action.Option) bool { return o.Name == chosen }) {
		options = append(options, action.Option{Name: chosen, Label: chosen})
	}
	field.Type, field.Options = action.Select, options
	return field
}

// lister lists what an instance has, for a form. A nil lister has nothing.
type lister struct{ client *client }

// credentials are what a form needs to list something.
type credentials struct {
	Instance instance      `param:"url,required"`
	ID       string        `param:"clientID,required"`
	Secret   action.Secret `param:"clientSecret,required"`
}

func (i *Integration) lister(req *action.Request) *lister {
	c, err := action.Decode[credentials](req)
	if err != nil {
		return nil
	}
	return &lister{&client{http: i.http, instance: c.Instance, id: c.ID, secret: c.Secret}}
}

// listTimeout bounds a list: without it, the form still works.
const listTimeout = 10 * time.Second

func (l *lister) get(ctx context.Context, path string, out any) error {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	return l.client.call(ctx, http.MethodGet, path, nil, out)
}

// named is an object of which only the name matters.
type named struct {
	Name string `json:"name"`
}

// partitions returns the lead partitions that the API user can see
// (https://developer.adobe.com/marketo-apis/api/mapi#operation/getLeadPartitionsUsingGET).
func (l *lister) partitions(ctx context.Context) []action.Option {
	var all []named
	if l == nil || l.get(ctx, v1+"leads/partitions.json", &all) != nil {
		return nil
	}
	options := make([]action.Option, len(all))
	for i, p := range all {
		options[i] = action.Option{Name: p.Name, Label: p.Name}
	}
	return options
}

// statuses returns the statuses of a program's channel
// (https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/assets/channels).
func (l *lister) statuses(ctx context.Context, program string) []action.Option {
	if l == nil || !number.MatchString(program) {
		return nil
	}
	var programs []struct {
		Channel string `json:"channel"`
	}
	if l.get(ctx, assets+"program/"+program+".json", &programs) != nil || len(programs) != 1 {
		return nil
	}
	var channels []struct {
		Statuses []struct {
			named

			Step   int  `json:"step"`
			Hidden bool `json:"hidden"`
		} `json:"progressionStatuses"`
	}
	query := url.Values{"name": {programs[0].Channel}}
	if l.get(ctx, outbound.WithQuery(assets+"channel/byName.json", query), &channels) != nil || len(channels) != 1 {
		return nil
	}
	var options []action.Option
	for _, s := range channels[0].Statuses {
		if s.Step > 0 && !s.Hidden { // step 0 is "Not in Program", which a member never gets back to
			options = append(options, action.Option{Name: s.Name, Label: s.Name})
		}
	}
	return options
}
