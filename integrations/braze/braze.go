// Package braze sends the rows of a query to Braze: as attributes of users, with a label by which they can
// be segmented, or as events or purchases of users.
package braze

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"time"

	"golang.org/x/time/rate"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/rowlog"
	"integrationhub.dev/integrations/internal/rows"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
)

// Braze's published limits: https://www.braze.com/docs/api/api_limits/ and
// https://www.braze.com/docs/api/endpoints/user_data/post_user_track/. A call may have 75 objects, but 50 in the
// contracts by monthly active users. 3,000 calls in three seconds are allowed, and 50,000 a minute in older contracts.
const (
	objectsPerCall = 50
	maxCall        = 4 << 20
	callsPerSecond = 50_000 / 60
	concurrency    = 8
	maxBisectCalls = 2_000
)

// settings are the hub's.
type settings struct {
	// MaxRows is the maximum number of rows that are sent; 0 means all.
	MaxRows uint `env:"BRAZE_MAX_EXPORT" envDefault:"100000"`
}

// Integration sends rows to Braze.
type Integration struct {
	http    *http.Client
	maxRows uint
	rowLog  *rowlog.Log
}

// New makes the integration.
func New(deps action.Deps) (action.Integration, error) {
	s, err := action.Settings[settings](deps)
	if err != nil {
		return nil, err
	}
	rowLog, err := rowlog.New(deps, "braze")
	if err != nil {
		return nil, err
	}
	return &Integration{deps.HTTP, s.MaxRows, rowLog}, nil
}

// Definition implements [action.Integration]. Its description is the reference's, with the hub's limit.
func (i *Integration) Definition() action.Definition {
	limit := ""
	if i.maxRows > 0 {
		limit = fmt.Sprintf(" MAX EXPORT: %d.", i.maxRows)
	}
	return rows.Definition(action.Definition{
		Name: "braze", Label: "Braze",
		Description: "Flags users from Looker to Braze via the REST API for use with segmentation. " +
			"Ensure there's a 'braze_id' field tagged in the results." + limit,
		Params: []action.Param{
			{Name: "braze_description", Label: "Braze Description", Description: "Braze Action Description"},
			{
				Name: "braze_api_key", Label: "Braze API Key", Required: true, Sensitive: true,
				Description: "Braze API Key from https://dashboard.braze.com/app_settings/developer_console/ with users.track permission.",
			},
			{
				Name: "braze_api_endpoint", Label: "Braze REST API Endpoint", Required: true,
				Description: "Braze REST API endpoint based on the instance location. " +
					"See: https://www.braze.com/docs/developer_guide/rest_api/basics/#endpoints Example: https://rest.iad-01.braze.com",
			},
		},
		RequiredFields: []action.RequiredField{{Tag: tagID}},
		Formats:        []action.Format{action.JSONDetail},
		Download:       action.URL,
		MinVersion:     action.V(5, 5, 0),
	})
}

// retry is for attributes: calls set them, and add or remove a label that Braze stores once
// (https://www.braze.com/docs/user_guide/data/activation/custom_data/data_types/).
var retry = deliver.Retry{MaxAttempts: 6, InitialBackoff: time.Second, MaxBackoff: time.Minute}

// once is for events and purchases: Braze stores each one that it receives
// (https://www.braze.com/docs/api/endpoints/user_data/post_user_track/#how-does-userstrack-handle-duplicate-events).
var once = deliver.Once{Name: name, MaybeDeliveredHint: "Some rows of the call may already have been stored, so they were not sent again."}

// Execute implements [action.Integration].
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	in, table, err := rows.Open[input](ctx, req)
	if err != nil {
		return nil, err
	}
	columns, err := mapColumns(table, &in)
	if err != nil {
		return nil, err
	}
	c := client{http: i.http, address: in.Endpoint.address(), key: in.APIKey, record: in.Record}
	batches := deliver.Options[object]{
		Size: objectsPerCall, MaxBytes: maxCall - envelope, Weight: object.weight, Concurrency: concurrency,
		Limiter: rate.NewLimiter(callsPerSecond, concurrency), BisectBudget: maxBisectCalls, Retry: once,
	}
	var key rowlog.Key
	if in.Record == attributes { // a user's last attributes count, but each event and purchase is one of its own
		batches.Retry, batches.Key, key = retry, object.key, columns.key
	}
	delivery, err := i.rowLog.Begin(ctx, req, table, key)
	if err != nil {
		return nil, err
	}
	batches.Outcome = delivery.Outcome
	result := deliver.Batches(ctx, i.limit(newEncoder(&in, table, columns).objects(delivery.Table)), batches, c.track)
	return delivery.Response(ctx, result, "rows", "%d rows sent to Braze.")
}

// limit rejects the rows beyond MaxRows, so that they are counted.
func (i *Integration) limit(objects iter.Seq2[object, error]) iter.Seq2[object, error] {
	if i.maxRows == 0 {
		return objects
	}
	return func(yield func(object, error) bool) {
		n := uint(0)
		for one, err := range objects {
			if n++; n > i.maxRows && err == nil {
				one, err = object{}, deliver.Reject(action.Errorf(action.TooLarge, "At most %d rows are sent to Braze. The hub's "+
					"administrator can change BRAZE_MAX_EXPORT.", i.maxRows))
			}
			if !yield(one, err) {
				return
			}
		}
	}
}
