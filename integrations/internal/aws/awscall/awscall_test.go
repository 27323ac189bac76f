package awscall_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/integrations/internal/aws/awscall"
	"integrationhub.dev/integrations/internal/aws/awssdk"
)

// server answers requests in order, and repeats the last answer.
type server struct {
	answers  []answer
	requests []*http.Request
	bodies   []string
}

type answer struct {
	status int
	header map[string]string
	body   string
	err    error
	cut    bool // the connection breaks off in the body
}

// Do implements [aws.HTTPClient].
func (s *server) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	a := s.answers[min(len(s.requests), len(s.answers)-1)]
	s.requests, s.bodies = append(s.requests, r), append(s.bodies, string(body))
	if a.err != nil {
		return nil, a.err
	}
	res := &http.Response{StatusCode: max(a.status, http.StatusOK), Header: http.Header{}, Request: r}
	for name, value := range a.header {
		res.Header.Set(name, value)
	}
	var content io.Reader = strings.NewReader(a.body)
	if a.cut {
		content = io.MultiReader(content, broken{})
	}
	res.Body = io.NopCloser(content)
	return res, nil
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

var (
	jsonAPI = awscall.Service{ID: "SageMaker", SigningName: "sagemaker", Host: "api.sagemaker", Protocol: awscall.JSON{Target: "SageMaker"}}
	stsAPI  = awscall.Service{ID: "STS", SigningName: "sts", Host: "sts", Protocol: awscall.Query{Version: "2011-06-15"}}
	ec2API  = awscall.Service{ID: "EC2", SigningName: "ec2", Host: "ec2", Protocol: awscall.EC2Query{Version: "2016-11-15"}}
)

func client(s *server, api awscall.Service, keys aws.CredentialsProvider) *awscall.Client {
	return &awscall.Client{Service: api, Region: "eu-west-1", HTTP: s, Credentials: keys, Retryer: awssdk.Retryer(3, time.Millisecond)}
}

var keys = awssdk.Credentials("AKIAEXAMPLE", "secret")

func TestJSON(t *testing.T) {
	t.Parallel()
	s := &server{answers: []answer{{body: `{"Name":"a","Other":[1]}`}}}
	var out struct{ Name string }
	if err := client(s, jsonAPI, keys).Call(t.Context(), "DescribeModel", map[string]string{"ModelName": "a&b"}, &out); err != nil {
		t.Fatal(err)
	}
	r := s.requests[0]
	got := []string{
		r.Method, r.URL.String(), r.Header.Get("Content-Type"), r.Header.Get("X-Amz-Target"), out.Name,
		strings.ReplaceAll(s.bodies[0], `\u0026`, "&"),
	}
	want := []string{
		"POST", "https://api.sagemaker.eu-west-1.amazonaws.com/", "application/x-amz-json-1.1", "SageMaker.DescribeModel", "a",
		`{"ModelName":"a&b"}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("request and response (-want +got):\n%s", diff)
	}
	if r.ContentLength != int64(len(s.bodies[0])) {
		t.Errorf("Content-Length %d, want %d", r.ContentLength, len(s.bodies[0]))
	}
	for name, part := range map[string]string{
		"Authorization": "/eu-west-1/sagemaker/aws4_request", "User-Agent": "api/sagemaker", "Amz-Sdk-Request": "attempt=1; max=3",
	} {
		if got := r.Header.Get(name); !strings.Contains(strings.ToLower(got), part) {
			t.Errorf("%s: %q, want one with %q", name, got, part)
		}
	}
	if r.Header.Get("Amz-Sdk-Invocation-Id") == "" {
		t.Error("the request has no Amz-Sdk-Invocation-Id")
	}
}

func TestEC2Query(t *testing.T) {
	t.Parallel()
	s := &server{answers: []answer{{body: `<StopInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><set><item><id>i-1</id></item></set></StopInstancesResponse>`}}}
	var out struct {
		IDs []string `xml:"set>item>id"`
	}
	if err := client(s, ec2API, keys).Call(t.Context(), "StopInstances", url.Values{"InstanceId.1": {"i 1"}}, &out); err != nil {
		t.Fatal(err)
	}
	if want := "Action=StopInstances&InstanceId.1=i+1&Version=2016-11-15"; s.bodies[0] != want {
		t.Errorf("body %q, want %q", s.bodies[0], want)
	}
	if diff := cmp.Diff([]string{"i-1"}, out.IDs); diff != "" {
		t.Errorf("instances (-want +got):\n%s", diff)
	}
	if err := client(s, ec2API, keys).Call(t.Context(), "StopInstances", "no form", nil); err == nil || len(s.requests) != 1 {
		t.Errorf("no form: error %v after %d requests, want one after 1", err, len(s.requests))
	}
}

// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
func TestQuery(t *testing.T) {
	t.Parallel()
	s := &server{answers: []answer{{body: `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">` +
		`<AssumeRoleResult><Credentials><AccessKeyId>ASIA1</AccessKeyId></Credentials></AssumeRoleResult></AssumeRoleResponse>`}}}
	var out struct {
		Key string `xml:"AssumeRoleResult>Credentials>AccessKeyId"`
	}
	if err := client(s, stsAPI, keys).Call(t.Context(), "AssumeRole", url.Values{"RoleArn": {"arn:aws:iam::1:role/r"}}, &out); err != nil {
		t.Fatal(err)
	}
	if want := "Action=AssumeRole&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&Version=2011-06-15"; s.bodies[0] != want {
		t.Errorf("body %q, want %q", s.bodies[0], want)
	}
	if got, want := s.requests[0].URL.String(), "https://sts.eu-west-1.amazonaws.com/"; got != want || out.Key != "ASIA1" {
		t.Errorf("%s returned the key %q, want that of %s", got, out.Key, want)
	}
}

