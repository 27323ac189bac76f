// Package googlecloudstorage writes query results and dashboards into buckets of Google Cloud
// Storage.
package googlecloudstorage

import (
	"context"
	"errors"
	"net/url"
	"regexp"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/objectstore"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
)

// name is what people call the destination.
const name = "Google Cloud Storage"

// settings are the hub's: an administrator's environment.
type settings struct {
	// Endpoint is the API's address: another one for a private endpoint or an emulator.
	Endpoint endpoint `env:"GOOGLE_CLOUD_STORAGE_ENDPOINT" envDefault:"https://storage.googleapis.com"`
	// CredentialsFile is a file of application default credentials, as whom the hub writes
	// where Looker has no key.
	CredentialsFile string `env:"GOOGLE_CLOUD_STORAGE_CREDENTIALS_FILE"`
	// PodIdentity lets the hub write as its pod where Looker has no key, by what Google's
	// metadata server says.
	PodIdentity bool `env:"GOOGLE_CLOUD_STORAGE_POD_IDENTITY"`
}

func (s settings) validate() error {
	if s.PodIdentity && s.CredentialsFile != "" {
		return errors.New("GOOGLE_CLOUD_STORAGE_CREDENTIALS_FILE and GOOGLE_CLOUD_STORAGE_POD_IDENTITY are two answers to one " +
			"question: keep one")
	}
	return nil
}

// keyless reports that the hub needs no key of Looker's.
func (s settings) keyless() bool { return s.PodIdentity || s.CredentialsFile != "" }

// account is what the Looker administrator enters.
type account struct {
	Email   string        `param:"client_email"`
	Key     action.Secret `param:"private_key"`
	Project string        `param:"project_id,required"`
}

// target is what the Looker user enters, beside what every store asks for.
type target struct {
	Bucket bucketName `form:"bucket"`
}

// Validate says in the reference's words that there is no bucket.
func (t *target) Validate() error {
	if t.Bucket == "" {
		return action.InvalidField("bucket", "%s [Google Cloud Storage] needs a GCS bucket specified.", action.Invalid.Description())
	}
	return nil
}

// Integration writes objects to Google Cloud Storage.
type Integration struct {
	settings settings
	deps     action.Deps
	plan     objectstore.Plan
	// reads and writes say how calls are tried again; each may be made twice.
	reads, writes deliver.Retry
}

// New makes the integration. It needs no settings.
func New(deps action.Deps) (action.Integration, error) {
	s, err := action.Settings[settings](deps)
	if err != nil {
		return nil, err
	}
	if err := s.validate(); err != nil {
		return nil, err
	}
	plan := objectstore.Plan{Destination: name, Stages: stages, Ordered: true}
	return &Integration{settings: s, deps: deps, plan: plan, reads: readRetry, writes: writeRetry}, nil
}

// Definition implements [action.Integration]. A hub with credentials of its own does not ask
// for a key.
func (i *Integration) Definition() action.Definition {
	key := !i.settings.keyless()
	const console = " for GCS from https://console.cloud.google.com/apis/credentials"
	return action.Definition{
		Name: "google_cloud_storage", Label: "Google Cloud Storage",
		Description: "Write data files to a Google Cloud Storage bucket.",
		Params: []action.Param{
			{Name: "client_email", Label: "Client Email", Required: key, Description: "Your client email" + console},
			{Name: "private_key", Label: "Private Key", Required: key, Sensitive: true, Description: "Your private key" + console},
			{Name: "project_id", Label: "Project Id", Required: true, Description: "The Project Id for your GCS project from " +
				"https://console.cloud.google.com/apis/credentials"},
		},
		Types:      []action.Type{action.TypeDashboard, action.TypeQuery},
		Download:   action.URL,
		MinVersion: action.V(5, 5, 0),
	}
}

// Form implements [action.FormBuilder]. An account that may write but not list gets a field to
// type the bucket's name into.
func (i *Integration) Form(ctx context.Context, req *action.Request) (*action.Form, error) {
	a, err := action.Decode[account](req)
	if err != nil {
		return nil, err
	}
	c, err := i.client(ctx, a)
	if err != nil {
		return nil, err
	}
	bucket := action.Field{Name: "bucket", Label: "Bucket", Required: true}
	names, err := c.listBuckets(ctx, a.Project)
	switch {
	case errors.Is(err, errMayNotList):
		bucket.Type = action.String
		bucket.Description = "The name of the bucket. The account may not list the project's buckets (storage.buckets.list), so " +
			"there is no choice to offer."
	case err != nil:
		return nil, err
	case len(names) == 0:
		bucket.Type = action.String
		bucket.Description = "The name of the bucket. The project has none of its own."
	default:
		bucket.Type, bucket.Default = action.Select, names[0]
		for _, name := range names {
			bucket.Options = append(bucket.Options, action.Option{Name: name, Label: name})
		}
	}
	return &action.Form{Fields: append([]action.Field{bucket}, objectstore.Fields()...)}, nil
}

// Execute implements [action.Integration].
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	a, err := action.Decode[account](req)
	if err != nil {
		return nil, err
	}
	t, err := action.Decode[target](req)
	if err != nil {
		return nil, err
	}
	d, err := objectstore.Read(req, name)
	if err != nil {
		return nil, err
	}
	c, err := i.client(ctx, a)
	if err != nil {
		return nil, err
	}
	if err := i.plan.Write(ctx, d.Data, c.newObject(string(t.Bucket), d)); err != nil {
		return nil, err
	}
	return &action.Response{}, nil
}

// bucketName becomes part of a path.
type bucketName string

// https://cloud.google.com/storage/docs/buckets#naming
var validBucket = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$`)

// UnmarshalText takes names of buckets.
func (b *bucketName) UnmarshalText(text []byte) error {
	if !validBucket.Match(text) {
		return errors.New("must be the name of a bucket: lowercase letters, digits, dots, hyphens and underscores")
	}
	*b = bucketName(text)
	return nil
}

// endpoint is the address of the API.
type endpoint string

// UnmarshalText takes an http or https URL without anything that would be lost or leak.
func (e *endpoint) UnmarshalText(text []byte) error {
	u, err := url.Parse(string(text))
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") ||
		u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("must be a URL such as https://storage.googleapis.com")
	}
	*e = endpoint(strings.TrimRight(string(text), "/"))
	return nil
}
