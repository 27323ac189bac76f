// Package digitaloceandroplet powers off the DigitalOcean droplets in a query's result, or the one
// in a cell.
package digitaloceandroplet

import (
	"context"
	"net/http"
	"regexp"
	"time"

	"golang.org/x/time/rate"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/rows"
)

var _ action.Integration = (*Integration)(nil)

// droplets have numeric IDs, which become part of URLs.
var droplets = rows.IDKind{
	Tag: "digitalocean_droplet_id", Valid: regexp.MustCompile(`^[1-9][0-9]{0,18}$`), Noun: "droplet ID",
	NoCell: "Couldn't get data from attachment.", // the reference's words, for the cell as well
}

// input is the integration's setting in Looker.
type input struct {
	APIKey action.Secret `param:"digitalocean_api_key,required"`
}

// Integration powers off droplets.
type Integration struct {
	http *http.Client
}

// New makes the integration. It needs no settings.
func New(deps action.Deps) (action.Integration, error) { return &Integration{deps.HTTP}, nil }

// Definition implements [action.Integration].
func (*Integration) Definition() action.Definition {
	return action.Definition{
		Name: "digitalocean_droplet", Label: "DigitalOcean - Stop Droplet",
		Description:    "Stop a DigitalOcean droplet.",
		Params:         []action.Param{{Name: "digitalocean_api_key", Label: "DigitalOcean API Key", Required: true, Sensitive: true}},
		RequiredFields: []action.RequiredField{{Tag: droplets.Tag}},
		Types:          []action.Type{action.TypeCell, action.TypeQuery},
		Formats:        []action.Format{action.JSONDetail},
		Download:       action.Push,
		MinVersion:     action.V(5, 5, 0),
	}
}

const concurrency = 4

// newLimiter stays below DigitalOcean's limit of 250 calls a minute
// (https://docs.digitalocean.com/reference/api/digitalocean/#section/Introduction/Rate-Limit).
func newLimiter() *rate.Limiter { return rate.NewLimiter(rate.Every(time.Minute/240), 10) }

// Execute implements [action.Integration]. A droplet that fails does not affect the others. The
// message says how many were powered off.
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	in, err := action.Decode[input](req)
	if err != nil {
		return nil, err
	}
	ids, err := droplets.Read(ctx, req)
	if err != nil {
		return nil, err
	}
	result := deliver.Batches(ctx, deliver.Items(ids), deliver.Options[string]{
		Size: 1, Concurrency: concurrency, Limiter: newLimiter(),
		// Powering off can be repeated.
		Retry: deliver.Retry{MaxAttempts: 5, InitialBackoff: time.Second, MaxBackoff: 30 * time.Second},
	}, func(ctx context.Context, id []string) error {
		err := i.powerOff(ctx, in.APIKey, id[0])
		if action.KindOf(err) == action.Unauthenticated {
			return deliver.Stop(err) // every other droplet would fail too
		}
		return err
	})
	return rows.Response(result, "stop orders", "%d droplets powered off.")
}
