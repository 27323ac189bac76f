package rowbucket_test

import (
	"bytes"
	"crypto/md5" //nolint:gosec // as S3 does
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/internal/rowbucket"
)

// store is the objects of a fake bucket. A version is that of the vendor.
type store struct {
	mu      sync.Mutex
	objects map[string]object
	writes  int
}

type object struct {
	body    string
	version string
}

// s3 is an S3 server with conditional writes:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
func (s *store) s3(r actiontest.Recorded) actiontest.Reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	current, found := s.objects[r.Host+r.Path]
	failure := func(status int, code string) actiontest.Reply {
		return actiontest.Reply{Status: status, Body: "<Error><Code>" + code + "</Code></Error>"}
	}
	switch {
	case r.Header.Get("Authorization") == "":
		return failure(http.StatusForbidden, "AccessDenied")
	case r.Method == http.MethodGet && !found:
		return failure(http.StatusNotFound, "NoSuchKey")
	case r.Method == http.MethodGet:
		return actiontest.Reply{Header: map[string]string{"ETag": current.version}, Body: current.body}
	case r.Method != http.MethodPut:
		return failure(http.StatusMethodNotAllowed, "MethodNotAllowed")
	case r.Header.Get("If-None-Match") == "*" && found:
		return failure(http.StatusPreconditionFailed, "PreconditionFailed")
	case r.Header.Get("If-Match") != "" && !found:
		return failure(http.StatusNotFound, "NoSuchKey")
	case r.Header.Get("If-Match") != "" && r.Header.Get("If-Match") != current.version:
		return failure(http.StatusPreconditionFailed, "PreconditionFailed")
	case r.Header.Get("If-Match") == "" && r.Header.Get("If-None-Match") == "":
		return failure(http.StatusBadRequest, "InvalidRequest") // our rule: nothing is written blindly
	}
	body := r.Body
	if r.Header.Get("Content-Encoding") == "aws-chunked" { // with a checksum after the body
		var err error
		if body, err = io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(r.Body))); err != nil {
			return failure(http.StatusBadRequest, "IncompleteBody")
		}
	}
	etag := fmt.Sprintf(`"%x"`, md5.Sum(body)) //nolint:gosec // as S3 does
	s.objects[r.Host+r.Path] = object{string(body), etag}
	return actiontest.Reply{Header: map[string]string{"ETag": etag}}
}

// cloudStorage is Google's JSON API: https://cloud.google.com/storage/docs/request-preconditions
func (s *store) cloudStorage(r actiontest.Recorded) actiontest.Reply {
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
		return actiontest.Reply{Header: map[string]string{"X-Goog-Generation": current.version}, Body: current.body}
	}
	name := r.Query.Get("name")
	version := s.objects[name].version
	if version == "" {
		version = "0"
	}
	if r.Query.Get("ifGenerationMatch") != version {
		return actiontest.Reply{Status: http.StatusPreconditionFailed}
	}
	s.writes++
	s.objects[name] = object{string(r.Body), fmt.Sprint(1_700_000_000_000_000 + s.writes)}
	return actiontest.Reply{Body: `{"generation":"` + s.objects[name].version + `"}`}
}

// The metadata server issues the pod's token.
func (s *store) withMetadata(r actiontest.Recorded) actiontest.Reply {
	if r.Host == "169.254.169.254" {
		return actiontest.Reply{Body: `{"access_token":"t0ken","token_type":"Bearer","expires_in":3599}`}
	}
	return s.cloudStorage(r)
}

func keys() map[string]string {
	return map[string]string{
		"ROWS_BUCKET": "s3://bucket/a/b/", "ROWS_BUCKET_REGION": "eu-central-1",
		"ROWS_BUCKET_ACCESS_KEY_ID": "AKIDEXAMPLE", "ROWS_BUCKET_SECRET_ACCESS_KEY": "s3cret",
	}
}

// Every bucket keeps objects by version.
func TestBucket(t *testing.T) {
	t.Parallel()
	other := keys()
	other["ROWS_BUCKET_ENDPOINT"] = "https://minio.example.com"
	for name, tt := range map[string]struct {
		env    map[string]string
		serve  func(*store) func(actiontest.Recorded) actiontest.Reply
		object string
		url    string
	}{
		"Amazon S3": {
			env: keys(), serve: func(s *store) func(actiontest.Recorded) actiontest.Reply { return s.s3 },
			object: "bucket.s3.eu-central-1.amazonaws.com/a/b/x/y", url: "s3://bucket/a/b/x/y",
		},
		"an S3 server": {
			env: other, serve: func(s *store) func(actiontest.Recorded) actiontest.Reply { return s.s3 },
			object: "minio.example.com/bucket/a/b/x/y", url: "s3://bucket/a/b/x/y",
		},
		"Cloud Storage": {
			env:    map[string]string{"ROWS_BUCKET": "gs://bucket"},
			serve:  func(s *store) func(actiontest.Recorded) actiontest.Reply { return s.withMetadata },
			object: "x/y", url: "gs://bucket/x/y",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &store{objects: map[string]object{}}
			d := actiontest.NewDestination(t).Handle(tt.serve(s))
			b, err := rowbucket.New(actiontest.Deps(t, d, tt.env))
			if err != nil {
				t.Fatal(err)
			}
			ctx := t.Context()
			if _, v, err := b.Get(ctx, "x/y", 100); !errors.Is(err, rowbucket.ErrAbsent) || v != "" {
				t.Errorf("an absent object: version %q, error %v", v, err)
			}
			first, err := b.Put(ctx, "x/y", "text/plain", "", []byte("one"))
			if err != nil || first == "" {
				t.Fatalf("version %q, error %v", first, err)
			}
			if got := s.objects[tt.object].body; got != "one" {
				t.Errorf("objects %v", s.objects)
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
			if got := b.URL("x/y"); got != tt.url {
				t.Errorf("URL %q", got)
			}
		})
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
		"an endpoint":     {map[string]string{"ROWS_BUCKET_ENDPOINT": "minio:9000"}, "ROWS_BUCKET_ENDPOINT must be a URL"},
		"no credentials":  {map[string]string{"ROWS_BUCKET_SECRET_ACCESS_KEY": ""}, "ROWS_BUCKET_ACCESS_KEY_ID"},
		"an invalid name": {map[string]string{"ROWS_BUCKET": "s3://-"}, "ROWS_BUCKET must be the name of a bucket"},
	} {
		env := keys()
		for key, value := range tt.change {
			env[key] = value
		}
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
	b, err := rowbucket.New(actiontest.Deps(t, d, keys()))
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = b.Get(t.Context(), "x", 1)
	const want = "Amazon S3 denied access. The access key needs s3:GetObject and s3:PutObject on the bucket of ROWS_BUCKET."
	if action.KindOf(err) != action.Forbidden || action.MessageOf(err) != want || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("error %v", err)
	}
}
