// Package salesforcecampaigns adds the contacts and leads in a query's result to a Salesforce
// campaign.
package salesforcecampaigns

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/mirror"
	"integrationhub.dev/integrations/internal/rowlog"
	"integrationhub.dev/integrations/internal/rows"
	"integrationhub.dev/integrations/internal/signin"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
	_ action.Authorizer  = (*Integration)(nil)
)

// name is the destination's name in messages.
const name = "Salesforce"

// settings are the hub's: the app that is registered at Salesforce, and limits.
type settings struct {
	ClientID     string        `env:"SALESFORCE_CLIENT_ID,required,notEmpty"`
	ClientSecret action.Secret `env:"SALESFORCE_CLIENT_SECRET,required,notEmpty"`
	MaxResults   int           `env:"SALESFORCE_MAX_RESULTS"`
	ChunkSize    int           `env:"SALESFORCE_CHUNK_SIZE"`
	APIVersion   apiVersion    `env:"SALESFORCE_API_VERSION"`
}

const (
	// defaultCampaigns is the maximum number of campaigns in the form.
	defaultCampaigns = 10_000
	// maxChunk is the maximum number of records in a call:
	// https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_sobjects_collections_create.htm
	maxChunk = 200
	// defaultVersion is the API version of Spring '26, which every org has. Salesforce supports a
	// version for at least three years: https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/api_rest_eol.htm
	defaultVersion = "66.0"
)

// apiVersion is a version of the Salesforce API, such as 66.0.
type apiVersion string

// UnmarshalText implements [encoding.TextUnmarshaler].
func (v *apiVersion) UnmarshalText(text []byte) error {
	t := strings.TrimPrefix(strings.ToLower(strings.TrimSpace(string(text))), "v")
	whole, fraction, _ := strings.Cut(t, ".")
	n, err := strconv.ParseUint(whole, 10, 16)
	if err != nil || strings.Trim(fraction, "0") != "" {
		return errors.New("must be a version such as " + defaultVersion)
	}
	*v = apiVersion(fmt.Sprintf("%d.0", n))
	return nil
}

// Integration adds members to campaigns.
type Integration struct {
	settings settings
	http     *http.Client
	rowLog   *rowlog.Log
	// rotations are those of all domains.
	rotations signin.Rotations
}

// New makes the integration.
func New(deps action.Deps) (action.Integration, error) {
	s, err := action.Settings[settings](deps)
	if err != nil {
		return nil, err
	}
	if s.MaxResults < 0 || s.ChunkSize < 0 {
		return nil, errors.New("SALESFORCE_MAX_RESULTS and SALESFORCE_CHUNK_SIZE must be above 0")
	}
	s.MaxResults = cmp.Or(s.MaxResults, defaultCampaigns)
	s.ChunkSize = min(cmp.Or(s.ChunkSize, maxChunk), maxChunk)
	s.APIVersion = cmp.Or(s.APIVersion, defaultVersion)
	rowLog, err := rowlog.New(deps, "salesforce_campaigns")
	if err != nil {
		return nil, err
	}
	return &Integration{settings: s, http: deps.HTTP, rowLog: rowLog}, nil
}

// Definition implements [action.Integration].
func (*Integration) Definition() action.Definition {
	return rows.Definition(action.Definition{
		Name: "salesforce_campaigns", Label: "Salesforce Campaigns",
		Description: "Add contacts or leads to Salesforce campaign.",
		Params: []action.Param{{
			Name: "salesforce_domain", Label: "Salesforce domain", Required: true, UserAttributeName: "salesforce_campaigns_action_domain",
			Description: "Salesforce domain name, e.g. https://MyDomainName.my.salesforce.com",
		}},
		RequiredFields: []action.RequiredField{{AnyTag: []string{contactType.tag, leadType.tag}}},
		Formats:        []action.Format{action.JSONDetailLiteStream},
		Download:       action.Push,
		MinVersion:     action.V(22, 6, 0),
		LoginParams:    []string{"salesforce_domain"},
	})
}

// input is the user's setting in Looker and answers.
type input struct {
	Domain   domain `param:"salesforce_domain,required"`
	Mode     mode   `form:"create_or_append,required"`
	Campaign string `form:"campaign_name"`
	Status   string `form:"member_status"`
	// Surface turns rejected members into an error.
	Surface bool `form:"surface_sfdc_errors"`
}

// mode is the kind of campaign that gets the members.
type mode string

const (
	modeCreate mode = "create"
	modeAppend mode = "append"
)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (m *mode) UnmarshalText(text []byte) error {
	*m = mode(text)
	if *m != modeCreate && *m != modeAppend {
		return errors.New("must be create or append")
	}
	return nil
}

