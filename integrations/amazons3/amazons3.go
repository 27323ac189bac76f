// Package amazons3 writes query results and dashboards into buckets of Amazon S3.
package amazons3

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/s3store"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
)

// settings are the hub's: an administrator's environment.
type settings struct {
	// Endpoint is an S3-compatible server to use in place of Amazon's.
	Endpoint endpoint `env:"AMAZON_S3_ENDPOINT"`
}

// Integration writes objects to Amazon S3.
type Integration struct{ store *s3store.Store }

// New makes the integration. It needs no settings.
func New(deps action.Deps) (action.Integration, error) {
	s, err := action.Settings[settings](deps)
	if err != nil {
		return nil, err
	}
	return &Integration{s3store.New(deps, s3store.Service{
		Name: "Amazon S3", Vendor: "AWS", Endpoint: string(s.Endpoint), BucketLabel: "Bucket",
		Needs:    "s3:PutObject and s3:AbortMultipartUpload on the bucket, and the use of its encryption key if it has one",
		Unlisted: "The name of the bucket. The access key may not list buckets (s3:ListAllMyBuckets), so there is no choice to offer.",
		None:     "The name of the bucket. The access key's account has none of its own.",
	})}, nil
}

// Definition implements [action.Integration].
func (*Integration) Definition() action.Definition {
	return action.Definition{
		Name: "amazon_s3", Label: "Amazon S3", Description: "Write data files to an S3 bucket.",
		Params: []action.Param{
			{Name: "access_key_id", Label: "Access Key", Required: true, Sensitive: true, Description: "Your access key for S3."},
			{Name: "secret_access_key", Label: "Secret Key", Required: true, Sensitive: true, Description: "Your secret key for S3."},
			{Name: "region", Label: "Region", Required: true, Description: "The bucket's AWS region, such as us-east-1 or eu-west-1: https://docs.aws.amazon.com/general/latest/gr/s3.html"},
		},
		Types:      []action.Type{action.TypeDashboard, action.TypeQuery},
		Download:   action.URL,
		MinVersion: action.V(5, 5, 0),
	}
}

// Form implements [action.FormBuilder].
func (i *Integration) Form(ctx context.Context, req *action.Request) (*action.Form, error) {
	return i.store.Form(ctx, req)
}

// Execute implements [action.Integration].
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	return i.store.Execute(ctx, req)
}

// endpoint is the address of a server.
type endpoint string

// UnmarshalText takes an http or https URL without anything that would be lost or leak.
func (e *endpoint) UnmarshalText(text []byte) error {
	u, err := url.Parse(string(text))
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") ||
		u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("an endpoint must be a URL such as https://s3.example.com")
	}
	*e = endpoint(strings.TrimRight(string(text), "/"))
	return nil
}
