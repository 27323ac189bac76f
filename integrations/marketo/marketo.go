// Package marketo updates leads in Marketo from the rows of a query, and triggers campaigns for
// them or changes the lists that they are in.
package marketo

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"golang.org/x/time/rate"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/mirror"
	"integrationhub.dev/integrations/internal/rowlog"
	"integrationhub.dev/integrations/internal/rows"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
)

// name is the destination's name in messages.
const name = "Marketo"

// Marketo's published limits for all clients of an instance: a hundred calls in twenty seconds,
// ten concurrent calls, 300 leads and 1 MB a call
// (https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/marketo-integration-best-practices),
// and a hundred leads for a campaign trigger
// (https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/assets/smart-campaigns).
const (
	leadsPerCall    = 300
	leadsPerTrigger = 100
	bytesPerCall    = 900_000
	concurrency     = 4
	// maxBisectCalls bounds the search for leads because of which Marketo rejects whole batches.
	// Calls are limited per day too: most instances have 50,000.
	maxBisectCalls = 200
)

// Marketo asks an integration to make at most 50 calls in 20 seconds, because its limit is shared by all
// (https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/marketo-integration-best-practices):
// a burst, and what comes after it in the same 20 seconds.
const (
	callsPerWindow = 50
	burst          = 5
	callsPerSecond = float64(callsPerWindow-burst) / 20
)

// Integration updates leads.
type Integration struct {
	http   *http.Client
	rowLog *rowlog.Log
}

// New makes the integration. It needs no settings.
func New(deps action.Deps) (action.Integration, error) {
	rowLog, err := rowlog.New(deps, "marketo")
	if err != nil {
		return nil, err
	}
	return &Integration{deps.HTTP, rowLog}, nil
}

// Definition implements [action.Integration].
func (*Integration) Definition() action.Definition {
	return rows.Definition(action.Definition{
		Name: "marketo", Label: "Marketo", Description: "Update Marketo leads and their campaign/list membership.",
		Params: []action.Param{
			{Name: "url", Label: "URL", Required: true, Description: "Identity server host URL"},
			{Name: "clientID", Label: "Client ID", Required: true, Description: "Client ID from Marketo"},
			{Name: "clientSecret", Label: "Client Secret", Required: true, Sensitive: true, Description: "Client Secret from Marketo"},
		},
		FormatsFor: action.RowFormats,
		Download:   action.URL,
		MinVersion: action.V(5, 5, 0),
	})
}

// Execute implements [action.Integration]. A row counts as delivered when its lead was updated
// and the additional action was done.
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	in, table, err := rows.Open[input](ctx, req)
	if err != nil {
		return nil, err
	}
	plan, err := mirror.Read(req, "list")
	if err != nil {
		return nil, err
	}
	if plan != nil && in.Action != addList {
		return nil, action.InvalidField("mirror", "Only lists are mirrored: select \"Update lead and add to below List ID\".")
	}
	d := &delivery{
		input: in, limiter: rate.NewLimiter(rate.Limit(callsPerSecond), burst), triggers: newTriggers(in.Targets), plan: plan,
		client: &client{http: i.http, instance: in.Instance, id: in.ID, secret: in.Secret},
	}
	l, err := newLayout(table.Columns, in, func() (map[string]string, error) { return d.fieldTypes(ctx) })
	if err != nil {
		return nil, err
	}
	size := leadsPerCall
	if in.Action == addCampaign && len(in.Targets) > 0 {
		size = leadsPerTrigger
	}
	kept, err := i.rowLog.Begin(ctx, req, table, l.key)
	if err != nil {
		return nil, err
	}
	result := deliver.Batches(ctx, d.leads(l, kept.Table), deliver.Options[*lead]{
		Outcome: kept.Outcome, Size: size, MaxBytes: bytesPerCall, Weight: func(l *lead) int { return len(l.fields) + 1 },
		Concurrency: concurrency, Key: func(l *lead) string { return l.key },
		Limiter: d.limiter, Retry: retry, BisectBudget: maxBisectCalls, Then: d.afterUpdate,
	}, d.update)
	note := kept.Store(ctx, "leads")
	res, err := d.finish(ctx, result)
	if err == nil {
		res.Message = strings.TrimSpace(res.Message + " " + note)
	}
	return res, rowlog.WithNote(err, note)
}

