// Package datarobot creates projects in DataRobot from query results.
package datarobot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/rows"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
)

// settings are the hub's. The reference dropped the integration, so it must be enabled.
type settings struct {
	Enabled bool `env:"DATAROBOT_ENABLED,required,notEmpty"`
	// Region is the cloud for accounts without a URL of their own.
	Region region `env:"DATAROBOT_REGION" envDefault:"us"`
}

// account is what the Looker administrator enters.
type account struct {
	Token action.Secret `param:"datarobot_api_token"`
	API   endpoint      `param:"datarobot_url"`
}

// Validate requires a token, with the reference's message.
func (a *account) Validate() error {
	if a.Token == "" {
		return action.Errorf(action.Unauthenticated, "No DataRobot API Token configured; consult your Looker admin.")
	}
	return nil
}

// Integration creates projects.
type Integration struct {
	deps   action.Deps
	region region
}

// New makes the integration if it is enabled.
func New(deps action.Deps) (action.Integration, error) {
	s, err := action.Settings[settings](deps)
	if err != nil {
		return nil, err
	}
	if !s.Enabled {
		return nil, &action.MissingSettingsError{Keys: []string{"DATAROBOT_ENABLED"}}
	}
	return &Integration{deps, s.Region}, nil
}

// Definition implements [action.Integration].
func (i *Integration) Definition() action.Definition {
	return rows.Definition(action.Definition{
		Name: "datarobot", Label: "DataRobot - Create New Project", Description: "Send data to DataRobot and create a new project.",
		Params: []action.Param{
			{
				Name: "datarobot_api_token", Label: "Authentication User Attribute", Required: true, Sensitive: true,
				Description: "The user attribute with the user's DataRobot API key.",
			},
			{
				Name: "datarobot_url", Label: "DataRobot URL",
				Description: "The URL of your DataRobot: " + string(clouds[i.region]) + " (the default), the cloud of another region " +
					"(us, eu or jp), or your own.",
			},
		},
		Formats:    []action.Format{action.CSV},
		Download:   action.URL,
		MinVersion: action.V(5, 24, 0),
	})
}

// Form implements [action.FormBuilder]. A request checks the URL and the token.
func (i *Integration) Form(ctx context.Context, req *action.Request) (*action.Form, error) {
	a, err := action.Decode[account](req)
	if err != nil {
		return nil, err
	}
	if err := i.client(a).check(ctx); err != nil {
		return nil, err
	}
	return &action.Form{Fields: []action.Field{
		{Name: "projectName", Label: "The name of the project to be created", Type: action.String},
	}}, nil
}

// Execute implements [action.Integration]. It returns when DataRobot has read the data, or when that
// takes too long.
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	a, err := action.Decode[account](req)
	if err != nil {
		return nil, err
	}
	blob, err := req.Data.Spool(ctx, maxBytes) // truncated data must not become a project
	if err != nil {
		return nil, err
	}
	defer blob.Close()
	if blob.Size() == 0 {
		return nil, action.Errorf(action.Invalid, "Looker sent no data.")
	}
	project := cmp.Or(strings.TrimSpace(req.Form["projectName"]), action.Line(req.Plan.Title))
	c := i.client(a)
	status, err := c.create(ctx, project, req.SuggestedFilename(), blob)
	if err != nil {
		return nil, err
	}
	ready, err := c.await(ctx, status)
	if err != nil {
		return nil, err
	}
	if !ready {
		return &action.Response{Message: "DataRobot received the data and is still processing it."}, nil
	}
	return &action.Response{Message: fmt.Sprintf("The project %s was created.", project)}, nil
}

// region is one of DataRobot's clouds.
type region string

// clouds are the URLs of DataRobot's clouds: https://docs.datarobot.com/en/docs/api/dev-learning/api-quickstart.html. A token is
// valid only in the cloud that issued it.
var clouds = map[region]endpoint{
	"us": "https://app.datarobot.com",
	"eu": "https://app.eu.datarobot.com",
	"jp": "https://app.jp.datarobot.com",
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (r *region) UnmarshalText(text []byte) error {
	*r = region(strings.ToLower(strings.TrimSpace(string(text))))
	if clouds[*r] == "" {
		return errors.New("must be us, eu or jp")
	}
	return nil
}

const apiPath = "/api/v2"

// endpoint is the URL of a DataRobot, before the path of its API.
type endpoint string

// UnmarshalText accepts a region, and any URL of a DataRobot, as copied from the browser or the API.
func (e *endpoint) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	if cloud := clouds[region(strings.ToLower(s))]; cloud != "" {
		*e = cloud
		return nil
	}
	if !strings.Contains(s, "://") {
		s = "https://" + s
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil {
		return errors.New("must be a URL such as https://app.datarobot.com, or one of the regions us, eu and jp")
	}
	before, _, ok := strings.Cut(u.Path, apiPath)
	if !ok {
		before = ""
	}
	*e = endpoint((&url.URL{Scheme: u.Scheme, Host: u.Host, Path: before}).String())
	return nil
}

// api is the base URL of the API.
func (e endpoint) api() string { return string(e) + apiPath }

// host is the host name, for messages.
func (e endpoint) host() string {
	u, err := url.Parse(string(e))
	if err != nil {
		return name
	}
	return u.Host
}

// own reports whether it is not one of DataRobot's clouds.
func (e endpoint) own() bool {
	for _, cloud := range clouds {
		if e == cloud {
			return false
		}
	}
	return true
}
