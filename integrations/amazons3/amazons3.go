// Package amazons3 writes query results and dashboards into buckets of Amazon S3.
package amazons3

import (
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/aws/awsidentity"
	"integrationhub.dev/integrations/internal/aws/s3store"
	"integrationhub.dev/integrations/internal/objectstore"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
)

// settings are the hub's environment variables.
type settings struct {
	// Endpoint is the URL of an S3-compatible server. Empty means Amazon's.
	Endpoint endpoint `env:"AMAZON_S3_ENDPOINT"`
	// AllowedBuckets are the buckets that users may write to. Empty allows all.
	AllowedBuckets s3store.Allowed `env:"AMAZON_S3_ALLOWED_BUCKETS"`
	// How objects are stored. Empty leaves it to the bucket's settings.
	StorageClass storageClass `env:"AMAZON_S3_STORAGE_CLASS"`
	Encryption   encryption   `env:"AMAZON_S3_SERVER_SIDE_ENCRYPTION"`
	KMSKey       string       `env:"AMAZON_S3_KMS_KEY_ID"`
	// Role is assumed for every request.
	Role       string `env:"AMAZON_S3_ROLE_ARN"`
	ExternalID string `env:"AMAZON_S3_EXTERNAL_ID"`
	// PodIdentity makes the access key optional. Without one, the hub uses its pod's identity.
	PodIdentity bool `env:"AMAZON_S3_POD_IDENTITY"`
	awsidentity.Pod
}

// identity returns the hub's own identity.
func (s settings) identity() (id awsidentity.Identity, err error) {
	if s.PodIdentity {
		id, err = s.Identity()
	}
	id.Role, id.ExternalID = s.Role, s.ExternalID
	return id, err
}

// Integration writes objects to Amazon S3.
type Integration struct {
	*s3store.Store
	// keyless is set if the access key is optional.
	keyless bool
}

// New makes the integration. It needs no settings.
func New(deps action.Deps) (action.Integration, error) {
	s, err := action.Settings[settings](deps)
	if err != nil {
		return nil, err
	}
	id, err := s.identity()
	if err != nil {
		return nil, err
	}
	return &Integration{keyless: s.PodIdentity, Store: s3store.New(deps, s3store.Service{
		Identity: id, Allowed: s.AllowedBuckets,
		Writing: s3store.Writing{
			StorageClass: types.StorageClass(s.StorageClass), Encryption: types.ServerSideEncryption(s.Encryption), KMSKey: s.KMSKey,
		},
		Name: "Amazon S3", Vendor: "AWS", Endpoint: string(s.Endpoint), BucketLabel: "Bucket",
		Needs:    "s3:PutObject and s3:AbortMultipartUpload on the bucket, and the use of its encryption key if it has one",
		Unlisted: "The name of the bucket. The access key is not allowed to list buckets (s3:ListAllMyBuckets), so no list is available.",
		None:     "The name of the bucket. The access key's account has no buckets.",
	})}, nil
}

// Definition implements [action.Integration]. With a pod identity the key is optional.
func (i *Integration) Definition() action.Definition {
	return action.Definition{
		Name: "amazon_s3", Label: "Amazon S3", Description: "Write data files to an S3 bucket.",
		Params: []action.Param{
			{Name: "access_key_id", Label: "Access Key", Required: !i.keyless, Sensitive: true, Description: "Your access key for S3."},
			{Name: "secret_access_key", Label: "Secret Key", Required: !i.keyless, Sensitive: true, Description: "Your secret key for S3."},
			{Name: "region", Label: "Region", Required: true, Description: "The bucket's AWS region, such as us-east-1 or eu-west-1: " +
				"https://docs.aws.amazon.com/general/latest/gr/s3.html"},
		},
		Types:      []action.Type{action.TypeDashboard, action.TypeQuery},
		Download:   action.URL,
		MinVersion: action.V(5, 5, 0),
	}
}

// endpoint is the URL of a server.
type endpoint string

// UnmarshalText implements [encoding.TextUnmarshaler].
func (e *endpoint) UnmarshalText(text []byte) error {
	parsed, err := objectstore.ParseEndpoint(string(text), "", "https://s3.example.com")
	*e = endpoint(parsed)
	return err
}

// storageClass is one of S3's:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-class-intro.html
type storageClass types.StorageClass

// UnmarshalText implements [encoding.TextUnmarshaler].
func (c *storageClass) UnmarshalText(text []byte) error {
	if !slices.Contains(types.StorageClass("").Values(), types.StorageClass(text)) {
		return errors.New("a storage class must be one of Amazon S3's, such as STANDARD_IA or INTELLIGENT_TIERING")
	}
	*c = storageClass(text)
	return nil
}

// encryption at rest is one of S3's:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/serv-side-encryption.html
type encryption types.ServerSideEncryption

// UnmarshalText implements [encoding.TextUnmarshaler].
func (e *encryption) UnmarshalText(text []byte) error {
	if !slices.Contains(types.ServerSideEncryption("").Values(), types.ServerSideEncryption(text)) {
		return errors.New("a server-side encryption must be one of Amazon S3's: AES256, aws:kms or aws:kms:dsse")
	}
	*e = encryption(text)
	return nil
}
