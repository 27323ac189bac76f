// Package s3store writes to object stores with the API of Amazon S3:
// https://docs.aws.amazon.com/AmazonS3/latest/API/Welcome.html
package s3store

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/aws/awsidentity"
	"integrationhub.dev/integrations/internal/choice"
	"integrationhub.dev/integrations/internal/objectstore"
)

// Service is the vendor's store.
type Service struct {
	// Name is the store's name in messages, and Vendor the name of the company.
	Name, Vendor string
	// Endpoint is the URL of a server other than Amazon's, and can contain {region}. Empty means
	// Amazon's. With another server, the bucket is in the path and not in the host name.
	Endpoint string
	// BucketLabel is the label of the form's field for the bucket.
	BucketLabel string
	// Needs completes the sentence "The access key needs …" with the required permissions.
	Needs string
	// Unlisted describes the field if the access key does not allow listing buckets, and None if there
	// are no buckets.
	Unlisted, None string
	// Identity is the hub's own identity, and Writing how objects are stored.
	Identity awsidentity.Identity
	Writing  Writing
	// Allowed are the buckets that users may write to.
	Allowed Allowed
}

// Allowed is a setting with the buckets that users may write to.
type Allowed struct{ objectstore.Allowed }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (a *Allowed) UnmarshalText(text []byte) (err error) {
	a.Allowed, err = objectstore.ParseAllowed(string(text), func(name string) error {
		return new(bucketName).UnmarshalText([]byte(name))
	})
	return err
}

// Writing is how objects are stored. Empty values leave it to the bucket's settings.
type Writing struct {
	StorageClass types.StorageClass
	// Encryption at rest, and its KMS key unless that is the account's default key.
	Encryption types.ServerSideEncryption
	KMSKey     string
}

// Account is what the Looker administrator enters.
type Account struct {
	AccessKey action.Secret `param:"access_key_id"`
	SecretKey action.Secret `param:"secret_access_key"`
	Region    Region        `param:"region,required"`
}

func (a Account) keys() awsidentity.Keys {
	return awsidentity.Keys{Access: a.AccessKey, Secret: a.SecretKey}
}

// target is what the Looker user enters.
type target struct {
	Bucket bucketName `form:"bucket"`
}

// Validate checks that there is a bucket. Its message is the reference's, for every store.
func (t *target) Validate() error {
	if t.Bucket == "" {
		return action.InvalidField("bucket", "Need Amazon S3 bucket.")
	}
	return nil
}

// Store lists a service's buckets and writes objects to them.
type Store struct {
	objectstore.Store[Account, target]
	service Service
	deps    action.Deps
	// MaxBackoff limits the wait between two attempts of a request.
	MaxBackoff time.Duration
}

// New makes a store.
func New(deps action.Deps, service Service) *Store {
	s := &Store{service: service, deps: deps, MaxBackoff: maxBackoff}
	s.Store = objectstore.Store[Account, target]{
		Plan:    objectstore.Plan{Destination: service.Name, Stages: service.stages()},
		Bucket:  choice.List{Name: "bucket", Label: service.BucketLabel, Denied: service.Unlisted, Empty: service.None},
		Allowed: func(Account) objectstore.Allowed { return service.Allowed.Allowed }, Name: func(t target) string { return string(t.Bucket) },
		Check: s.checkAccount, List: s.Buckets, HasPath: true,
		Object: func(ctx context.Context, a Account, t target, d objectstore.Delivery) (objectstore.Object, error) {
			return s.newObject(ctx, a, t.Bucket, d)
		},
	}
	return s
}

// foreign reports whether the server is not Amazon's.
func (s *Store) foreign() bool { return s.service.Endpoint != "" }

// checkAccount checks that there are credentials.
func (s *Store) checkAccount(a Account) error {
	if !a.keys().Complete() && !s.service.Identity.Keyless() {
		return action.Errorf(action.Invalid, "The access key and the secret key are required. Enter them in the action's settings in Looker.")
	}
	return nil
}

// newObject prepares an object.
func (s *Store) newObject(ctx context.Context, a Account, bucket bucketName, d objectstore.Delivery) (*object, error) {
	o := &object{store: s, account: a, bucket: string(bucket), Delivery: d}
	o.client = s.client(a, a.Region, o.markInDoubt)
	return o, o.checkAbsent(ctx)
}

// Region is part of a host name.
type Region string

var validRegion = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$`)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (r *Region) UnmarshalText(text []byte) error {
	s := strings.ToLower(string(text))
	if !validRegion.MatchString(s) {
		return errors.New("must be the name of a region such as us-east-1: letters, digits and hyphens")
	}
	*r = Region(s)
	return nil
}

// bucketName is part of the host name, or of the path if it is not valid in a host name.
type bucketName string

// validBucket also allows names from before 2018, since such buckets still exist:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
var validBucket = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]+[A-Za-z0-9]$`)

const maxBucket = 255

// UnmarshalText implements [encoding.TextUnmarshaler]. ARNs are not allowed, because they change the
// host name.
func (b *bucketName) UnmarshalText(text []byte) error {
	if len(text) > maxBucket || !validBucket.Match(text) {
		return errors.New("must be the name of a bucket, or the alias of an access point: letters, digits, dots and hyphens")
	}
	*b = bucketName(text)
	return nil
}
