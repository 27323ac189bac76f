// Package sagemakertest is a fake of Amazon SageMaker and S3, as far as the integrations use them. It
// checks signatures and checksums, stores only complete objects, and answers according to the public
// API models.
//
// It is an [http.RoundTripper] without sockets, so that it can be used with testing/synctest: a job of
// hours ends at once. Requests are recorded, and checked by the tests.
package sagemakertest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"integrationhub.dev/hub/action/actiontest"
)

// The fake's only account.
const (
	AccessKey = "AKIAEXAMPLE"
	SecretKey = "s3cret/Key+Example" //nolint:gosec // no real key
	Role      = "arn:aws:iam::123456789012:role/sagemaker"
)

// AWS is the fake. Its exported fields must not be changed while it is used.
type AWS struct {
	// Buckets maps each bucket to its region.
	Buckets map[string]string
	// Models maps each model to the URI of its artifacts.
	Models map[string]string
	// Statuses are the statuses of a job, one for each poll. The last one is repeated, with Secondary
	// and Reason.
	Statuses          []string
	Secondary, Reason string
	// Fail returns the response to a call that must fail, or nil.
	Fail func(operation string, nth int) *actiontest.Reply
	// Lose reports whether the response to a call is lost after the call took effect.
	Lose func(operation string, nth int) bool

	mu         sync.Mutex
	objects    map[string]string
	uploads    map[string]map[int][]byte
	jobs       map[string]int // how often each was polled
	operations []string
	count      map[string]int
	requests   map[string][]string
}

// New makes a fake with one bucket, "data" in eu-west-1, and one model, "churn".
func New() *AWS {
	return &AWS{
		Buckets: map[string]string{"data": "eu-west-1"}, Models: map[string]string{"churn": "s3://data/old/model.tar.gz"},
		Statuses: []string{"InProgress", "Completed"},
		objects:  map[string]string{}, uploads: map[string]map[int][]byte{}, jobs: map[string]int{},
		count: map[string]int{}, requests: map[string][]string{},
	}
}

// Client returns a client whose requests all go to the fake.
func (f *AWS) Client() *http.Client { return &http.Client{Transport: f} }

// Objects returns the complete objects, by bucket/key.
func (f *AWS) Objects() map[string]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.objects)
}

// Uploads returns the number of uploads that were neither completed nor aborted.
func (f *AWS) Uploads() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.uploads)
}

// Operations returns the operations in order. Repeated ones are listed once.
func (f *AWS) Operations() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Compact(slices.Clone(f.operations))
}

// Count returns how often an operation was called.
func (f *AWS) Count(operation string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count[operation]
}

// Requests returns the JSON bodies of a SageMaker operation.
func (f *AWS) Requests(operation string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.requests[operation])
}

var errReset = errors.New("connection reset by peer")

// RoundTrip implements [http.RoundTripper].
func (f *AWS) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		var err error
		body, err = io.ReadAll(req.Body)
		_ = req.Body.Close()
		if err != nil {
			return nil, err
		}
	}
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	reply := f.answer(req.Context(), actiontest.Recorded{
		Method: req.Method, Host: req.URL.Host, Path: req.URL.EscapedPath(), Query: req.URL.Query(), Header: req.Header, Body: body,
	}, req.ContentLength)
	if reply.Reset {
		return nil, errReset
	}
	res := &http.Response{
		StatusCode: max(reply.Status, http.StatusOK), Header: http.Header{}, Request: req, ProtoMajor: 1, ProtoMinor: 1,
		Body: io.NopCloser(strings.NewReader(reply.Body)), ContentLength: int64(len(reply.Body)),
	}
	for k, v := range reply.Header {
		res.Header.Set(k, v)
	}
	return res, nil
}