// subaction is done to a lead after its update.
type subaction string

// The names of subactions in the form. The oldest schedules have none.
const (
	legacy      subaction = ""
	noAction    subaction = "none"
	addCampaign subaction = "addCampaign"
	addList     subaction = "addList"
	removeList  subaction = "removeList"
)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *subaction) UnmarshalText(text []byte) error {
	switch *s = subaction(text); *s {
	case noAction, addCampaign, addList, removeList:
		return nil
	default:
		return errors.New("must be addCampaign, addList, removeList or none")
	}
}

// input is what the Looker administrator and the user enter.
type input struct {
	Instance instance      `param:"url,required"`
	ID       string        `param:"clientID,required"`
	Secret   action.Secret `param:"clientSecret,required"`
	Lookup   string        `form:"lookupField"`
	Action   subaction     `form:"subaction"`
	// Targets are the numbers of campaigns or lists.
	Targets []string `form:"campaignId"`
	// Partition is the lead partition of new leads, Program a program, and Status the leads' status in it.
	Partition string `form:"partition"`
	Program   string `form:"program_id"`
	Status    string `form:"program_status"`
	// Zone is the time zone of datetimes without one.
	Zone action.TimeZone `form:"time_zone"`
}

var number = regexp.MustCompile(`^[0-9]{1,18}$`)

// Validate checks the answers that depend on each other.
func (in *input) Validate() error {
	in.Lookup = strings.TrimSpace(in.Lookup)
	if in.Lookup == "" {
		return action.InvalidField("lookupField", "Missing Lookup Field.")
	}
	for _, t := range in.Targets {
		if !number.MatchString(t) {
			return action.InvalidField("campaignId", "Enter the numeric IDs of campaigns or lists, separated by commas.")
		}
	}
	missing := map[subaction]string{addCampaign: "Add to campaign", addList: "Add to list", removeList: "Remove from list"}[in.Action]
	switch {
	case in.Action == noAction && len(in.Targets) > 0:
		return action.InvalidField("campaignId", "Additional action of 'none' was selected, but additional action ID was provided")
	case missing != "" && len(in.Targets) == 0:
		return action.InvalidField("campaignId", "'%s' was selected, but additional action ID was not provided", missing)
	}
	if in.Action == legacy {
		in.Action = addCampaign
	}
	return in.validateMembership()
}

// validateMembership checks the partition and the program.
func (in *input) validateMembership() error {
	in.Partition, in.Program, in.Status = strings.TrimSpace(in.Partition), strings.TrimSpace(in.Program), strings.TrimSpace(in.Status)
	switch {
	case in.Partition != "" && in.Lookup == idField:
		// partitionName is not allowed for the action updateOnly.
		const message = "A lead partition applies only to new leads. With the lookup field id, leads are only updated."
		return action.InvalidField("partition", message)
	case in.Program != "" && !number.MatchString(in.Program):
		return action.InvalidField("program_id", "Enter the numeric ID of a program.")
	case in.Program != "" && in.Status == "":
		return action.InvalidField("program_status", "Enter the status that leads get in the program.")
	case in.Program == "" && in.Status != "":
		return action.InvalidField("program_id", "Enter the ID of the program in which leads get the status.")
	}
	return nil
}

// instance is the base URL of an instance, such as https://123-ABC-456.mktorest.com.
type instance string

// UnmarshalText implements [encoding.TextUnmarshaler]. Marketo shows the URL with a path, /rest or
// /identity, which is dropped.
func (i *instance) UnmarshalText(text []byte) error {
	t := string(text)
	if !strings.Contains(t, "://") {
		t = "https://" + t
	}
	u, err := url.Parse(t)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		return errors.New("must be the URL of a Marketo instance, such as https://123-ABC-456.mktorest.com")
	}
	*i = instance("https://" + u.Host)
	return nil
}
