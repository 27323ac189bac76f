// Package digitaloceandroplet shuts down the DigitalOcean droplets in a query's result, or the one
// in a cell, or powers them off.
package digitaloceandroplet

import (
	"context"
	"net/http"
	"regexp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/rows"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
)

// droplets have numeric IDs, which become part of URLs.
var droplets = rows.IDKind{
	Tag: "digitalocean_droplet_id", Valid: regexp.MustCompile(`^[1-9][0-9]{0,18}$`), Noun: "droplet ID",
	NoCell: "Couldn't get data from attachment.", // the reference's words, for the cell as well
}

// input is the integration's setting in Looker and the user's answer.
type input struct {
	APIKey action.Secret `param:"digitalocean_api_key,required"`
	Method method        `form:"method"`
}

// Validate sets the default.
func (in *input) Validate() error {
	if in.Method == "" {
		in.Method = shutdown
	}
	return nil
}

// Integration turns off droplets.
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

// Form implements [action.FormBuilder].
func (*Integration) Form(context.Context, *action.Request) (*action.Form, error) {
	return &action.Form{Fields: []action.Field{{
		Name: "method", Label: "Method", Type: action.Select, Default: string(shutdown),
		Description: "A shutdown stops the operating system cleanly, but can fail. Powering off is immediate, and can lose data.",
		Options: []action.Option{
			{Name: string(shutdown), Label: "Shut down"},
			{Name: string(shutdownElse), Label: "Shut down, and power off after 2 minutes"},
			{Name: string(powerOff), Label: "Power off"},
		},
	}}}, nil
}

// concurrency is the number of droplets that are waited for at the same time. Their polls stay within the rate limit.
const concurrency = 16

// Execute implements [action.Integration]. A droplet that fails does not affect the others. The
// message says how many are off.
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	in, err := action.Decode[input](req)
	if err != nil {
		return nil, err
	}
	ids, err := droplets.Read(ctx, req)
	if err != nil {
		return nil, err
	}
	c := client{http: i.http, key: in.APIKey, limiter: newLimiter()}
	result := deliver.Batches(ctx, deliver.Items(ids), deliver.Options[string]{Size: 1, Concurrency: concurrency},
		func(ctx context.Context, id []string) error {
			err := c.stop(ctx, id[0], in.Method)
			if action.KindOf(err) == action.Unauthenticated {
				return deliver.Stop(err) // every other droplet would fail too
			}
			return err
		})
	return rows.Response(result, "stop orders", "%d droplets are off.")
}
