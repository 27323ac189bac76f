// Package s3store writes to stores that speak Amazon's S3:
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
	"integrationhub.dev/integrations/internal/objectstore"
)

// Service is what tells one store from another.
type Service struct {
	// Name is what people call the store, and Vendor whose accounts it has.
	Name, Vendor string
	// Endpoint is the URL of a server other than Amazon's, in which {region} stands for the
	// region; empty means Amazon's own. Elsewhere, buckets are in the path.
	Endpoint string
	// BucketLabel is the label of the form's field for the bucket.
	BucketLabel string
	// Needs says what an access key must be allowed to, after "The access key needs".
	Needs string
	// Unlisted describes the field when the access key may not list buckets, and None when
	// there are none to list.
	Unlisted, None string
	// Identity is as whom the hub itself acts, and Writing how objects are kept.
	Identity Identity
	Writing  Writing
}

// Writing is how objects are kept; what is empty is the bucket's own choice.
type Writing struct {
	StorageClass types.StorageClass
	// Encryption at rest, and the key of KMS for it where it is not the account's own.
	Encryption types.ServerSideEncryption
	KMSKey     string
}

// Account is what the Looker administrator enters.
type Account struct {
	AccessKey action.Secret `param:"access_key_id"`
	SecretKey action.Secret `param:"secret_access_key"`
	Region    Region        `param:"region,required"`
}

func (a Account) hasKey() bool {
	return strings.TrimSpace(a.AccessKey.Reveal()) != "" && strings.TrimSpace(a.SecretKey.Reveal()) != ""
}

// account reads what the Looker administrator entered.
func (s *Store) account(req *action.Request) (Account, error) {
	a, err := action.Decode[Account](req)
	if err == nil && !a.hasKey() && !s.service.Identity.keyless() {
		err = action.Errorf(action.Invalid, "The access key and the secret key are required. Enter them in the action's settings in Looker.")
	}
	return a, err
}

// target is what the Looker user enters, beside what every store asks for.
type target struct {
	Bucket bucketName `form:"bucket"`
}

// Validate says in the reference's words, for every store, that there is no bucket.
func (t *target) Validate() error {
	if t.Bucket == "" {
		return action.InvalidField("bucket", "Need Amazon S3 bucket.")
	}
	return nil
}

// Store offers a service's buckets and writes objects into them.
type Store struct {
	service Service
	deps    action.Deps
	// Plan says how objects are cut into parts; its destination is the service.
	Plan objectstore.Plan
	// LongestWait bounds the wait between two tries of one call.
	LongestWait time.Duration
}

// New makes a store.
func New(deps action.Deps, service Service) *Store {
	plan := objectstore.Plan{Destination: service.Name, Stages: Stages}
	return &Store{service: service, deps: deps, Plan: plan, LongestWait: longestWait}
}

// foreign reports that the server is not Amazon's.
func (s *Store) foreign() bool { return s.service.Endpoint != "" }

// Form implements [action.FormBuilder]. Credentials that may write but not list get a field
// to type the bucket's name into.
func (s *Store) Form(ctx context.Context, req *action.Request) (*action.Form, error) {
	a, err := s.account(req)
	if err != nil {
		return nil, err
	}
	bucket := action.Field{Name: "bucket", Label: s.service.BucketLabel, Required: true}
	names, err := s.listBuckets(ctx, a)
	switch {
	case errors.Is(err, errMayNotList):
		bucket.Type, bucket.Description = action.String, s.service.Unlisted
	case err != nil:
		return nil, err
	case len(names) == 0:
		bucket.Type, bucket.Description = action.String, s.service.None
	default:
		bucket.Type, bucket.Default = action.Select, names[0]
		for _, name := range names {
			bucket.Options = append(bucket.Options, action.Option{Name: name, Label: name})
		}
	}
	path := action.Field{Name: "path", Label: "Path", Type: action.String}
	return &action.Form{Fields: append([]action.Field{bucket, path}, objectstore.Fields()...)}, nil
}

// Execute implements [action.Integration]'s Execute.
func (s *Store) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	a, err := s.account(req)
	if err != nil {
		return nil, err
	}
	t, err := action.Decode[target](req)
	if err != nil {
		return nil, err
	}
	d, err := objectstore.Read(req, s.service.Name)
	if err != nil {
		return nil, err
	}
	if err := s.write(ctx, a, t.Bucket, d); err != nil {
		return nil, err
	}
	return &action.Response{}, nil
}

// write writes an object, which appears once all of it has arrived.
func (s *Store) write(ctx context.Context, a Account, bucket bucketName, d objectstore.Delivery) error {
	o := &object{store: s, account: a, bucket: string(bucket), Delivery: d}
	o.client = s.client(a, a.Region, o.markInDoubt)
	if err := o.checkAbsent(ctx); err != nil {
		return err
	}
	return s.Plan.Write(ctx, d.Data, o)
}

// Region becomes part of a host name.
type Region string

var validRegion = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$`)

// UnmarshalText takes letters, digits and hyphens only.
func (r *Region) UnmarshalText(text []byte) error {
	s := strings.ToLower(string(text))
	if !validRegion.MatchString(s) {
		return errors.New("must be the name of a region such as us-east-1: letters, digits and hyphens")
	}
	*r = Region(s)
	return nil
}

// bucketName becomes part of a host name, or of the path where it does not fit into one.
type bucketName string

// validBucket takes what was allowed before 2018 as well; such buckets still exist:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
var validBucket = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]+[A-Za-z0-9]$`)

const longestBucket = 255

// UnmarshalText refuses ARNs too, since they name a host of their own.
func (b *bucketName) UnmarshalText(text []byte) error {
	if len(text) > longestBucket || !validBucket.Match(text) {
		return errors.New("must be the name of a bucket, or the alias of an access point: letters, digits, dots and hyphens")
	}
	*b = bucketName(text)
	return nil
}
