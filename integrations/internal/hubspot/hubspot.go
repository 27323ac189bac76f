// Package hubspot updates properties of existing records in HubSpot's CRM. Each row of a query
// has the properties of one record, and its record ID.
package hubspot

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/time/rate"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
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
}

// The objects that can be updated.
var (
	Contacts = Object{
		Type: "contacts", One: "contact", Tag: "hubspot_contact_id",
		Name: "hubspot_contacts", Label: "Hubspot Contacts", Description: "Update properties on your Hubspot contacts.",
	}
	Companies = Object{
		Type: "companies", One: "company", Tag: "hubspot_company_id",
		Name: "hubspot_companies", Label: "Hubspot Companies", Description: "Update properties on your Hubspot companies.",
	}
)

// Integration updates the records of one object type.
type Integration struct {
	object Object
	http   *http.Client
}

var _ action.Integration = (*Integration)(nil)

// New makes the integration for an object type. It needs no settings.
func New(o Object, deps action.Deps) *Integration { return &Integration{o, deps.HTTP} }

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
				Description: "Access Token of your Private Hubspot App.",
			},
			{
				Name: "hubspot_batch_update_size", Label: "Batch Update Size",
				Description: "The number of objects to batch update per call (defaulted to 10)",
			},
		},
		RequiredFields: []action.RequiredField{{AnyTag: []string{o.Tag}}},
		FormatsFor:     action.RowFormats,
		Download:       action.URL,
		MinVersion:     action.V(5, 5, 0),
	})
}

// HubSpot's published limits: a hundred inputs in a batch
// (https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/batch) and, for an app
// in an account of any tier, a hundred calls in ten seconds
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

// input is what a Looker administrator enters.
type input struct {
	Token action.Secret `param:"hubspot_access_token,required"`
	Batch batchSize     `param:"hubspot_batch_update_size"`
}

// batchSize is the number of objects in a call.
type batchSize int

// UnmarshalText implements [encoding.TextUnmarshaler]. A larger size is not an error, but reduced to
// HubSpot's limit: people enter one to get as much as possible.
func (b *batchSize) UnmarshalText(text []byte) error {
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 1 {
		return errors.New("must be a whole number from 1 to 100")
	}
	*b = batchSize(min(n, maxBatch))
	return nil
}

// Execute implements [action.Integration]. It sends each row to its record.
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	in, err := action.Decode[input](req)
	if err != nil {
		return nil, err
	}
	if in.Batch == 0 {
		in.Batch = defaultBatch
	}
	table, err := req.Data.Table(ctx)
	if err != nil {
		return nil, err
	}
	o := i.object
	l, err := o.layout(table.Columns, req.Plan.HiddenFields)
	if err != nil {
		return nil, err
	}
	c := &client{http: i.http, object: o, token: in.Token, rejections: &rows.Rejections{}}
	result := deliver.Batches(ctx, l.updates(table), deliver.Options[update]{
		Size: int(in.Batch), MaxBytes: maxBatchBytes, Weight: update.weight, Concurrency: concurrency,
		Limiter: rate.NewLimiter(callsPerSecond, callsPerSecond), Retry: retry, RetryItems: retryItems, BisectBudget: maxBisectCalls,
		Key: func(u update) string { return u.ID },
	}, c.update)
	return rows.Response(result, o.Type, "%d "+o.Type+" updated.")
}
