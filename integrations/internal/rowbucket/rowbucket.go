// Package rowbucket is the bucket of the hub's administrator, in which deliveries keep what the hub
// itself, which is stateless, cannot: rejected rows, and digests of the rows that were delivered.
package rowbucket

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
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
	// Bucket is a URL such as s3://bucket/prefix, gs://bucket/prefix or
	// https://account.blob.core.windows.net/container/prefix. Empty means none.
	Bucket location `env:"ROWS_BUCKET"`
	// Region is that of S3. Endpoint is that of a server other than Amazon's or Azure's.
	Region   string `env:"ROWS_BUCKET_REGION"`
	Endpoint string `env:"ROWS_BUCKET_ENDPOINT"`
	// AccessKey and SecretKey are for S3. Without them the pod's identity is used.
	AccessKey action.Secret `env:"ROWS_BUCKET_ACCESS_KEY_ID"`
	SecretKey action.Secret `env:"ROWS_BUCKET_SECRET_ACCESS_KEY"`
	// CredentialsFile is a file of application default credentials for Cloud Storage. Without it the
	// pod's identity is used.
	CredentialsFile string `env:"ROWS_BUCKET_CREDENTIALS_FILE"`
	// AccountKey is an account key or a shared access signature of Azure Storage. Without it the pod's identity is used.
	AccountKey action.Secret `env:"ROWS_BUCKET_ACCOUNT_KEY"`
	// KMSKey encrypts objects of S3 at rest, unless the bucket's own settings are to apply.
	KMSKey string `env:"ROWS_BUCKET_KMS_KEY_ID"`
	// PodRegion is set by Amazon EKS.
	PodRegion string `env:"AWS_REGION"`
	awsidentity.Pod
}

// location is the URL of a bucket and a prefix. With Azure Storage, the bucket is the host of an account, and there
// is a container.
type location struct {
	scheme, bucket, container, prefix string
	// refused is a text that is not such a URL, without what can be a signature.
	refused string
}

// azureHost is the host of an account's blob service:
// https://learn.microsoft.com/azure/storage/common/storage-account-overview#storage-account-endpoints
var azureHost = regexp.MustCompile(`^[a-z0-9]{3,24}\.(z[0-9]+\.blob\.storage\.azure\.net|blob\.core\.(windows\.net|chinacloudapi\.cn|usgovcloudapi\.net))$`)

// azureContainer is the name of a container:
// https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata
var azureContainer = regexp.MustCompile(`^[a-z0-9](-?[a-z0-9]){2,62}$`)

// UnmarshalText implements [encoding.TextUnmarshaler]. It does not return the error, which would quote a shared access
// signature in the URL; [New] does.
func (l *location) UnmarshalText(text []byte) error {
	if err := l.parse(text); err != nil {
		before, _, _ := strings.Cut(string(text), "?")
		*l = location{refused: cmp.Or(before, "?")}
	}
	return nil
}

func (l *location) parse(text []byte) error {
	u, err := url.Parse(strings.TrimSpace(string(text)))
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errLocation
	}
	*l = location{scheme: u.Scheme, bucket: u.Host}
	prefix := strings.Trim(u.Path, "/")
	switch u.Scheme {
	case "s3", "gs":
	case "https":
		if l.container, prefix, _ = strings.Cut(prefix, "/"); !azureHost.MatchString(u.Host) || !azureContainer.MatchString(l.container) {
			return errLocation
		}
	default:
		return errLocation
	}
	if prefix != "" {
		l.prefix = prefix + "/"
	}
	return nil
}

var errLocation = errors.New("must be the URL of a bucket, such as s3://bucket/prefix, gs://bucket/prefix or " +
	"https://account.blob.core.windows.net/container/prefix")

func (l location) url(name string) string {
	path := l.prefix + name
	if l.container != "" {
		path = l.container + "/" + path
	}
	return fmt.Sprintf("%s://%s/%s", l.scheme, l.bucket, path)
}

// New returns the bucket in the hub's settings, or nil if there is none.
func New(deps action.Deps) (Bucket, error) {
	s, err := action.Settings[settings](deps)
	if err != nil {
		return nil, err
	}
	if s.Bucket.refused != "" {
		return nil, invalid("ROWS_BUCKET", s.Bucket.refused, errLocation)
	}
	switch s.Bucket.scheme {
	case "s3":
		return newS3(deps, s)
	case "https":
		return newAzure(deps, s)
	case "gs":
		return &cloudStorage{deps: deps, location: s.Bucket, file: s.CredentialsFile}, nil
	}
	return nil, nil //nolint:nilnil // no bucket
}
