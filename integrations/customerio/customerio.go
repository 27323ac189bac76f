// Package customerio sends the rows of a query's result to Customer.io, as people or as their events.
package customerio

import (
	"context"
	"net/http"
	"time"

	"golang.org/x/time/rate"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/rowlog"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
)

// The limits of Customer.io's Track API. A call is smaller than 500 KB, and each of its items has at most 32 KB
// (https://docs.customer.io/api/track/), where a KB is taken for 1,000 bytes. There may be 100 calls a second
// (https://docs.customer.io/integrations/api/customerio-apis/).
const (
	recordsPerCall = 1000
	maxCall        = 499_000 // bytes
	maxRecord      = 32_000  // bytes
	callsPerSecond = 100
	concurrency    = 8
	maxBisectCalls = 2_000
)

// retry is safe: attributes are set, and an event that arrives twice has the same ID.
var retry = deliver.Retry{MaxAttempts: 6, InitialBackoff: time.Second, MaxBackoff: time.Minute}

// account is what the Looker administrator enters.
type account struct {
	SiteID string        `param:"site_id,required"`
	APIKey action.Secret `param:"api_key,required"`
	Region region        `param:"region"`
}

// Integration sends people and events to Customer.io.
type Integration struct {
	http *http.Client
	log  *rowlog.Log
}

// New makes the integration. It needs no settings.
func New(deps action.Deps) (action.Integration, error) {
	log, err := rowlog.New(deps, "customer_io")
	if err != nil {
		return nil, err
	}
	return &Integration{deps.HTTP, log}, nil
}

// Definition implements [action.Integration].
func (*Integration) Definition() action.Definition {
	return action.Definition{
		Name: "customer_io", Label: "Customer.io", Description: "Add or update people, or track their events.",
		Params: []action.Param{
			{Name: "site_id", Label: "Site ID", Required: true, Description: "The site ID of a Track API key, from the workspace's settings."},
			{Name: "api_key", Label: "API Key", Required: true, Sensitive: true, Description: "The Track API key that belongs to the site ID."},
			{Name: "region", Label: "Region", Description: "us or eu, where the account is; us if empty."},
		},
		RequiredFields: []action.RequiredField{{AnyTag: idTags}},
		Types:          []action.Type{action.TypeQuery},
		FormatsFor:     action.RowFormats,
		Formattings:    []action.Formatting{action.Unformatted},
		VisFormattings: []action.VisFormatting{action.NoApply},
		Download:       action.URL,
		MinVersion:     action.V(5, 5, 0),
	}
}

// Execute implements [action.Integration].
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	a, err := action.Decode[account](req)
	if err != nil {
		return nil, err
	}
	in, err := action.Decode[answers](req)
	if err != nil {
		return nil, err
	}
	table, err := req.Data.Table(ctx)
	if err != nil {
		return nil, err
	}
	columns, err := mapColumns(table, in, req.Plan.HiddenFields)
	if err != nil {
		return nil, err
	}
	batches := deliver.Options[record]{
		Size: recordsPerCall, MaxBytes: maxCall - envelope, Weight: record.weight, Concurrency: concurrency,
		Limiter: rate.NewLimiter(callsPerSecond, concurrency), Retry: retry, BisectBudget: maxBisectCalls,
	}
	var key rowlog.Key
	if in.Kind == identify { // a person's last attributes count, but each event is one of its own
		batches.Key, key = record.key, columns.key
	}
	delivery, err := i.log.Begin(ctx, req, table, key)
	if err != nil {
		return nil, err
	}
	batches.Outcome = delivery.Outcome
	result := deliver.Batches(ctx, columns.records(delivery.Table), batches, client{http: i.http, account: a}.send)
	return delivery.Response(ctx, result, "rows", "%d rows sent to Customer.io.")
}