func (f *AWS) answer(ctx context.Context, r actiontest.Recorded, length int64) actiontest.Reply {
	f.mu.Lock()
	defer f.mu.Unlock()
	if strings.HasPrefix(r.Host, "sts.") || r.Host == AgentHost {
		return f.issue(ctx, r, length)
	}
	service, operation := "s3", s3Operation(r)
	if target, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "SageMaker."); ok {
		service, operation = "sagemaker", target
		f.requests[operation] = append(f.requests[operation], string(r.Body))
	}
	f.operations = append(f.operations, operation)
	f.count[operation]++
	n := f.count[operation]
	if f.Fail != nil {
		if reply := f.Fail(operation, n); reply != nil {
			return *reply
		}
	}
	bucket, key, region := locate(r, service)
	if !signed(ctx, r, length, service, region) {
		if operation == "HeadBucket" { // its response has no body, but the region
			return actiontest.Reply{Status: http.StatusForbidden, Header: map[string]string{"X-Amz-Bucket-Region": f.Buckets[bucket]}}
		}
		if service == "s3" {
			return S3Error(http.StatusForbidden, "SignatureDoesNotMatch")
		}
		return Error(http.StatusBadRequest, "InvalidSignatureException", "quoted: "+SecretKey)
	}
	reply := f.sagemaker(operation, r.Body)
	if service == "s3" {
		reply = f.s3(r, operation, bucket, key, region)
	}
	if f.Lose != nil && f.Lose(operation, n) {
		return actiontest.Reply{Reset: true}
	}
	return reply
}

// locate returns the bucket, the key and the region of a request.
func locate(r actiontest.Recorded, service string) (bucket, key, region string) {
	host := strings.TrimSuffix(strings.TrimSuffix(r.Host, ".cn"), ".amazonaws.com")
	if service == "sagemaker" {
		return "", "", strings.TrimPrefix(host, "api.sagemaker.")
	}
	path := strings.TrimPrefix(r.Path, "/")
	if region, ok := strings.CutPrefix(host, "s3."); ok {
		bucket, key, _ = strings.Cut(path, "/")
		return bucket, key, region
	}
	bucket, region, _ = strings.Cut(host, ".s3.")
	return bucket, path, region
}

// signed signs the request again and compares the signatures. They cover the keys, the region, the
// service, the body and every signed header.
func signed(ctx context.Context, r actiontest.Recorded, length int64, service, region string) bool {
	got := r.Header.Get("Authorization")
	scope := "/" + region + "/" + service + "/aws4_request"
	key, _, _ := strings.Cut(strings.TrimPrefix(got, "AWS4-HMAC-SHA256 Credential="), "/")
	owner, known := owners[key]
	if !known || !strings.Contains(got, scope) || r.Header.Get("X-Amz-Security-Token") != owner.SessionToken {
		return false
	}
	again, err := http.NewRequestWithContext(ctx, r.Method, "https://"+r.Host+r.Path+"?"+r.Query.Encode(), nil)
	if err != nil {
		return false
	}
	_, names, _ := strings.Cut(got, "SignedHeaders=")
	names, _, _ = strings.Cut(names, ",")
	for name := range strings.SplitSeq(names, ";") {
		switch name {
		case "host":
		case "content-length":
			again.ContentLength = length
		default:
			again.Header[http.CanonicalHeaderKey(name)] = r.Header.Values(name)
		}
	}
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil {
		return false
	}
	sum := r.Header.Get("X-Amz-Content-Sha256")
	if service != "s3" {
		digest := sha256.Sum256(r.Body)
		sum = hex.EncodeToString(digest[:])
	}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" })
	err = signer.SignHTTP(ctx, owner, again, sum, service, region, at)
	return err == nil && again.Header.Get("Authorization") == got
}

// Error returns an error response of SageMaker.
func Error(status int, code, message string) actiontest.Reply {
	return actiontest.Reply{
		Status: status, Header: map[string]string{"Content-Type": "application/x-amz-json-1.1"},
		Body: fmt.Sprintf(`{"__type":%s,"message":%s}`, strconv.Quote(code), strconv.Quote(message)),
	}
}

// S3Error returns an error response of S3.
func S3Error(status int, code string) actiontest.Reply {
	return actiontest.Reply{
		Status: status, Header: map[string]string{"Content-Type": "application/xml"},
		Body: "<Error><Code>" + code + "</Code><Message>quoted: " + SecretKey + "</Message></Error>",
	}
}
