// Package rowbucket is the bucket of the hub's administrator, in which deliveries keep what the hub
// itself, which is stateless, cannot: rejected rows, and digests of the rows that were delivered.
package rowbucket

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/aws/awsidentity"
)

// Errors of a [Bucket] that callers expect.
var (
	// ErrAbsent: there is no object with this name.
	ErrAbsent = errors.New("the object does not exist")
	// ErrChanged: the object is not the expected version.
	ErrChanged = errors.New("the object was changed")
)

// Version identifies the content of an object. The zero value is that of an object that does not
// exist.
type Version string

// Bucket stores small objects. Names are relative to the prefix in the setting.
type Bucket interface {
	// Get reads an object of at most maxBytes. Its error is [ErrAbsent] if there is none.
	Get(ctx context.Context, name string, maxBytes int64) ([]byte, Version, error)
	// Put writes an object whose present version is match, or returns [ErrChanged].
	Put(ctx context.Context, name, contentType string, match Version, body []byte) (Version, error)
	// URL is an object's address for people, such as s3://bucket/prefix/name.
	URL(name string) string
}

// settings are the hub's. All integrations share them.
type settings struct {
	// Bucket is a URL such as s3://bucket/prefix or gs://bucket/prefix. Empty means none.
	Bucket location `env:"ROWS_BUCKET"`
	// Region and Endpoint are those of S3. The endpoint is that of a server other than Amazon's.
	Region   string `env:"ROWS_BUCKET_REGION"`
	Endpoint string `env:"ROWS_BUCKET_ENDPOINT"`
	// AccessKey and SecretKey are for S3. Without them the pod's identity is used.
	AccessKey action.Secret `env:"ROWS_BUCKET_ACCESS_KEY_ID"`
	SecretKey action.Secret `env:"ROWS_BUCKET_SECRET_ACCESS_KEY"`
	// CredentialsFile is a file of application default credentials for Cloud Storage. Without it the
	// pod's identity is used.
	CredentialsFile string `env:"ROWS_BUCKET_CREDENTIALS_FILE"`
	// KMSKey encrypts objects of S3 at rest, unless the bucket's own settings are to apply.
	KMSKey string `env:"ROWS_BUCKET_KMS_KEY_ID"`
	// PodRegion is set by Amazon EKS.
	PodRegion string `env:"AWS_REGION"`
	awsidentity.Pod
}

// location is the URL of a bucket and a prefix.
type location struct {
	scheme, bucket, prefix string
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (l *location) UnmarshalText(text []byte) error {
	u, err := url.Parse(strings.TrimSpace(string(text)))
	if err != nil || u.Scheme != "s3" && u.Scheme != "gs" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("must be the URL of a bucket, such as s3://bucket/prefix or gs://bucket/prefix")
	}
	*l = location{scheme: u.Scheme, bucket: u.Host}
	if prefix := strings.Trim(u.Path, "/"); prefix != "" {
		l.prefix = prefix + "/"
	}
	return nil
}

func (l location) url(name string) string {
	return fmt.Sprintf("%s://%s/%s%s", l.scheme, l.bucket, l.prefix, name)
}

// New returns the bucket in the hub's settings, or nil if there is none.
func New(deps action.Deps) (Bucket, error) {
	s, err := action.Settings[settings](deps)
	if err != nil {
		return nil, err
	}
	switch s.Bucket.scheme {
	case "s3":
		return newS3(deps, s)
	case "gs":
		return &cloudStorage{deps: deps, location: s.Bucket, file: s.CredentialsFile}, nil
	}
	return nil, nil //nolint:nilnil // no bucket
}
