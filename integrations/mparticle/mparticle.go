// Package mparticle sends the rows of a query to mParticle, as user profiles or as events.
package mparticle

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"sync"

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

// mParticle accepts 100 rows and less than 256 KB a request, without saying whether 1 KB is 1000
// or 1024 bytes: https://docs.mparticle.com/guides/default-service-limits/.
const (
	rowsPerCall    = 100
	maxCall        = 256_000
	maxRow         = 256 << 10
	concurrency    = 8
	maxBisectCalls = 2_000
)

// settings are the hub's.
type settings struct {
	Region region `env:"MPARTICLE_REGION"`
}

// input is the integration's settings in Looker and the user's answers.
type input struct {
	APIKey      string        `param:"apiKey,required"`
	APISecret   action.Secret `param:"apiSecret,required"`
	DataType    dataType      `form:"data_type"`
	Environment string        `form:"environment"`
	Region      regionChoice  `form:"region"`
}

// dataType decides what a row is sent as.
type dataType string

const (
	userData  dataType = "user_data"
	eventData dataType = "event_data"
)

const production, development = "production", "development"

// Validate requires a data type, with the reference's message.
func (in *input) Validate() error {
	if in.DataType != userData && in.DataType != eventData {
		return action.InvalidField("data_type", "Missing data type (user|event).")
	}
	if in.Environment != production {
		in.Environment = development
	}
	return nil
}

// Integration sends rows to mParticle.
type Integration struct {
	region region
	http   *http.Client
	log    *slog.Logger
	rowLog *rowlog.Log
}

// New makes the integration.
func New(deps action.Deps) (action.Integration, error) {
	s, err := action.Settings[settings](deps)
	if err != nil {
		return nil, err
	}
	rowLog, err := rowlog.New(deps, "mparticle")
	if err != nil {
		return nil, err
	}
	return &Integration{s.Region, deps.HTTP, deps.Log, rowLog}, nil
}

// Definition implements [action.Integration].
func (*Integration) Definition() action.Definition {
	return rows.Definition(action.Definition{
		Name: "mparticle", Label: "mParticle",
		Description: "Send user or event data from Looker to mParticle.",
		Params: []action.Param{
			{Name: "apiKey", Label: "API Key", Required: true, Description: "API Key for mParticle"},
			{Name: "apiSecret", Label: "API Secret", Required: true, Sensitive: true, Description: "API Secret for mParticle"},
		},
		FormatsFor: action.RowFormats,
		Download:   action.URL,
		MinVersion: action.V(5, 5, 0),
	})
}

// Execute implements [action.Integration].
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	in, table, err := rows.Open[input](ctx, req)
	if err != nil {
		return nil, err
	}
	m := newMapping(table, in.DataType)
	m.delivery = deliveryID(table, req)
	if len(m.identities) == 0 {
		return nil, action.Errorf(action.Invalid, "Each row must specify at least 1 identity tag.")
	}
	for _, field := range m.unknown {
		i.log.WarnContext(ctx, "mparticle: field is not sent because its tag is unknown", "field", field)
	}
	c := &client{
		http: i.http, address: in.Region.or(i.region).address(), key: in.APIKey, secret: in.APISecret, pace: newPace(),
	}
	batches := rows.JSONBatches(rowsPerCall, maxCall)
	batches.Concurrency, batches.Limiter = concurrency, c.pace.limiter
	batches.Retry, batches.BisectBudget = retry, maxBisectCalls
	var key rowlog.Key
	if in.DataType == userData { // a profile's last attributes count, but each event is one of its own
		key = m.person
	}
	delivery, err := i.rowLog.Begin(ctx, req, table, key)
	if err != nil {
		return nil, err
	}
	batches.Outcome = delivery.Outcome
	result := deliver.Batches(ctx, m.batches(delivery.Table, in.Environment), batches, c.send)
	return delivery.Response(ctx, result, "rows", "%d rows sent to mParticle.")
}

// mParticle's rate limit starts at 270 rows a second for an account and adapts to the traffic. Its
// responses report the percentage in use
// (https://docs.mparticle.com/guides/default-service-limits/#api-throttling).
const (
	initialRate = 270.0 / rowsPerCall // calls a second
	minRate     = initialRate / 8
	maxRate     = 40.0

	lowUsage  = 70 // percent: speed up below
	highUsage = 90 // percent: slow down above
	speedUp   = 1.05
	slowDown  = 0.95
)

// pace adapts the rate of calls to the usage that mParticle reports.
type pace struct {
	limiter *rate.Limiter
	mu      sync.Mutex // guards the limit between reading and setting it
}

func newPace() *pace { return &pace{limiter: rate.NewLimiter(initialRate, 1)} }

// used reads the headers of a successful response. Without the usage the rate stays.
func (p *pace) used(h http.Header) {
	percent, err := strconv.ParseFloat(h.Get("X-mp-rate-limit-percentage-used"), 64)
	switch {
	case err != nil:
	case percent <= lowUsage:
		p.times(speedUp)
	case percent >= highUsage:
		p.times(slowDown)
	}
}

// limited slows down after a call that was rate limited.
func (p *pace) limited() { p.times(0.5) }

func (p *pace) times(factor rate.Limit) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.limiter.SetLimit(max(minRate, min(maxRate, p.limiter.Limit()*factor)))
}
