// Package googleadscustomermatch uploads the people in a query's result to a Customer Match list of
// Google Ads.
package googleadscustomermatch

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/googleadscustomermatch/people"
	"integrationhub.dev/integrations/internal/choice"
	"integrationhub.dev/integrations/internal/google"
	"integrationhub.dev/integrations/internal/google/datamanager"
	"integrationhub.dev/integrations/internal/pii"
	"integrationhub.dev/integrations/internal/rowlog"
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
	rowLog   *rowlog.Log
}

// New makes the integration.
func New(deps action.Deps) (action.Integration, error) {
	s, err := action.Settings[settings](deps)
	if err != nil {
		return nil, err
	}
	rowLog, err := rowlog.New(deps, "google_ads_customer_match")
	if err != nil {
		return nil, err
	}
	// The Google Ads API has the accounts for the form, whichever API is used.
	scopes := []string{google.ScopeAds, datamanager.Scope}
	service := google.NewService("Google Ads", google.Credentials{ID: s.ClientID, Secret: s.ClientSecret}, scopes, deps)
	return &Integration{service, s, deps.StartJob, time.Now, rowLog}, nil
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
	kept := c.i.rowLog.Keep(table)
	options := in.people()
	options.Item = kept.Item
	all, err := people.New(table, options)
	if err != nil {
		return "", err
	}
	c.act(in.Login)
	send := (&upload{client: c, in: in, outcome: kept.Outcome}).send
	if in.API == dataManager {
		send = newIngestion(c, in, kept.Outcome).send
	}
	text, err := send(ctx, all)
	return text, rowlog.WithNote(err, kept.Store(ctx, "rows"))
}

// summary reports how many rows were sent, and which values were left out.
func (in input) summary(sent int, list string, p *people.People) string {
	if sent == 0 {
		return "The result has no rows. Nothing was sent to Google Ads."
	}
	text := fmt.Sprintf("%d rows uploaded to %s. Google Ads adds them to the list within about a day.", sent, list)
	if in.Mode == removeFromList {
		text = fmt.Sprintf("%d rows uploaded. Google Ads removes them from the list within about a day.", sent)
	}
	if left := p.LeftOut(); left != "" {
		text += " Unusable values were left out: " + left + "."
	}
	return text
}

// api is one of Google's APIs for Customer Match.
type api string

const (
	// dataManager is the API for new schedules. Google accepts no new users of the other one since April
	// 2026: https://developers.google.com/ads/blog/posts/2026/03/changes-to-customer-match-support-in
	dataManager api = "data_manager"
	// googleAds is the API of schedules that name none: they are older than the choice.
	googleAds api = "google_ads"
)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (a *api) UnmarshalText(text []byte) error {
	return choice.Parse(a, string(text), dataManager, googleAds)
}

// termsAccepted is the answer that Google's terms are accepted.
const termsAccepted = "accepted"

// What to do with the list.
const (
	createList     = "create"
	appendToList   = "append"
	removeFromList = "remove"
)

// input is what the Looker user answered.
type input struct {
	API             api             `form:"google_api"`
	Login           customerID      `form:"loginCid"`
	Target          customerID      `form:"targetCid"`
	Mode            string          `form:"createOrAppend"`
	Mobile          bool            `form:"mobileDevice"`
	App             string          `form:"mobileAppId"`
	Name            string          `form:"newListName"`
	Description     string          `form:"newListDescription"`
	List            listName        `form:"targetUserListRN"`
	Hashing         string          `form:"doHashing"`
	AdUserData      consent         `form:"consentAdUserData"`
	Personalization consent         `form:"consentAdPersonalization"`
	PhoneCountry    pii.CountryCode `form:"phoneCountry"`
	Terms           string          `form:"customer_match_terms"`
	Mirror          bool            `form:"mirror"`
}

// Validate checks the answers that depend on each other, and sets defaults.
func (in *input) Validate() error {
	if in.API == "" {
		in.API = googleAds
	}
	if in.Target == "" {
		in.Target = in.Login
	}
	if err := in.complete(); err != nil {
		return err
	}
	if in.API == dataManager && in.Mode != removeFromList && in.Terms != termsAccepted {
		return action.InvalidField("customer_match_terms", "Google requires that the account has accepted the Customer Match terms. "+
			"Confirm it in the form.")
	}
	// The form may still hold earlier answers.
	if in.Mode == createList {
		in.List = ""
	}
	in.Mirror = in.Mirror && in.Mode == appendToList
	return nil
}

// complete checks that there are the required answers, with the reference's messages.
func (in *input) complete() error {
	switch {
	case in.Login == "":
		return missing("loginCid", "Login account id is missing")
	case !slices.Contains([]string{createList, appendToList, removeFromList}, in.Mode):
		return missing("createOrAppend", "createOrAppend must be either 'create' or 'append' (got '%s')", in.Mode)
	case in.Mobile && in.App == "":
		return missing("mobileAppId", "Mobile application id is missing")
	case in.Hashing != "yes" && in.Hashing != "no":
		return missing("doHashing", "Hashing must be either 'yes' or 'no' (got '%s')", in.Hashing)
	case in.Mode == createList && in.Name == "":
		return missing("newListName", "Name for new list is missing")
	case in.Mode != createList && in.List == "":
		return missing("targetUserListRN", "List resource name is missing or could not be created")
	}
	return nil
}

func (in input) people() people.Options {
	o := people.Options{Devices: in.Mobile, Hash: in.Hashing == "yes", Country: string(in.PhoneCountry), Rules: people.GoogleAds}
	if in.API == dataManager {
		o.Rules = people.DataManager
	}
	return o
}

func missing(field, format string, args ...any) error {
	return action.InvalidField(field, "MissingRequiredParamsError: "+format, args...)
}

// customerID is the ID of a Google Ads account. It becomes part of URLs.
type customerID string

var digits = regexp.MustCompile(`^[0-9]+$`)

// UnmarshalText implements [encoding.TextUnmarshaler]. People write the ID with dashes.
func (id *customerID) UnmarshalText(text []byte) error {
	plain := strings.ReplaceAll(string(text), "-", "")
	if !digits.MatchString(plain) {
		return errors.New("must be an account ID from the form's list")
	}
	*id = customerID(plain)
	return nil
}

// listName is the resource name of a list.
type listName string

var listForm = regexp.MustCompile(`^customers/[0-9]+/userLists/[0-9]+$`)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (n *listName) UnmarshalText(text []byte) error {
	if !listForm.Match(text) {
		return errors.New("must be the resource name of a list from the form's list")
	}
	*n = listName(text)
	return nil
}

// consent is the consent of the people in the list.
type consent string

// UnmarshalText implements [encoding.TextUnmarshaler].
func (c *consent) UnmarshalText(text []byte) error {
	switch v := consent(text); v {
	case "UNSPECIFIED", "GRANTED", "DENIED":
		*c = v
		return nil
	}
	return errors.New("must be UNSPECIFIED, GRANTED or DENIED")
}

// apiVersion is a version of the Google Ads API, such as v25.
type apiVersion string

var versionForm = regexp.MustCompile(`^v[0-9]+$`)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (v *apiVersion) UnmarshalText(text []byte) error {
	if !versionForm.Match(text) {
		return errors.New("must look like v25")
	}
	*v = apiVersion(text)
	return nil
}
