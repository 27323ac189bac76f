package rowbucket

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/aws/s3store"
	"integrationhub.dev/integrations/internal/objectstore"
)

// s3 is a bucket of Amazon S3, or of a server with its API that supports conditional writes
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html).
type s3 struct {
	location

	store   *s3store.Store
	account s3store.Account
	bucket  s3store.Bucket
}

func newS3(deps action.Deps, s settings) (*s3, error) {
	service := s3store.Service{Name: "Amazon S3", Vendor: "AWS", Needs: "s3:GetObject and s3:PutObject on the bucket of ROWS_BUCKET"}
	account := s3store.Account{AccessKey: s.AccessKey, SecretKey: s.SecretKey}
	region := s.Region
	switch {
	case s.Endpoint != "":
		endpoint, err := objectstore.ParseEndpoint(s.Endpoint, "", "https://s3.example.com")
		if err != nil {
			return nil, invalid("ROWS_BUCKET_ENDPOINT", s.Endpoint, err)
		}
		service.Endpoint = endpoint
		if region == "" {
			region = "us-east-1" // other servers accept any
		}
	case region == "":
		region = s.PodRegion
	}
	if err := account.Region.UnmarshalText([]byte(region)); err != nil {
		return nil, invalid("ROWS_BUCKET_REGION", region, err)
	}
	if s.KMSKey != "" {
		service.Writing = s3store.Writing{Encryption: types.ServerSideEncryptionAwsKms, KMSKey: s.KMSKey}
	}
	if s.AccessKey.Reveal() == "" || s.SecretKey.Reveal() == "" {
		var err error
		if service.Identity, err = s.Identity(); err != nil {
			return nil, &action.MissingSettingsError{Keys: []string{"ROWS_BUCKET_ACCESS_KEY_ID", "ROWS_BUCKET_SECRET_ACCESS_KEY"}}
		}
	}
	bucket := new(s3store.Bucket)
	if err := bucket.UnmarshalText([]byte(s.Bucket.bucket)); err != nil {
		return nil, invalid("ROWS_BUCKET", s.Bucket.bucket, err)
	}
	return &s3{s.Bucket, s3store.New(deps, service), account, *bucket}, nil
}

func invalid(name, value string, err error) error {
	return &action.InvalidSettingsError{Settings: []action.InvalidSettingError{{Name: name, Value: value, Reason: err.Error()}}}
}

// Get implements [Bucket].
func (b *s3) Get(ctx context.Context, name string, maxBytes int64) ([]byte, Version, error) {
	body, etag, err := b.store.Get(ctx, b.account, b.bucket, b.prefix+name, maxBytes)
	if errors.Is(err, s3store.ErrAbsent) {
		err = ErrAbsent
	}
	return body, Version(etag), err
}

// Put implements [Bucket].
func (b *s3) Put(ctx context.Context, name, contentType string, match Version, body []byte) (Version, error) {
	etag, err := b.store.Put(ctx, b.account, b.bucket, b.prefix+name, contentType, string(match), body)
	if errors.Is(err, s3store.ErrChanged) {
		err = ErrChanged
	}
	return Version(etag), err
}

// URL implements [Bucket].
func (b *s3) URL(name string) string { return b.url(name) }
