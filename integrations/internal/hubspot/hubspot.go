// Package hubspot updates properties of existing records in HubSpot's CRM. Each row of a query
// has the properties of one record, and its record ID.
package hubspot

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/time/rate"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/rows"
)

// name is what people call the destination.
const name = "HubSpot"

// Object is an object type of the CRM.
type Object struct {
	// Type is the plural, which is also the name in the API; One is the singular.
	Type, One string
	// Tag is the LookML tag of the column with the record IDs.
	Tag string
}

// The objects that can be updated.
var (
	Contacts  = Object{Type: "contacts", One: "contact", Tag: "hubspot_contact_id"}
	Companies = Object{Type: "companies", One: "company", Tag: "hubspot_company_id"}
)

// scope is the scope that the access token needs.
func (o Object) scope() string { return "crm.objects." + o.Type + ".write" }

// Definition is what the integrations have in common.
func (o Object) Definition() action.Definition {
	return action.Definition{
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
		Types:          []action.Type{action.TypeQuery},
		FormatsFor:     action.RowFormats,
		Formattings:    []action.Formatting{action.Unformatted},
		VisFormattings: []action.VisFormatting{action.NoApply},
		Download:       action.URL,
		MinVersion:     action.V(5, 5, 0),
	}
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

// Update sends each row of the request's data to its record.
func (o Object) Update(ctx context.Context, http *http.Client, req *action.Request) (*action.Response, error) {
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
	l, err := o.layout(table.Columns, req.Plan.HiddenFields)
	if err != nil {
		return nil, err
	}
	c := &client{http: http, object: o, token: in.Token, rejections: &rows.Rejections{}}
	result := deliver.Batches(ctx, l.updates(table), deliver.Options[update]{
		Size: int(in.Batch), MaxBytes: maxBatchBytes, Weight: update.weight, Concurrency: concurrency,
		Limiter: rate.NewLimiter(callsPerSecond, callsPerSecond), Retry: retry, RetryItems: retryItems, BisectBudget: maxBisectCalls,
		Key: func(u update) string { return u.ID },
	}, c.update)
	if err := result.Err(o.Type); err != nil {
		return nil, err
	}
	return &action.Response{Message: fmt.Sprintf("%d %s updated.", result.Sent(), o.Type)}, nil
}
