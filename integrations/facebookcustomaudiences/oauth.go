package facebookcustomaudiences

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/oauth2"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/signin"
)

// provider is the OAuth client: https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow
func (i *Integration) provider() *signin.Provider {
	version := string(i.settings.APIVersion)
	return &signin.Provider{Name: name, HTTP: i.deps.HTTP, Config: oauth2.Config{
		ClientID: i.settings.ClientID, ClientSecret: i.settings.ClientSecret.Reveal(),
		Endpoint: oauth2.Endpoint{
			AuthURL: "https://www.facebook.com/" + version + "/dialog/oauth", TokenURL: graph + "/" + version + "/oauth/access_token",
			AuthStyle: oauth2.AuthStyleInParams,
		},
	}}
}

// AuthorizeURL implements [action.Authorizer]. Facebook separates scopes by commas.
func (i *Integration) AuthorizeURL(_ context.Context, login action.Login) (string, error) {
	return i.provider().AuthorizeURL(login, oauth2.SetAuthURLParam("scope", "ads_management,business_management")), nil
}

// Exchange implements [action.Authorizer]. The code's token may expire after an hour. It is exchanged
// for one that is valid for about 60 days:
// https://developers.facebook.com/docs/facebook-login/guides/access-tokens/get-long-lived
func (i *Integration) Exchange(ctx context.Context, login action.Login, callback url.Values) (*action.State, error) {
	short, err := i.provider().Exchange(ctx, login, callback.Get("code"))
	if err != nil {
		return nil, err
	}
	long, err := i.extend(ctx, short.Access)
	if err != nil {
		return nil, err
	}
	return signin.Keep(state{Tokens: tokens{long}, Redirect: login.RedirectURL}), nil
}

func (i *Integration) extend(ctx context.Context, short string) (string, error) {
	form := url.Values{
		"grant_type": {"fb_exchange_token"}, "fb_exchange_token": {short},
		"client_id": {i.settings.ClientID}, "client_secret": {i.settings.ClientSecret.Reveal()},
	}
	var long struct {
		Token string `json:"access_token"`
	}
	api := i.api()
	api.Base = ""
	if err := api.Call(ctx, http.MethodPost, i.provider().Config.Endpoint.TokenURL, form, &long); err != nil {
		return "", err
	}
	if long.Token == "" {
		return "", errSignIn
	}
	return long.Token, nil
}

// state is what Looker stores, in the reference's format.
type state struct {
	Tokens   tokens `json:"tokens"`
	Redirect string `json:"redirect"`
}

type tokens struct {
	LongLived string `json:"longLivedToken"`
}

var errSignIn = action.Errorf(action.Unauthenticated,
	"The sign-in at Facebook is missing or no longer valid. Open the form in Looker and log in again.")

// access is the administrator's setting in Looker. It is not one of the hub, because it gives access to ad
// accounts, which the hub's other Looker instances must not get.
type access struct {
	SystemToken action.Secret `param:"system_user_token"`
}

var systemTokenParam = action.Param{
	Name: "system_user_token", Label: "System User Token", Sensitive: true,
	Description: "An access token of a system user of your business portfolio, generated for the hub's Facebook app with the permissions " +
		"ads_management and business_management. All users of this action then use it, without logging in to Facebook.",
}

// open returns a client with the administrator's token or else the stored one of the user, or nil without
// any.
func (i *Integration) open(req *action.Request) (*client, error) {
	a, err := action.Decode[access](req)
	if err != nil {
		return nil, err
	}
	if token := strings.TrimSpace(a.SystemToken.Reveal()); token != "" {
		return &client{Integration: i, token: token, system: true}, nil
	}
	if s := signin.Kept[state](req.State); s.Tokens.LongLived != "" {
		return &client{Integration: i, token: s.Tokens.LongLived}, nil
	}
	return nil, nil //nolint:nilnil // not signed in
}