// The codes and the messages of errors, in all their forms.
func TestErrors(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		api           awscall.Service
		answer        answer
		status        int
		code, message string
	}{
		"of a query": {stsAPI, answer{status: 403, body: `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>` +
			`<Code>AccessDenied</Code><Message>m</Message></Error><RequestId>1</RequestId></ErrorResponse>`}, 403, "AccessDenied", "m"},
		"type":             {jsonAPI, answer{status: 400, body: `{"__type":"ResourceInUse","message":"m"}`}, 400, "ResourceInUse", "m"},
		"its namespace":    {jsonAPI, answer{status: 400, body: `{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"m"}`}, 400, "AccessDeniedException", "m"},
		"its URI":          {jsonAPI, answer{status: 400, body: `{"__type":"ResourceInUse:http://x/"}`}, 400, "ResourceInUse", "UnknownError"},
		"code":             {jsonAPI, answer{status: 400, body: `{"code":"ResourceInUse"}`}, 400, "ResourceInUse", "UnknownError"},
		"number as code":   {jsonAPI, answer{status: 400, body: `{"code":7,"message":"m"}`}, 400, "UnknownError", "m"},
		"header":           {jsonAPI, answer{status: 400, header: map[string]string{"X-Amzn-ErrorType": "ResourceInUse:"}, body: `{"__type":"Other"}`}, 400, "ResourceInUse", "UnknownError"},
		"no body":          {jsonAPI, answer{status: 404}, 404, "UnknownError", "UnknownError"},
		"no JSON":          {jsonAPI, answer{status: 404, body: "<html>"}, 404, "", ""},
		"no JSON, success": {jsonAPI, answer{body: "<html>"}, 200, "", ""},
		"broken body":      {jsonAPI, answer{body: `{"a"`, cut: true}, 200, "", ""},
		"XML":              {ec2API, answer{status: 400, body: "<Response><Errors><Error><Code>Gone</Code><Message>m</Message></Error></Errors></Response>"}, 400, "Gone", "m"},
		"XML, no body":     {ec2API, answer{status: 404}, 404, "UnknownError", "UnknownError"},
		"no XML":           {ec2API, answer{status: 404, body: "a < b"}, 404, "", ""},
		"redirect":         {ec2API, answer{status: 302}, 302, "UnknownError", "UnknownError"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &server{answers: []answer{tt.answer}}
			err := client(s, tt.api, keys).Call(t.Context(), "Describe", url.Values{}, new(struct{ A string }))
			if err == nil {
				t.Fatal("no error")
			}
			code, message := awssdk.Reason(err)
			if diff := cmp.Diff([]any{tt.status, tt.code, tt.message}, []any{awssdk.Status(err), code, message}); diff != "" {
				t.Errorf("error %v (-want +got):\n%s", err, diff)
			}
		})
	}
}

