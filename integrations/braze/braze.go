// Package braze sets attributes of the users in a query's result at Braze, and a label by which
// they can be segmented.
package braze

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/rows"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
)

// Braze's published limits: https://www.braze.com/docs/api/api_limits/ and
// https://www.braze.com/docs/api/endpoints/user_data/. The rate limit is that of older contracts,
// 50,000 requests a minute.
const (
	usersPerCall   = 75
	maxCall        = 4 << 20
	callsPerSecond = 50_000 / 60
	concurrency    = 8
	maxBisectCalls = 2_000
)

// defaultLabel is also named in the form.
const defaultLabel = "LOOKER_EXPORT"

// settings are the hub's.
type settings struct {
	// MaxRows is the maximum number of rows that are sent; 0 means all. The default is also named in
	// the description in Looker.
	MaxRows uint `env:"BRAZE_MAX_EXPORT" envDefault:"100000"`
}

// input is the integration's settings in Looker and the user's answers.
type input struct {
	APIKey   action.Secret `param:"braze_api_key,required"`
	Endpoint endpoint      `param:"braze_api_endpoint,required"`
	Key      key           `form:"braze_key"`
	Label    string        `form:"braze_segment"`
}

// Validate requires a key, with the reference's message.
func (in *input) Validate() error {
	if in.Key == "" {
		return action.InvalidField("braze_key", "Missing primary Braze key.")
	}
	if in.Label == "" {
		in.Label = defaultLabel
	}
	return nil
}

// Integration sends users to Braze.
type Integration struct {
	http    *http.Client
	maxRows uint
}

// New makes the integration.
func New(deps action.Deps) (action.Integration, error) {
	s, err := action.Settings[settings](deps)
	if err != nil {
		return nil, err
	}
	return &Integration{deps.HTTP, s.MaxRows}, nil
}

// Definition implements [action.Integration].
func (*Integration) Definition() action.Definition {
	return rows.Definition(action.Definition{
		Name: "braze", Label: "Braze",
		Description: "Flags users from Looker to Braze via the REST API for use with segmentation. " +
			"Ensure there's a 'braze_id' field tagged in the results. MAX EXPORT: 100000.",
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

// Form implements [action.FormBuilder].
func (*Integration) Form(context.Context, *action.Request) (*action.Form, error) {
	return &action.Form{Fields: []action.Field{
		{
			Name: "braze_key", Label: "Unique Key", Description: " Primay key for user to map to within Braze.",
			Type: action.Select, Default: string(externalID), Required: true,
			Options: []action.Option{{Name: string(externalID), Label: string(externalID)}, {Name: string(brazeID), Label: string(brazeID)}},
		},
		{
			Name: "braze_segment", Label: "Export Label",
			Description: "Name of export (Appends to Custom Attribute Array 'looker_export'). Defaults to 'LOOKER_EXPORT'.",
			Type:        action.String, Default: defaultLabel, Required: true,
		},
	}}, nil
}

// retry is safe: calls set attributes, and add a label that Braze stores once
// (https://www.braze.com/docs/user_guide/data/custom_data/custom_attributes/#arrays).
var retry = deliver.Retry{MaxAttempts: 6, InitialBackoff: time.Second, MaxBackoff: time.Minute}

// Execute implements [action.Integration].
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	in, table, err := rows.Open[input](ctx, req)
	if err != nil {
		return nil, err
	}
	columns, err := mapColumns(table, in.Key)
	if err != nil {
		return nil, err
	}
	c := client{http: i.http, address: in.Endpoint.address(), key: in.APIKey}
	batches := rows.JSONBatches(usersPerCall, maxCall)
	batches.Concurrency, batches.Limiter = concurrency, rate.NewLimiter(callsPerSecond, concurrency)
	batches.Retry, batches.BisectBudget = retry, maxBisectCalls
	result := deliver.Batches(ctx, i.limit(columns.users(table, in.Key, in.Label)), batches, c.track)
	return rows.Response(result, "rows", "%d rows sent to Braze.")
}

// limit rejects the rows beyond MaxRows, so that they are counted.
func (i *Integration) limit(users iter.Seq2[[]byte, error]) iter.Seq2[[]byte, error] {
	if i.maxRows == 0 {
		return users
	}
	return func(yield func([]byte, error) bool) {
		n := uint(0)
		for user, err := range users {
			if n++; n > i.maxRows && err == nil {
				user, err = nil, deliver.Reject(action.Errorf(action.TooLarge, "At most %d rows are sent to Braze.", i.maxRows))
			}
			if !yield(user, err) {
				return
			}
		}
	}
}

// key is the identifier of users.
type key string

const (
	externalID key = "external_id"
	brazeID    key = "braze_id"
)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (k *key) UnmarshalText(text []byte) error {
	*k = key(text)
	if *k != externalID && *k != brazeID {
		return fmt.Errorf("must be %s or %s", externalID, brazeID)
	}
	return nil
}

// endpoint is the host of the REST API for the workspace.
type endpoint string

// UnmarshalText implements [encoding.TextUnmarshaler]. The host gets the API key, so it must be
// one of Braze's.
func (e *endpoint) UnmarshalText(text []byte) error {
	lower := strings.ToLower(string(text))
	if !strings.HasPrefix(lower, "http://") && !strings.HasPrefix(lower, "https://") {
		return errors.New("must be a URL that begins with https://")
	}
	u, err := url.Parse(lower)
	if err != nil || !isBrazeHost(u.Host) || u.User != nil || strings.Trim(u.Path, "/") != "" ||
		u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return errors.New("must be the URL of a Braze REST API endpoint, such as https://rest.iad-01.braze.com")
	}
	*e = endpoint(u.Host)
	return nil
}

func isBrazeHost(host string) bool {
	for _, suffix := range []string{".braze.com", ".braze.eu"} {
		if name, ok := strings.CutSuffix(host, suffix); ok && name != "" && !strings.ContainsAny(name, ":/\\@[]% ") {
			return true
		}
	}
	return false
}

// address is the URL for users, always HTTPS.
func (e endpoint) address() string { return "https://" + string(e) + "/users/track" }