// Validate checks the answers that depend on each other.
func (in *input) Validate() error {
	in.Campaign = strings.TrimSpace(in.Campaign)
	switch {
	case in.Campaign == "":
		return action.InvalidField("campaign_name", "Missing Salesforce campaign name.")
	case in.Mode == modeAppend && !recordID.MatchString(in.Campaign):
		return action.InvalidField("campaign_name", "This is not a campaign ID. Choose the campaign from the list again.")
	}
	return nil
}

// Execute implements [action.Integration]. Refreshed tokens go back to Looker even if the delivery
// fails.
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	in, table, err := rows.OpenAttached[input](ctx, req)
	if err != nil {
		return nil, err
	}
	columns, err := memberColumns(table.Columns)
	if err != nil {
		return nil, err
	}
	plan, err := mirror.Read(req, "campaign")
	if err != nil {
		return nil, err
	}
	before := parseState(req.State)
	c := i.open(in.Domain, before)
	kept := i.rowLog.Keep(table)
	message, err := i.deliver(ctx, &delivery{input: in, client: c, kept: kept, columns: columns, plan: plan})
	note := kept.Store(ctx, "members")
	res := &action.Response{}
	if err == nil {
		res.Message = strings.TrimSpace(message + " " + note)
	}
	err = rowlog.WithNote(err, note)
	switch after := c.session.Tokens(); {
	case action.KindOf(err) == action.Unauthenticated:
		// The stored tokens are invalid: without them, the form offers a sign-in.
		res.State = &action.State{Data: action.Reset}
	case after != before:
		res.State = state(after)
	}
	return res, err
}

// delivery is one delivery to a campaign.
type delivery struct {
	input
	client  *client
	columns []column
	// kept are the rows, of which it keeps those that are not delivered.
	kept *rowlog.Delivery
	// plan is nil unless the campaign is mirrored.
	plan *mirror.Plan

	// created is set once a new campaign exists.
	created bool
}

// target is the campaign and the status of its new members; "" is its default.
type target struct{ campaign, status string }

// create creates the campaign.
func (d *delivery) create(ctx context.Context) (target, error) {
	campaign, err := d.client.createCampaign(ctx, d.Campaign)
	if err != nil {
		return target{}, err
	}
	d.created = true
	status, err := d.client.newStatus(ctx, campaign, d.Status)
	return target{campaign, status}, err
}

// open returns where the members go. A new campaign is created with the first batch, so that a truncated source
// leaves no empty one behind.
func (d *delivery) open(ctx context.Context) (func() (target, error), error) {
	if d.Mode == modeCreate {
		return sync.OnceValues(func() (target, error) { return d.create(ctx) }), nil
	}
	status, err := d.client.existingStatus(ctx, d.Campaign, d.Status)
	return func() (target, error) { return target{d.Campaign, status}, nil }, err
}

// deliver adds members to the campaign and reports how many.
func (i *Integration) deliver(ctx context.Context, d *delivery) (string, error) {
	to, err := d.open(ctx)
	if err != nil {
		return "", err
	}
	if d.Mode == modeCreate {
		d.plan = nil // it has no other members
	}
	t := &rejectionCounter{}
	adder := &adder{client: d.client, rejected: t, mirrored: d.plan != nil}
	result := deliver.Batches(ctx, members(d.kept, d.columns, t, d.plan), deliver.Options[member]{
		Size: i.settings.ChunkSize, Concurrency: concurrency, Retry: retry, RetryItems: lockedRetry, Outcome: d.kept.Outcome,
	}, func(ctx context.Context, batch []member) error {
		target, err := to()
		if err != nil {
			return deliver.Stop(err)
		}
		return adder.add(ctx, target, batch)
	})
	message, err := fmt.Sprintf("%d members added.", result.Sent()), result.Err("members")
	switch {
	case err == nil:
	case !d.Surface && t.explains(result) && ctx.Err() == nil: // the user chose so
		message, err = action.MessageOf(err), nil
	case d.created:
		err = action.Wrap(err, action.KindOf(err), "%s The campaign was created. Append to it to send the rest.", action.MessageOf(err))
	}
	if d.plan != nil {
		return i.mirror(ctx, d, adder, result, err)
	}
	if err != nil {
		return "", err
	}
	return message, nil
}

// open opens a user's session.
func (i *Integration) open(d domain, t signin.Tokens) *client {
	return &client{http: i.http, domain: d, version: i.settings.APIVersion, session: i.provider(d).Open(t)}
}