// A response without a body is a success.
func TestEmptyResponse(t *testing.T) {
	t.Parallel()
	for _, api := range []awscall.Service{jsonAPI, ec2API} {
		if err := client(&server{answers: []answer{{}}}, api, keys).Call(t.Context(), "Stop", url.Values{}, new(struct{ A string })); err != nil {
			t.Errorf("%s: %v", api.ID, err)
		}
	}
}

// What can succeed later is retried, and what cannot is not.
func TestRetries(t *testing.T) {
	t.Parallel()
	ok := answer{body: "{}"}
	for name, tt := range map[string]struct {
		answers  []answer
		requests int
		failed   bool
	}{
		"throttled":   {[]answer{{status: 400, body: `{"__type":"ThrottlingException"}`}, ok}, 2, false},
		"unavailable": {[]answer{{status: 503}, {status: 500}, ok}, 3, false},
		"a reset":     {[]answer{{err: &url.Error{Op: "Post", Err: io.ErrUnexpectedEOF}}, ok}, 2, false},
		"too often":   {[]answer{{status: 503}}, 3, true},
		"rejected":    {[]answer{{status: 400, body: `{"__type":"ValidationException"}`}, ok}, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &server{answers: tt.answers}
			err := client(s, jsonAPI, keys).Call(t.Context(), "Describe", struct{ A string }{"a"}, new(struct{}))
			if len(s.requests) != tt.requests || (err != nil) != tt.failed {
				t.Errorf("%d requests, error %v; want %d, failed %v", len(s.requests), err, tt.requests, tt.failed)
			}
			for n, body := range s.bodies {
				if body != `{"A":"a"}` {
					t.Errorf("request %d has the body %q", n+1, body)
				}
			}
		})
	}
}

// If the service's clock differs, the request is signed again for its time, and so is the next one.
func TestClockSkew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		there := time.Now().Add(time.Hour).UTC()
		date := map[string]string{"Date": there.Format(http.TimeFormat)}
		s := &server{answers: []answer{{status: 400, header: date, body: `{"__type":"InvalidSignatureException"}`}, {header: date, body: "{}"}}}
		c := client(s, jsonAPI, keys)
		for range 2 {
			if err := c.Call(t.Context(), "Describe", struct{}{}, new(struct{})); err != nil {
				t.Fatal(err)
			}
		}
		var got []bool
		for _, r := range s.requests {
			at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, at.Sub(there).Abs() < time.Minute)
		}
		if diff := cmp.Diff([]bool{false, true, true}, got); diff != "" {
			t.Errorf("requests signed for the service's time (-want +got):\n%s", diff)
		}
	})
}

// Without credentials, nothing is signed. If there should be some but are not, nothing is sent.
func TestCredentials(t *testing.T) {
	t.Parallel()
	s := &server{answers: []answer{{body: "{}"}}}
	if err := client(s, jsonAPI, aws.AnonymousCredentials{}).Call(t.Context(), "Describe", struct{}{}, new(struct{})); err != nil {
		t.Fatal(err)
	}
	if got := s.requests[0].Header.Get("Authorization"); got != "" {
		t.Errorf("Authorization: %q, want none", got)
	}
	none := errors.New("no credentials")
	provider := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, none })
	if err := client(s, jsonAPI, provider).Call(t.Context(), "Describe", struct{}{}, new(struct{})); !errors.Is(err, none) {
		t.Errorf("error %v, want %v", err, none)
	}
	if len(s.requests) != 1 {
		t.Errorf("%d requests, want 1", len(s.requests))
	}
}

// The domains are those that the SDK has in its partitions.json.
func TestDomain(t *testing.T) {
	t.Parallel()
	for region, want := range map[string]string{
		"us-east-1": "amazonaws.com", "mx-central-1": "amazonaws.com", "us-gov-west-1": "amazonaws.com",
		"cn-north-1": "amazonaws.com.cn", "cn-northwest-1": "amazonaws.com.cn",
		"eusc-de-east-1": "amazonaws.eu", "us-iso-east-1": "c2s.ic.gov", "us-isob-east-1": "sc2s.sgov.gov",
		"us-isof-south-1": "csp.hci.ic.gov", "eu-isoe-west-1": "cloud.adc-e.uk",
		"cn-north": "amazonaws.com", "mars": "amazonaws.com",
	} {
		if got := awscall.Domain(region); got != want {
			t.Errorf("%s: %s, want %s", region, got, want)
		}
	}
}
