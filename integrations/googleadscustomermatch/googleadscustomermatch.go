// Package googleadscustomermatch uploads the people in a query's result to a Customer Match list of
// Google Ads.
package googleadscustomermatch

import (
	"context"
	"fmt"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/google"
	"integrationhub.dev/integrations/internal/google/datamanager"
	"integrationhub.dev/integrations/internal/rows"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
	_ action.Authorizer  = (*Integration)(nil)
)

// settings are the hub's: an OAuth client, and the version of the Google Ads API. Google retires versions
// after about a year. It ignores developer tokens since September 2026:
// https://developers.google.com/google-ads/api/docs/api-policy/developer-token
type settings struct {
	ClientID       string        `env:"GOOGLE_ADS_CLIENT_ID,required,notEmpty"`
	ClientSecret   action.Secret `env:"GOOGLE_ADS_CLIENT_SECRET,required,notEmpty"`
	DeveloperToken action.Secret `env:"GOOGLE_ADS_DEVELOPER_TOKEN"`
	APIVersion     apiVersion    `env:"GOOGLE_ADS_API_VERSION" envDefault:"v25"`
}

// Integration uploads people to Google Ads. The service implements the sign-in.
type Integration struct {
	*google.Service
	settings settings
	startJob action.StartJob
	now      func() time.Time
}

// New makes the integration.
func New(deps action.Deps) (action.Integration, error) {
	s, err := action.Settings[settings](deps)
	if err != nil {
		return nil, err
	}
	// The Google Ads API has the accounts for the form, whichever API is used.
	scopes := []string{google.ScopeAds, datamanager.Scope}
	service := google.NewService("Google Ads", google.Credentials{ID: s.ClientID, Secret: s.ClientSecret}, scopes, deps)
	return &Integration{service, s, deps.StartJob, time.Now}, nil
}

// Definition implements [action.Integration].
func (*Integration) Definition() action.Definition {
	return rows.Definition(action.Definition{
		Name: "google_ads_customer_match", Label: "Google Ads Customer Match", Description: "Upload data to Google Ads Customer Match.",
		Formats:    []action.Format{action.JSONLabel},
		Download:   action.URL,
		MinVersion: action.V(5, 5, 0),
	})
}

// Execute implements [action.Integration]. Refreshed tokens go back to Looker even if the delivery
// fails.
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	c := i.open(req.State, "")
	if !c.SignedIn() {
		err := i.SignIn.Required()
		return i.Forget(err), err
	}
	message, err := c.deliver(ctx, req)
	if action.KindOf(err) == action.Unauthenticated && err != nil {
		return i.Forget(err), err
	}
	return &action.Response{Message: message, State: c.State()}, err
}

func (c *client) deliver(ctx context.Context, req *action.Request) (string, error) {
	in, err := action.Decode[input](req)
	if err != nil {
		return "", err
	}
	if req.Data.Empty() {
		return "", action.Errorf(action.Invalid, "The request came without data.")
	}
	table, err := req.Data.Table(ctx)
	if err != nil {
		return "", err
	}
	people, err := newPeople(table, in)
	if err != nil {
		return "", err
	}
	c.act(in.Login)
	if in.API == dataManager {
		return newIngestion(c, in).send(ctx, people)
	}
	u := &upload{client: c, in: in}
	return u.send(ctx, people)
}

// summary reports how many rows were sent, and which values were left out.
func summary(sent int, list string, p *people) string {
	if sent == 0 {
		return "The result has no rows. Nothing was sent to Google Ads."
	}
	text := fmt.Sprintf("%d rows uploaded to %s. Google Ads adds them to the list within about a day.", sent, list)
	if left := p.leftOut(); left != "" {
		text += " Unusable values were left out: " + left + "."
	}
	return text
}
