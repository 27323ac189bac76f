package rowbucket_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/internal/rowbucket"
	"integrationhub.dev/integrations/internal/rowbucket/rowbuckettest"
)

// cloudStorage is the objects of a bucket of Google Cloud Storage.
type cloudStorage struct {
	mu      sync.Mutex
	objects map[string]object
	writes  int
}

type object struct{ body, generation string }

// serve answers as Google's JSON API does: https://cloud.google.com/storage/docs/request-preconditions
func (s *cloudStorage) serve(r actiontest.Recorded) actiontest.Reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Header.Get("Authorization") != "Bearer t0ken" {
		return actiontest.Reply{Status: http.StatusUnauthorized}
	}
	if r.Method == http.MethodGet {
		path, query, _ := strings.Cut(r.Path, "?")
		name, err := url.PathUnescape(path[strings.LastIndex(path, "/")+1:])
		current, found := s.objects[name]
		if err != nil || !found || query != "" && query != "alt=media" {
			return actiontest.Reply{Status: http.StatusNotFound}
		}
		return actiontest.Reply{Header: map[string]string{"X-Goog-Generation": current.generation}, Body: current.body}
	}
	name := r.Query.Get("name")
	version := s.objects[name].generation
	if version == "" {
		version = "0"
	}
	if r.Query.Get("ifGenerationMatch") != version {
		return actiontest.Reply{Status: http.StatusPreconditionFailed}
	}
	s.writes++
	s.objects[name] = object{string(r.Body), fmt.Sprint(1_700_000_000_000_000 + s.writes)}
	return actiontest.Reply{Body: `{"generation":"` + s.objects[name].generation + `"}`}
}

// The metadata server issues the pod's token.
func (s *cloudStorage) withMetadata(r actiontest.Recorded) actiontest.Reply {
	if r.Host == "169.254.169.254" {
		return actiontest.Reply{Body: `{"access_token":"t0ken","token_type":"Bearer","expires_in":3599}`}
	}
	return s.serve(r)
}

// Every bucket keeps objects by version.
func TestBucket(t *testing.T) {
	t.Parallel()
	other := rowbuckettest.Env()
	other["ROWS_BUCKET_ENDPOINT"] = "https://minio.example.com"
	google := &cloudStorage{objects: map[string]object{}}
	amazon, server := new(rowbuckettest.S3), new(rowbuckettest.S3)
	for name, tt := range map[string]struct {
		env   map[string]string
		serve func(actiontest.Recorded) actiontest.Reply
		body  func() string
		url   string
	}{
		"Amazon S3": {rowbuckettest.Env(), amazon.Serve, func() string {
			return string(amazon.Body("rows.s3.eu-central-1.amazonaws.com/hub/x/y"))
		}, "s3://rows/hub/x/y"},
		"an S3 server": {other, server.Serve, func() string {
			return string(server.Body("minio.example.com/rows/hub/x/y"))
		}, "s3://rows/hub/x/y"},
		"Cloud Storage": {map[string]string{"ROWS_BUCKET": "gs://rows"}, google.withMetadata, func() string {
			return google.objects["x/y"].body
		}, "gs://rows/x/y"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(tt.serve)
			b, err := rowbucket.New(actiontest.Deps(t, d, tt.env))
			if err != nil {
				t.Fatal(err)
			}
			checkVersions(t, b)
			if got := tt.body(); got != "three" {
				t.Errorf("object %q", got)
			}
			if got := b.URL("x/y"); got != tt.url {
				t.Errorf("URL %q", got)
			}
		})
	}
}

// checkVersions checks that objects are written only over the expected version.
func checkVersions(t *testing.T, b rowbucket.Bucket) {
	t.Helper()
	ctx := t.Context()
	if _, v, err := b.Get(ctx, "x/y", 100); !errors.Is(err, rowbucket.ErrAbsent) || v != "" {
		t.Errorf("an absent object: version %q, error %v", v, err)
	}
	first, err := b.Put(ctx, "x/y", "text/plain", "", []byte("one"))
	if err != nil || first == "" {
		t.Fatalf("version %q, error %v", first, err)
	}
	if _, err := b.Put(ctx, "x/y", "text/plain", "", []byte("two")); !errors.Is(err, rowbucket.ErrChanged) {
		t.Errorf("a second object: %v", err)
	}
	second, err := b.Put(ctx, "x/y", "text/plain", first, []byte("three"))
	if err != nil || second == first {
		t.Errorf("version %q, error %v", second, err)
	}
	if _, err := b.Put(ctx, "x/y", "text/plain", first, []byte("four")); !errors.Is(err, rowbucket.ErrChanged) {
		t.Errorf("an old version: %v", err)
	}
	if _, err := b.Put(ctx, "gone", "text/plain", first, []byte("five")); !errors.Is(err, rowbucket.ErrChanged) {
		t.Errorf("a version of an absent object: %v", err)
	}
	body, version, err := b.Get(ctx, "x/y", 5)
	if err != nil || string(body) != "three" || version != second {
		t.Errorf("body %q, version %q, error %v", body, version, err)
	}
	if _, _, err := b.Get(ctx, "x/y", 4); action.KindOf(err) != action.TooLarge {
		t.Errorf("a large object: %v", err)
	}
}

func TestNoBucket(t *testing.T) {
	t.Parallel()
	if b, err := rowbucket.New(actiontest.Deps(t, nil, nil)); b != nil || err != nil {
		t.Errorf("bucket %v, error %v", b, err)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change map[string]string
		want   string
	}{
		"no scheme":       {map[string]string{"ROWS_BUCKET": "bucket"}, "must be the URL of a bucket, such as s3://bucket/prefix"},
		"another scheme":  {map[string]string{"ROWS_BUCKET": "https://bucket.s3.amazonaws.com"}, "must be the URL of a bucket"},
		"no bucket":       {map[string]string{"ROWS_BUCKET": "s3:///prefix"}, "must be the URL of a bucket"},
		"a query":         {map[string]string{"ROWS_BUCKET": "s3://bucket?region=x"}, "must be the URL of a bucket"},
		"no region":       {map[string]string{"ROWS_BUCKET_REGION": ""}, "ROWS_BUCKET_REGION must be the name of a region"},
		"an endpoint":     {map[string]string{"ROWS_BUCKET_ENDPOINT": "minio:9000"}, `ROWS_BUCKET_ENDPOINT is "minio:9000", but must be a URL`},
		"no credentials":  {map[string]string{"ROWS_BUCKET_SECRET_ACCESS_KEY": ""}, "ROWS_BUCKET_ACCESS_KEY_ID"},
		"an invalid name": {map[string]string{"ROWS_BUCKET": "s3://-"}, `ROWS_BUCKET is "-", but must be the name of a bucket`},
	} {
		env := rowbuckettest.Env()
		maps.Copy(env, tt.change)
		if _, err := rowbucket.New(actiontest.Deps(t, nil, env)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", name, err, tt.want)
		}
	}
}

// Errors name the hub's setting, and never the credentials.
func TestDenied(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(func(actiontest.Recorded) actiontest.Reply {
		return actiontest.Reply{Status: http.StatusForbidden, Body: "<Error><Code>AccessDenied</Code><Message>s3cret</Message></Error>"}
	})
	b, err := rowbucket.New(actiontest.Deps(t, d, rowbuckettest.Env()))
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = b.Get(t.Context(), "x", 1)
	const want = "Amazon S3 denied access. The access key needs s3:GetObject and s3:PutObject on the bucket of ROWS_BUCKET."
	if action.KindOf(err) != action.Forbidden || action.MessageOf(err) != want || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("error %v", err)
	}
}
