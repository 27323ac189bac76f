// Package amazons3 writes query results and dashboards into buckets of Amazon S3.
package amazons3

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"

	"integrationhub.dev/hub/action"
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

// account is what the Looker administrator enters.
type account struct {
	AccessKey action.Secret `param:"access_key_id,required"`
	SecretKey action.Secret `param:"secret_access_key,required"`
	Region    region        `param:"region,required"`
}

// object is what the Looker user enters.
type object struct {
	Bucket   bucketName `form:"bucket"`
	Path     string     `form:"path"`
	Filename string     `form:"filename"`
}

// Validate says in the reference's words that there is no bucket.
func (o *object) Validate() error {
	if o.Bucket == "" {
		return action.InvalidField("bucket", "Need Amazon S3 bucket.")
	}
	return nil
}

// Integration writes objects to Amazon S3.
type Integration struct {
	settings settings
	deps     action.Deps
	stages   []stage
	// longestWait bounds the wait between two tries of one call.
	longestWait time.Duration
}

// New makes the integration. It needs no settings.
func New(deps action.Deps) (action.Integration, error) {
	s, err := action.Settings[settings](deps)
	if err != nil {
		return nil, err
	}
	return &Integration{settings: s, deps: deps, stages: stages, longestWait: longestWait}, nil
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

// Form implements [action.FormBuilder]. Credentials that may write but not list get a field
// to type the bucket's name into.
func (i *Integration) Form(ctx context.Context, req *action.Request) (*action.Form, error) {
	a, err := action.Decode[account](req)
	if err != nil {
		return nil, err
	}
	bucket := action.Field{Name: "bucket", Label: "Bucket", Required: true}
	names, err := i.listBuckets(ctx, a)
	switch {
	case errors.Is(err, errMayNotList):
		bucket.Type = action.String
		bucket.Description = "The name of the bucket. The access key may not list buckets (s3:ListAllMyBuckets), so there is no choice to offer."
	case err != nil:
		return nil, err
	case len(names) == 0:
		bucket.Type = action.String
		bucket.Description = "The name of the bucket. The access key's account has none of its own."
	default:
		bucket.Type, bucket.Default = action.Select, names[0]
		for _, name := range names {
			bucket.Options = append(bucket.Options, action.Option{Name: name, Label: name})
		}
	}
	return &action.Form{Fields: []action.Field{
		bucket,
		{Name: "path", Label: "Path", Type: action.String},
		{Name: "filename", Label: "Filename", Type: action.String},
	}}, nil
}

// Execute implements [action.Integration].
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	a, err := action.Decode[account](req)
	if err != nil {
		return nil, err
	}
	o, err := action.Decode[object](req)
	if err != nil {
		return nil, err
	}
	key, err := o.key(req)
	if err != nil {
		return nil, err
	}
	u := &upload{
		integration: i, account: a, client: i.client(a, a.Region),
		bucket: string(o.Bucket), key: key, contentType: contentType(req.Data.MIME()),
	}
	if err := u.run(ctx, req.Data); err != nil {
		return nil, err
	}
	return &action.Response{}, nil
}

// maxKey is the longest key in bytes:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
const maxKey = 1024

// key is the object's name. The filename is used to the letter, slashes included, as
// existing schedules expect; only where there is a path are the two joined by one slash.
func (o *object) key(req *action.Request) (string, error) {
	name := o.Filename
	if strings.TrimSpace(name) == "" {
		name = req.SuggestedFilename()
	}
	field := "filename"
	if path := strings.Trim(strings.TrimSpace(o.Path), "/"); path != "" {
		name = path + "/" + strings.TrimLeft(name, "/")
		field = "path"
	}
	switch {
	case name == "" || strings.HasSuffix(name, "/"):
		return "", action.InvalidField("filename", "Couldn't determine filename.")
	case len(name) > maxKey:
		return "", action.InvalidField(field, "The path and the filename together are longer than the 1,024 bytes that Amazon S3 allows.")
	case strings.ContainsFunc(name, unicode.IsControl):
		return "", action.InvalidField(field, "The path and the filename must not contain control characters.")
	}
	// Clients that keep objects as files cannot show such names, or write elsewhere.
	for segment := range strings.SplitSeq(name, "/") {
		if segment == "." || segment == ".." {
			return "", action.InvalidField(field, "The path and the filename must not contain a part that is . or ...")
		}
	}
	return name, nil
}

// contentType is what Looker says the data is, unless it is no media type at all.
func contentType(text string) string {
	if _, _, err := mime.ParseMediaType(text); err != nil {
		return ""
	}
	return text
}

// region becomes part of a host name.
type region string

var validRegion = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$`)

// UnmarshalText takes letters, digits and hyphens only.
func (r *region) UnmarshalText(text []byte) error {
	s := strings.ToLower(string(text))
	if !validRegion.MatchString(s) {
		return errors.New("must be the name of an AWS region such as us-east-1: letters, digits and hyphens")
	}
	*r = region(s)
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

// endpoint is the address of a server.
type endpoint string

// UnmarshalText takes an http or https URL without anything that would be lost or leak.
func (e *endpoint) UnmarshalText(text []byte) error {
	u, err := url.Parse(string(text))
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") ||
		u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("an endpoint must be a URL such as https://s3.example.com")
	}
	*e = endpoint(strings.TrimRight(string(text), "/"))
	return nil
}
