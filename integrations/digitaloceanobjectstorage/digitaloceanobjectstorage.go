// Package digitaloceanobjectstorage writes query results and dashboards into DigitalOcean
// Spaces, whose API is that of S3: https://docs.digitalocean.com/products/spaces/reference/s3-compatibility/
package digitaloceanobjectstorage

import (
	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/aws/s3store"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
)

// settings are the hub's environment variables.
type settings struct {
	// AllowedSpaces are the Spaces that users may write to. Empty allows all.
	AllowedSpaces s3store.Allowed `env:"DIGITALOCEAN_OBJECT_STORAGE_ALLOWED_SPACES"`
}

// Integration writes objects to DigitalOcean Spaces.
type Integration struct{ *s3store.Store }

// New makes the integration. It needs no settings.
func New(deps action.Deps) (action.Integration, error) {
	s, err := action.Settings[settings](deps)
	if err != nil {
		return nil, err
	}
	return &Integration{s3store.New(deps, s3store.Service{
		Allowed: s.AllowedSpaces,
		Name:    "DigitalOcean Spaces", Vendor: "DigitalOcean", BucketLabel: "Space Name",
		Endpoint: "https://{region}.digitaloceanspaces.com",
		Needs:    "the permission to read and write the Space",
		Unlisted: "The name of the Space. The access key is limited to some Spaces and is not allowed to list them, so no list is available.",
		None:     "The name of the Space. The access key's account has no Spaces in this region.",
	})}, nil
}

// Definition implements [action.Integration].
func (*Integration) Definition() action.Definition {
	return action.Definition{
		Name: "digitalocean_object_storage", Label: "DigitalOcean Spaces",
		Description: "Write data files to DigitalOcean's Spaces storage.",
		Params: []action.Param{
			{Name: "access_key_id", Label: "Spaces Access Key", Required: true, Description: "Your access key for DigitalOcean Spaces " +
				"https://cloud.digitalocean.com/settings/api/tokens."},
			{Name: "secret_access_key", Label: "Spaces Secret Key", Required: true, Sensitive: true, Description: "Your secret key for " +
				"DigitalOcean Spaces https://cloud.digitalocean.com/settings/api/tokens."},
			{Name: "region", Label: "Region", Required: true, Description: "DigitalOcean Region e.g. NYC3 "},
		},
		Types:      []action.Type{action.TypeDashboard, action.TypeQuery},
		Download:   action.URL,
		MinVersion: action.V(5, 5, 0),
	}
}
