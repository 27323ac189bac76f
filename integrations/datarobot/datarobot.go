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
	"integrationhub.dev/integrations/internal/message"
	"integrationhub.dev/integrations/internal/rows"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
)

// settings are the hub's. The reference dropped the integration, so it must be enabled.
type settings struct {
	Enabled bool `env:"DATAROBOT_ENABLED,required,notEmpty"`
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

// api is the base URL for this request.
func (a *account) api() string { return cmp.Or(string(a.API), cloud) }

// Integration creates projects.
type Integration struct{ deps action.Deps }

// New makes the integration if it is enabled.
func New(deps action.Deps) (action.Integration, error) {
	s, err := action.Settings[settings](deps)
	if err != nil {
		return nil, err
	}
	if !s.Enabled {
		return nil, &action.MissingSettingsError{Keys: []string{"DATAROBOT_ENABLED"}}
	}
	return &Integration{deps}, nil
}

// Definition implements [action.Integration].
func (*Integration) Definition() action.Definition {
	return rows.Definition(action.Definition{
		Name: "datarobot", Label: "DataRobot - Create New Project", Description: "Send data to DataRobot and create a new project.",
		Params: []action.Param{
			{
				Name: "datarobot_api_token", Label: "Authentication User Attribute", Required: true, Sensitive: true,
				Description: "The user attribute with the user's DataRobot API key.",
			},
			{Name: "datarobot_url", Label: "DataRobot URL", Description: "The URL of your DataRobot. The default is https://app.datarobot.com."},
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
	project := cmp.Or(strings.TrimSpace(req.Form["projectName"]), message.Line(req.Plan.Title))
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

const (
	cloud   = "https://app.datarobot.com/api/v2"
	apiPath = "/api/v2"
)

// endpoint is the base URL of an API.
type endpoint string

// UnmarshalText accepts any URL of a DataRobot, as copied from the browser or the API.
func (e *endpoint) UnmarshalText(text []byte) error {
	s := string(text)
	if !strings.Contains(s, "://") {
		s = "https://" + s
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil {
		return errors.New("must be a URL such as https://app.datarobot.com")
	}
	before, _, ok := strings.Cut(u.Path, apiPath)
	if !ok {
		before = ""
	}
	*e = endpoint((&url.URL{Scheme: u.Scheme, Host: u.Host, Path: before + apiPath}).String())
	return nil
}
