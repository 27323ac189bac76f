package mparticle

import (
	"context"
	"errors"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/choice"
)

// Form implements [action.FormBuilder].
func (i *Integration) Form(context.Context, *action.Request) (*action.Form, error) {
	return &action.Form{Fields: append([]action.Field{
		{
			Name: "data_type", Label: "Data Type", Description: "Specify data type: User Profiles or Events",
			Type: action.Select, Required: true,
			Options: []action.Option{{Name: string(userData), Label: "User Profiles"}, {Name: string(eventData), Label: "Events"}},
		},
		{
			Name: "environment", Label: "Environment", Description: "Specify environment to send to: Test/Development or Production",
			Type: action.Select, Required: true,
			Options: []action.Option{{Name: production, Label: "Production"}, {Name: development, Label: "Test/Development"}},
		},
		regionField,
	}, i.rowLog.Fields()...)}, nil
}

// region decides on mParticle's host. The zero value is the feed host.
type region string

var regions = []region{"us1", "us2", "eu1", "au1"}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (r *region) UnmarshalText(text []byte) error {
	lower := strings.ToLower(string(text))
	if lower == "" || choice.Parse(r, lower, regions...) == nil {
		return nil
	}
	return errors.New("must be us1, us2, eu1 or au1")
}

// address is the URL for rows. A workspace's own inputs have a host in each region
// (https://docs.mparticle.com/developers/apis/http/), and partners' feeds have a host of their own
// (https://docs.mparticle.com/developers/partners/inbound-integrations/), which is the reference's.
func (r region) address() string {
	if r == "" {
		return "https://inbound.mparticle.com/s2s/v2/bulkevents"
	}
	return "https://s2s." + string(r) + ".mparticle.com/v2/bulkevents"
}

// regionChoice is the answer to which host gets the rows. Empty is the hub's setting.
type regionChoice string

const (
	hubRegion  regionChoice = "default"
	feedRegion regionChoice = "feed"
)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (c *regionChoice) UnmarshalText(text []byte) error {
	allowed := []regionChoice{hubRegion, feedRegion}
	for _, r := range regions {
		allowed = append(allowed, regionChoice(r))
	}
	return choice.Parse(c, string(text), allowed...)
}

// or returns the chosen region, or the hub's.
func (c regionChoice) or(hub region) region {
	switch c {
	case "", hubRegion:
		return hub
	case feedRegion:
		return ""
	}
	return region(c)
}

var regionField = action.Field{
	Name: "region", Label: "Region", Type: action.Select, Default: string(hubRegion),
	Description: "The host that the API key belongs to: a workspace's own inputs have one in the workspace's region, " +
		"and feeds of partners have one for all regions.",
	Options: []action.Option{
		{Name: string(hubRegion), Label: "As the hub is configured"},
		{Name: string(feedRegion), Label: "Feed of a partner (inbound.mparticle.com)"},
		{Name: "us1", Label: "US1 (s2s.us1.mparticle.com)"},
		{Name: "us2", Label: "US2 (s2s.us2.mparticle.com)"},
		{Name: "eu1", Label: "EU1 (s2s.eu1.mparticle.com)"},
		{Name: "au1", Label: "AU1 (s2s.au1.mparticle.com)"},
	},
}
