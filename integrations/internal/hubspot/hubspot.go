// Package hubspot updates properties of records in HubSpot's CRM, and creates records that are matched by a
// property. Each row of a query has the properties of one record, and what identifies it.
package hubspot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/time/rate"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/mirror"
	"integrationhub.dev/integrations/internal/rowlog"
	"integrationhub.dev/integrations/internal/rows"
)

// name is the destination's name in messages.
const name = "HubSpot"

// Object is an object type of the CRM, and the integration's name and texts for it in Looker.
type Object struct {
	// Type is the plural, which is also the name in the API; One is the singular.
	Type, One string
	// Tag is the LookML tag of the column with the record IDs.
	Tag string

	Name, Label, Description string

	// natural is the property other than the record ID by which people know a record. Its column has a tag of
	// the same name.
	natural      matchBy
	naturalLabel string
	// typeID is the object type's ID in segments
	// (https://developers.hubspot.com/docs/api-reference/latest/crm/understanding-the-crm).
	typeID string
}

// The objects that can be updated.
var (
	Contacts = Object{
		Type: "contacts", One: "contact", Tag: "hubspot_contact_id",
		Name: "hubspot_contacts", Label: "Hubspot Contacts", Description: "Update properties on your Hubspot contacts.",
		natural: matchEmail, naturalLabel: "Email address: update or create", typeID: "0-1",
	}
	Companies = Object{
		Type: "companies", One: "company", Tag: "hubspot_company_id",
		Name: "hubspot_companies", Label: "Hubspot Companies", Description: "Update properties on your Hubspot companies.",
		natural: matchDomain, naturalLabel: "Domain, if its values are unique in the account: update or create", typeID: "0-2",
	}
)

// settings are the hub's.
type settings struct {
	APIVersion apiVersion `env:"HUBSPOT_API_VERSION"`
}

// Integration updates the records of one object type.
type Integration struct {
	object  Object
	version apiVersion
	http    *http.Client
	rowLog  *rowlog.Log
}

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
)

// New makes the integration for an object type.
func New(o Object, deps action.Deps) (action.Integration, error) {
	s, err := action.Settings[settings](deps)
	if err != nil {
		return nil, err
	}
	rowLog, err := rowlog.New(deps, o.Name)
	if err != nil {
		return nil, err
	}
	return &Integration{o, cmp.Or(s.APIVersion, defaultVersion), deps.HTTP, rowLog}, nil
}

// scope is the scope that the access token needs.
func (o Object) scope() string { return "crm.objects." + o.Type + ".write" }

// Definition implements [action.Integration].
func (i *Integration) Definition() action.Definition {
	o := i.object
	return rows.Definition(action.Definition{
		Name: o.Name, Label: o.Label, Description: o.Description,
		Params: []action.Param{
			{
				Name: "hubspot_access_token", Label: "Hubspot Access Token", Required: true, Sensitive: true,
				Description: "A HubSpot service key, or the access token of an existing private app.",
			},
			{
				Name: "hubspot_batch_update_size", Label: "Batch Update Size",
				Description: "The number of objects to batch update per call (defaulted to 10)",
			},
		},
		RequiredFields: []action.RequiredField{{AnyTag: []string{o.Tag, string(o.natural)}}},
		FormatsFor:     action.RowFormats,
		Download:       action.URL,
		MinVersion:     action.V(5, 5, 0),
	})
}

// Form implements [action.FormBuilder].
func (i *Integration) Form(context.Context, *action.Request) (*action.Form, error) {
	return &action.Form{Fields: append(i.object.fields(), i.rowLog.Fields()...)}, nil
}

// HubSpot's published limits: a hundred inputs in a batch
// (https://developers.hubspot.com/docs/api-reference/latest/crm/objects/contacts/guide) and, for an app
// or service key in an account of any tier, a hundred calls in ten seconds
// (https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines). The rate
// and the burst together stay below.
const (
	defaultBatch   = 10
	maxBatch       = 100
	callsPerSecond = 9
	concurrency    = 4
	// maxBisectCalls bounds the search for rows because of which HubSpot rejects whole batches.
	maxBisectCalls = 2_000
)

