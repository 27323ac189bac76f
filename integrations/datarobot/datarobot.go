// Package datarobot makes projects in DataRobot from query results.
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
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
)

// settings are the hub's. The reference gave the integration up, so it is offered only where
// somebody asks for it.
type settings struct {
	Enabled bool `env:"DATAROBOT_ENABLED,required,notEmpty"`
}

// account is what the Looker administrator enters.
type account struct {
	Token action.Secret `param:"datarobot_api_token"`
	API   endpoint      `param:"datarobot_url"`
}

// Validate says in the reference's words that there is no token.
func (a *account) Validate() error {
	if a.Token == "" {
		return action.Errorf(action.Unauthenticated, "No DataRobot API Token configured; consult your Looker admin.")
	}
	return nil
}

// api is where the calls of this request go; nothing of it is kept for the next.
func (a *account) api() string { return cmp.Or(string(a.API), cloud) }

// Integration makes projects.
type Integration struct{ deps action.Deps }

// New makes the integration, where it is enabled.
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
	return action.Definition{
		Name: "datarobot", Label: "DataRobot - Create New Project", Description: "Send data to DataRobot and create a new project.",
		Params: []action.Param{
			{Name: "datarobot_api_token", Label: "Authentication User Attribute", Required: true, Sensitive: true, Description: "The user attribute that holds the user's API token of DataRobot."},
			{Name: "datarobot_url", Label: "DataRobot URL", Description: "The address of your DataRobot, such as https://app.datarobot.com, which is used if this is empty."},
		},
		Types:          []action.Type{action.TypeQuery},
		Formats:        []action.Format{action.CSV},
		Formattings:    []action.Formatting{action.Unformatted},
		VisFormattings: []action.VisFormatting{action.NoApply},
		Download:       action.URL,
		MinVersion:     action.V(5, 24, 0),
	}
}

// Form implements [action.FormBuilder]. The address and the token are tried out.
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

// Execute implements [action.Integration]. It returns once DataRobot has read the data, or
// after a while in which it neither finished nor failed.
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	a, err := action.Decode[account](req)
	if err != nil {
		return nil, err
	}
	blob, err := req.Data.Spool(ctx, mostBytes) // data that breaks off must not become a project
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
		return &action.Response{Message: "DataRobot took the data and is still reading it."}, nil
	}
	return &action.Response{Message: fmt.Sprintf("The project %s was made.", project)}, nil
}

const (
	cloud   = "https://app.datarobot.com/api/v2"
	apiPath = "/api/v2"
)

// endpoint is where a DataRobot answers to API calls.
type endpoint string

// UnmarshalText takes the address of a DataRobot as people copy it: of what follows the host,
// only the part up to the API's own path counts.
func (e *endpoint) UnmarshalText(text []byte) error {
	s := string(text)
	if !strings.Contains(s, "://") {
		s = "https://" + s
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil {
		return errors.New("must be an address such as https://app.datarobot.com")
	}
	before, _, ok := strings.Cut(u.Path, apiPath)
	if !ok {
		before = ""
	}
	*e = endpoint((&url.URL{Scheme: u.Scheme, Host: u.Host, Path: before + apiPath}).String())
	return nil
}
