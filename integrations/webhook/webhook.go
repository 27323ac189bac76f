// Package webhook sends query results and dashboards unchanged to a URL that a Looker user or an
// administrator enters.
package webhook

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/datafile"
	"integrationhub.dev/integrations/internal/webhook"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
)

// settings are the hub's environment variables.
type settings struct {
	// AllowedDomains limits the hosts of URLs. Empty allows all.
	AllowedDomains domains `env:"WEBHOOK_ALLOWED_DOMAINS"`
	// HTTPDomains are the domains for which http is allowed in addition to https.
	HTTPDomains domains `env:"WEBHOOK_HTTP_DOMAINS"`
}

// Integration sends to webhooks.
type Integration struct {
	http     *http.Client
	settings settings
}

// New makes the integration. It needs no settings.
func New(deps action.Deps) (action.Integration, error) {
	s, err := action.Settings[settings](deps)
	if err != nil {
		return nil, err
	}
	return &Integration{http: deps.HTTP, settings: s}, nil
}

// Definition implements [action.Integration].
func (*Integration) Definition() action.Definition {
	return action.Definition{
		Name: "webhook", Label: "Webhook",
		Description: "Send data to any HTTPS endpoint, optionally signed according to Standard Webhooks.",
		Params: []action.Param{
			{Name: "webhook_url", Label: "Webhook URL", Sensitive: true, Description: "The only URL to which data is sent (https). " +
				"Leave it empty to let users enter one."},
			{Name: "method", Label: "Method", Description: "POST or PUT. Leave it empty to let users choose."},
			{Name: "headers", Label: "Headers", Sensitive: true, Description: `Further headers, as a JSON object: {"X-Api-Key": "…"}. ` +
				"Needs the webhook URL."},
			{Name: "bearer_token", Label: "Bearer Token", Sensitive: true, Description: "Sent as Authorization: Bearer. Needs the webhook URL."},
			{Name: "username", Label: "User Name", Description: "For basic authentication. Needs the webhook URL."},
			{Name: "password", Label: "Password", Sensitive: true, Description: "For basic authentication."},
			{Name: "signing_secret", Label: "Signing Secret", Sensitive: true, Description: "Signs each delivery by " +
				"https://www.standardwebhooks.com: whsec_ and 24 to 64 bytes in base64. While you rotate it, the new and the old one, " +
				"separated by a blank."},
			{Name: "expected_status", Label: "Expected Status", Description: "The status codes that mean success, such as 202 or 200,202. " +
				"Any from 200 to 299 if empty."},
		},
		Types:      []action.Type{action.TypeQuery, action.TypeDashboard},
		Download:   action.URL,
		MinVersion: action.V(5, 5, 0),
	}
}

// Execute implements [action.Integration].
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	in, err := action.Decode[input](req)
	if err != nil {
		return nil, err
	}
	address, err := i.address(in)
	if err != nil {
		return nil, err
	}
	// The data is read completely first: incomplete data is never sent, the signature covers all of it,
	// and the request can be repeated. Only the hub's spool limits its size.
	if _, err := datafile.Prepare(req); err != nil {
		return nil, err
	}
	blob, err := req.Data.Spool(ctx, maxSize)
	if err != nil {
		return nil, err
	}
	defer blob.Close()
	if blob.Size() == 0 {
		return nil, action.Errorf(action.Invalid, "Looker sent no data.")
	}
	if err := i.deliver(ctx, newDelivery(in, address, req, blob)); err != nil {
		return nil, err
	}
	return &action.Response{}, nil
}

// maxSize exceeds the size of any spool.
const maxSize = 1 << 50

// address returns the webhook URL. The administrator's URL takes precedence.
func (i *Integration) address(in input) (*url.URL, error) {
	if in.FixedURL != "" {
		u, err := webhook.Address("", in.FixedURL, i.settings.HTTPDomains...)
		if err != nil { // the URL is not in the form
			return nil, action.Errorf(action.Invalid, "The webhook URL in the action's settings cannot be used: %s", action.MessageOf(err))
		}
		return u, i.allow(u, "")
	}
	u, err := webhook.Address("url", in.URL, i.settings.HTTPDomains...)
	if err != nil {
		return nil, err
	}
	return u, i.allow(u, "url")
}

func (i *Integration) allow(u *url.URL, field string) error {
	allowed := i.settings.AllowedDomains
	if len(allowed) == 0 || webhook.Within(u, allowed) {
		return nil
	}
	err := action.Errorf(action.Invalid, "The hub allows webhooks at these domains only: %s.", strings.Join(allowed, ", "))
	if field != "" {
		err.Fields = map[string]string{field: err.Message}
	}
	return err
}