// Updates can be repeated: a second one sets the same values. retry is for calls; its backoff
// adds up to more than the ten seconds of HubSpot's rate limit. retryItems is for updates whose
// outcome the response to a call does not say.
var (
	retry      = deliver.Retry{MaxAttempts: 7, InitialBackoff: time.Second, MaxBackoff: 30 * time.Second}
	retryItems = deliver.Retry{
		MaxAttempts: 3, InitialBackoff: time.Second, MaxBackoff: 30 * time.Second,
		When: func(err error) bool { return errors.Is(err, errOutcomeUnknown) },
	}
)

// errOutcomeUnknown marks the error of an update whose outcome HubSpot did not report.
var errOutcomeUnknown = errors.New("outcome unknown")

// Execute implements [action.Integration]. It sends each row to its record, and the records to a segment.
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	o := i.object
	in, table, err := rows.Open[input](ctx, req)
	if err != nil {
		return nil, err
	}
	plan, err := mirror.Read(req, "segment")
	if err != nil {
		return nil, err
	}
	if err := o.check(in); err != nil {
		return nil, err
	}
	l, err := o.layout(table.Columns, req.Plan.HiddenFields, in)
	if err != nil {
		return nil, err
	}
	l.plan = plan
	c := &client{
		http: i.http, version: i.version, object: o, token: in.Token, property: in.Property, segment: in.Segment, plan: plan,
		limiter: rate.NewLimiter(callsPerSecond, callsPerSecond), rejections: &rows.Rejections{},
	}
	if err := c.prepare(ctx, l, in); err != nil {
		return nil, err
	}
	options := deliver.Options[update]{
		Size: int(in.Batch), MaxBytes: maxBatchBytes, Weight: update.weight, Concurrency: concurrency,
		Limiter: c.limiter, Retry: retry, RetryItems: retryItems, BisectBudget: maxBisectCalls, Key: update.key,
	}
	if in.Segment != "" {
		options.Then = c.addMembers
	}
	delivery, err := i.rowLog.Begin(ctx, req, table, l.key)
	if err != nil {
		return nil, err
	}
	options.Outcome = delivery.Outcome
	result := deliver.Batches(ctx, l.updates(delivery.Table), options, c.send)
	return c.respond(ctx, result, l, in, delivery.Store(ctx, o.Type))
}

// prepare checks the answers against the account, before any row is sent.
func (c *client) prepare(ctx context.Context, l *layout, in input) error {
	all, err := c.properties(ctx)
	if err != nil {
		return err
	}
	if err := c.object.checkUnique(in, all); err != nil {
		return err
	}
	l.use(all)
	if in.Segment == "" {
		return nil
	}
	return c.checkSegment(ctx)
}

// respond reports the delivery, after members of a mirrored segment were removed. kept is what the log of rows says.
func (c *client) respond(ctx context.Context, result *deliver.Result, l *layout, in input, kept string) (*action.Response, error) {
	format := "%d %s updated."
	if c.property != "" {
		format = "%d %s created or updated."
	}
	report, err := fmt.Sprintf(format, result.Sent(), c.object.Type), result.Err(c.object.Type)
	if err != nil {
		report = action.MessageOf(err)
	}
	if kept != "" {
		report += " " + kept
	}
	kind := action.KindOf(err)
	if skipped := l.notSent(); skipped != "" {
		report += " " + skipped
		if in.Pivots != pivotsIgnore && err == nil {
			err, kind = errPivoted, action.Invalid
		}
	}
	if c.plan != nil {
		removed, removeErr := c.removeOthers(ctx, result)
		report += fmt.Sprintf(" %d removed from the segment.", removed)
		if removeErr != nil {
			report += " " + action.MessageOf(removeErr)
		}
		if err == nil && removeErr != nil {
			err, kind = removeErr, action.KindOf(removeErr)
		}
	}
	switch {
	case err == nil:
		return &action.Response{Message: report}, nil
	case report == action.MessageOf(err):
		return nil, err
	}
	return nil, action.Wrap(err, kind, "%s", report)
}

// errPivoted is the error of a delivery whose pivoted columns were not sent.
var errPivoted = errors.New("pivoted columns")
