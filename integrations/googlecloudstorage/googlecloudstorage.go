// Package googlecloudstorage writes query results and dashboards into buckets of Google Cloud
// Storage.
package googlecloudstorage

import (
	"errors"
	"regexp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/choice"
	"integrationhub.dev/integrations/internal/objectstore"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
)

// name is the destination's name in messages.
const name = "Google Cloud Storage"

// settings are the hub's environment variables.
type settings struct {
	// Endpoint is the API's URL: another one for a private endpoint or an emulator.
	Endpoint endpoint `env:"GOOGLE_CLOUD_STORAGE_ENDPOINT" envDefault:"https://storage.googleapis.com"`
	// AllowedBuckets are the buckets that users may write to. Empty allows all.
	AllowedBuckets allowed `env:"GOOGLE_CLOUD_STORAGE_ALLOWED_BUCKETS"`
	// CredentialsFile is a file of application default credentials. With it, the private key is
	// optional.
	CredentialsFile string `env:"GOOGLE_CLOUD_STORAGE_CREDENTIALS_FILE"`
	// PodIdentity makes the private key optional. Without one, the hub uses its pod's identity.
	PodIdentity bool `env:"GOOGLE_CLOUD_STORAGE_POD_IDENTITY"`
}

func (s settings) validate() error {
	if s.PodIdentity && s.CredentialsFile != "" {
		return errors.New("GOOGLE_CLOUD_STORAGE_CREDENTIALS_FILE and GOOGLE_CLOUD_STORAGE_POD_IDENTITY must not both be set")
	}
	return nil
}

// keyless reports whether the private key is optional.
func (s settings) keyless() bool { return s.PodIdentity || s.CredentialsFile != "" }

// account is what the Looker administrator enters.
type account struct {
	Email   string        `param:"client_email"`
	Key     action.Secret `param:"private_key"`
	Project string        `param:"project_id,required"`
}

// target is what the Looker user enters.
type target struct {
	Bucket bucketName `form:"bucket"`
}

// Validate checks that there is a bucket. Its message is the reference's.
func (t *target) Validate() error {
	if t.Bucket == "" {
		return action.InvalidField("bucket", "%s [Google Cloud Storage] needs a GCS bucket specified.", action.Invalid.Description())
	}
	return nil
}

// Integration writes objects to Google Cloud Storage.
type Integration struct {
	objectstore.Store[account, target]
	settings settings
	deps     action.Deps
	// reads and writes are the retries of requests, all of which may be repeated.
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
	i := &Integration{settings: s, deps: deps, reads: readRetry, writes: writeRetry}
	i.Store = objectstore.Store[account, target]{
		Plan: objectstore.Plan{Destination: name, Stages: stages, Ordered: true},
		Bucket: choice.List{
			Name: "bucket", Label: "Bucket", Empty: "The name of the bucket. The project has no buckets.",
			Denied: "The name of the bucket. The account is not allowed to list the project's buckets (storage.buckets.list), so no " +
				"list is available.",
		},
		Allowed: func(account) objectstore.Allowed { return s.AllowedBuckets.Allowed }, Name: func(t target) string { return string(t.Bucket) },
		List: i.listBuckets, Object: i.newObject,
	}
	return i, nil
}

// Definition implements [action.Integration]. If the hub has its own credentials, the key is optional.
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

// bucketName is part of a URL path.
type bucketName string

// https://cloud.google.com/storage/docs/buckets#naming
var validBucket = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$`)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (b *bucketName) UnmarshalText(text []byte) error {
	if !validBucket.Match(text) {
		return errors.New("must be the name of a bucket: lowercase letters, digits, dots, hyphens and underscores")
	}
	*b = bucketName(text)
	return nil
}

// allowed is a list of buckets.
type allowed struct{ objectstore.Allowed }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (a *allowed) UnmarshalText(text []byte) (err error) {
	a.Allowed, err = objectstore.ParseAllowed(string(text), func(name string) error {
		return new(bucketName).UnmarshalText([]byte(name))
	})
	return err
}

// endpoint is the URL of the API.
type endpoint string

// UnmarshalText implements [encoding.TextUnmarshaler].
func (e *endpoint) UnmarshalText(text []byte) error {
	parsed, err := objectstore.ParseEndpoint(string(text), "", "https://storage.googleapis.com")
	*e = endpoint(parsed)
	return err
}
