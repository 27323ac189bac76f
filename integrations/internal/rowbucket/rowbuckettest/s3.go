// Package rowbuckettest is a bucket for tests of integrations.
package rowbuckettest

import (
	"bytes"
	"compress/gzip"
	"crypto/md5" //nolint:gosec // as S3 does
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"integrationhub.dev/hub/action/actiontest"
)

// S3 is an S3 server with conditional writes:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
// It rejects writes without a condition, because each of the hub's has one.
type S3 struct {
	mu      sync.Mutex
	objects map[string]object
}

type object struct {
	body []byte
	etag string
}

// host is that of the bucket in [Env].
const host = "rows.s3.eu-central-1.amazonaws.com"

// Env returns the hub's settings for the bucket.
func Env() map[string]string {
	return map[string]string{
		"ROWS_BUCKET": "s3://rows/hub", "ROWS_BUCKET_REGION": "eu-central-1", "ROWS_BUCKET_REJECTED": "true",
		"ROWS_BUCKET_ACCESS_KEY_ID": "AKIDEXAMPLE", "ROWS_BUCKET_SECRET_ACCESS_KEY": "s3cret",
	}
}

// Beside returns a handler that answers the bucket's requests, and leaves all others to the destination.
func (s *S3) Beside(destination func(actiontest.Recorded) actiontest.Reply) func(actiontest.Recorded) actiontest.Reply {
	return func(r actiontest.Recorded) actiontest.Reply {
		if r.Host == host {
			return s.Serve(r)
		}
		return destination(r)
	}
}

// Objects returns the names of the objects, with the host and, in a path, the bucket.
func (s *S3) Objects() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.objects))
}

// Body returns an object's content.
func (s *S3) Body(name string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.objects[name].body
}

// Unzip returns the text of a file with rejected rows.
func Unzip(t testing.TB, file []byte) string {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Serve answers one request.
func (s *S3) Serve(r actiontest.Recorded) actiontest.Reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := r.Host + r.Path
	current, found := s.objects[name]
	switch {
	case !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 "):
		return failure(http.StatusForbidden, "AccessDenied")
	case r.Method == http.MethodPut:
		return s.put(r, name)
	case r.Method != http.MethodGet:
		return failure(http.StatusMethodNotAllowed, "MethodNotAllowed")
	case !found:
		return failure(http.StatusNotFound, "NoSuchKey")
	}
	return actiontest.Reply{Header: map[string]string{"ETag": current.etag}, Body: string(current.body)}
}

func (s *S3) put(r actiontest.Recorded, name string) actiontest.Reply {
	current, found := s.objects[name]
	match, noneMatch := r.Header.Get("If-Match"), r.Header.Get("If-None-Match")
	switch {
	case noneMatch == "*" && found:
		return failure(http.StatusPreconditionFailed, "PreconditionFailed")
	case match != "" && !found:
		return failure(http.StatusNotFound, "NoSuchKey")
	case match != "" && match != current.etag:
		return failure(http.StatusPreconditionFailed, "PreconditionFailed")
	case match == "" && noneMatch == "":
		return failure(http.StatusBadRequest, "InvalidRequest")
	}
	body := r.Body
	if r.Header.Get("Content-Encoding") == "aws-chunked" { // with a checksum after the body
		var err error
		if body, err = dechunk(r.Body); err != nil {
			return failure(http.StatusBadRequest, "IncompleteBody")
		}
	}
	etag := fmt.Sprintf(`"%x"`, md5.Sum(body)) //nolint:gosec // as S3 does
	if s.objects == nil {
		s.objects = map[string]object{}
	}
	s.objects[name] = object{body, etag}
	return actiontest.Reply{Header: map[string]string{"ETag": etag}}
}

// dechunk returns the data of a body in chunks, each after its size in hexadecimal digits:
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
func dechunk(body []byte) ([]byte, error) {
	var data []byte
	for {
		line, rest, found := bytes.Cut(body, []byte("\r\n"))
		size, err := strconv.ParseUint(string(line), 16, 32)
		if err != nil || !found || uint64(len(rest)) < size {
			return nil, io.ErrUnexpectedEOF
		}
		if size == 0 {
			return data, nil // the checksum follows
		}
		data = append(data, rest[:size]...)
		body = bytes.TrimPrefix(rest[size:], []byte("\r\n"))
	}
}

func failure(status int, code string) actiontest.Reply {
	return actiontest.Reply{Status: status, Body: "<Error><Code>" + code + "</Code></Error>"}
}
