package amazons3_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/amazons3"
	"integrationhub.dev/integrations/internal/objectstore"
)

func params() map[string]string {
	return map[string]string{"access_key_id": accessKey, "secret_access_key": secretKey, "region": "eu-west-1"}
}

func form() map[string]string {
	return map[string]string{"bucket": "reports", "filename": "orders.csv"}
}

// csv is a query whose result is n bytes long.
func csv(t *testing.T, form map[string]string, n int) *action.Request {
	t.Helper()
	return actiontest.Inline(t, actiontest.Query(params(), form), "text/csv", "csv", []byte(text(n)))
}

func text(n int) string {
	var b strings.Builder
	for line := 0; b.Len() < n; line++ {
		fmt.Fprintf(&b, "%d,x\n", line)
	}
	return b.String()[:n]
}

func TestForm(t *testing.T) {
	t.Parallel()
	rest := append([]action.Field{{Name: "path", Label: "Path", Type: action.String}}, objectstore.Fields()...)
	typed := func(description string) action.Field {
		return action.Field{Name: "bucket", Label: "Bucket", Type: action.String, Required: true, Description: description}
	}
	for _, tt := range []struct {
		name string
		fake func(*fake)
		want action.Field
	}{
		{
			"buckets", func(f *fake) { f.buckets["archive"] = "us-east-1" },
			action.Field{
				Name: "bucket", Label: "Bucket", Type: action.Select, Required: true, Default: "archive",
				Options: []action.Option{{Name: "archive", Label: "archive"}, {Name: "reports", Label: "reports"}},
			},
		},
		{
			"no buckets", func(f *fake) { clear(f.buckets) },
			typed("The name of the bucket. The access key's account has no buckets."),
		},
		{
			"may not list",
			func(f *fake) {
				f.fail = func(string, int) *actiontest.Reply { r := xmlError(403, "AccessDenied"); return &r }
			},
			typed("The name of the bucket. The access key is not allowed to list buckets (s3:ListAllMyBuckets), so no list is available."),
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			tt.fake(f)
			got, err := action.Resolve(f.start(t, nil)).Form.Form(t.Context(), actiontest.Query(params(), nil))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&action.Form{Fields: append([]action.Field{tt.want}, rest...)}, got); diff != "" {
				t.Errorf("form (-want +got):\n%s", diff)
			}
		})
	}
}

// Buckets come in pages.
func TestFormPages(t *testing.T) {
	t.Parallel()
	var asked []string
	d := actiontest.NewDestination(t).Handle(func(r actiontest.Recorded) actiontest.Reply {
		asked = append(asked, r.Host+r.Path+" "+r.Query.Get("max-buckets")+" "+r.Query.Get("continuation-token"))
		if r.Query.Has("continuation-token") {
			return actiontest.Reply{Body: "<R><Buckets><Bucket><Name>b</Name></Bucket></Buckets></R>"}
		}
		return actiontest.Reply{Body: "<R><Buckets><Bucket><Name>a</Name></Bucket></Buckets><ContinuationToken>2</ContinuationToken></R>"}
	})
	i := actiontest.New(t, amazons3.New, actiontest.Deps(t, d, nil))
	got, err := action.Resolve(i).Form.Form(t.Context(), actiontest.Query(params(), nil))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]action.Option{{Name: "a", Label: "a"}, {Name: "b", Label: "b"}}, got.Fields[0].Options); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"s3.eu-west-1.amazonaws.com/ 1000 ", "s3.eu-west-1.amazonaws.com/ 1000 2"}, asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

// failures are answers to any call. What reaches the user and the log is compared.
var failures = []struct {
	name    string
	reply   actiontest.Reply
	kind    action.Kind
	message string
	calls   int
}{
	{"unknown access key", xmlError(403, "InvalidAccessKeyId"), action.Unauthenticated, "Amazon S3 does not recognize this access key. Check it in the action's settings in Looker.", 1},
	{"wrong secret key", xmlError(403, "SignatureDoesNotMatch"), action.Unauthenticated, "Amazon S3 rejected the request's signature. Check the secret key in the action's settings in Looker.", 1},
	{"either of them", xmlError(403, "InvalidSecurity"), action.Unauthenticated, keysMessage, 1},
	{"access key of another form", xmlError(400, "AuthorizationHeaderMalformed"), action.Unauthenticated, keysMessage, 1},
	{"expired token", xmlError(400, "ExpiredToken"), action.Unauthenticated, "The credentials for Amazon S3 have expired. Renew them where they come from.", 1},
	{"token to be refreshed", xmlError(400, "TokenRefreshRequired"), action.Unauthenticated, "The credentials for Amazon S3 have expired. Renew them where they come from.", 1},
	{"rejected token", xmlError(400, "InvalidToken"), action.Unauthenticated, "Amazon S3 does not accept the hub's temporary credentials. The hub's administrator must check the hub's identity.", 1},
	{"not signed up", xmlError(403, "NotSignedUp"), action.Forbidden, "The AWS account is not signed up for Amazon S3.", 1},
	{"damaged on the way", xmlError(400, "BadDigest"), action.Unavailable, "The data was corrupted in transit to Amazon S3.", 5},
	{"account problem", xmlError(403, "AccountProblem"), action.Forbidden, "Amazon S3 reports a problem with the AWS account.", 1},
	{"unauthorized", actiontest.Reply{Status: 401}, action.Unauthenticated, "Amazon S3 returned 401 Unauthorized.", 1},
	{"forbidden by a proxy", actiontest.Reply{Status: 403, Body: "<html>" + secretKey}, action.Forbidden, "Amazon S3 returned 403 Forbidden.", 1},
	{"not found", actiontest.Reply{Status: 404}, action.NotFound, "Amazon S3 returned 404 Not Found.", 1},
	{"clock", xmlError(403, "RequestTimeTooSkewed"), action.Internal, "Amazon S3 rejects the hub's requests because the hub's clock is wrong.", 1},
	{"too many", actiontest.Reply{Status: 429}, action.RateLimited, "Amazon S3 is throttling requests. Try again later.", 5},
	{"slow down", xmlError(503, "SlowDown"), action.RateLimited, "Amazon S3 is throttling requests. Try again later.", 5},
	{"internal", xmlError(500, "InternalError"), action.Unavailable, "Amazon S3 returned 500 Internal Server Error.", 5},
	{"unavailable", actiontest.Reply{Status: 503}, action.Unavailable, "Amazon S3 returned 503 Service Unavailable.", 5},
	{"reset", actiontest.Reply{Reset: true}, action.Unavailable, "The connection to Amazon S3 failed.", 5},
}

const keysMessage = "Amazon S3 does not accept the access key with this secret key. Check both in the action's settings in Looker."

func TestFormFails(t *testing.T) {
	t.Parallel()
	for _, tt := range failures {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			f.fail = func(string, int) *actiontest.Reply { return &tt.reply }
			_, err := action.Resolve(f.start(t, nil)).Form.Form(t.Context(), actiontest.Query(params(), nil))
			checkError(t, err, tt.kind, tt.message)
			if f.count["ListBuckets"] != tt.calls {
				t.Errorf("%d calls, want %d", f.count["ListBuckets"], tt.calls)
			}
		})
	}
}

// checkError compares an error, which must not tell any secret.
func checkError(t *testing.T, err error, kind action.Kind, message string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %q", message)
	}
	if got := action.KindOf(err); got != kind {
		t.Errorf("kind %v, want %v", got, kind)
	}
	if got := action.MessageOf(err); got != message {
		t.Errorf("message %q, want %q", got, message)
	}
	for _, secret := range []string{secretKey, accessKey, "quoted", "<html>", "AWS4-HMAC", "://"} {
		if strings.Contains(err.Error(), secret) || strings.Contains(fmt.Sprintf("%+v", err), secret) {
			t.Errorf("the error tells %q: %v", secret, err)
		}
	}
}

func TestPutFails(t *testing.T) {
	t.Parallel()
	more := append(slices.Clip(failures),
		[]struct {
			name    string
			reply   actiontest.Reply
			kind    action.Kind
			message string
			calls   int
		}{
			{"access denied", xmlError(403, "AccessDenied"), action.Forbidden, "Amazon S3 denied access. The access key needs s3:PutObject and s3:AbortMultipartUpload on the bucket, and the use of its encryption key if it has one.", 1},
			{"another region, not named in the response", xmlError(301, "PermanentRedirect"), action.Invalid, "The bucket is not in this region. Check the region in the action's settings in Looker.", 1},
			{"an odd code", xmlError(400, "Odd&lt;code&gt;"), action.Invalid, "Amazon S3 returned 400 Oddcode.", 1},
		}...)
	for _, tt := range more {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			f.fail = func(string, int) *actiontest.Reply { return &tt.reply }
			_, err := f.start(t, nil).Execute(t.Context(), csv(t, form(), 10))
			checkError(t, err, tt.kind, tt.message)
			if f.count["PutObject"] != tt.calls || len(f.objects) != 0 {
				t.Errorf("%d calls, want %d; objects %v", f.count["PutObject"], tt.calls, f.objects)
			}
		})
	}
}

func TestNoBucket(t *testing.T) {
	t.Parallel()
	f := newFake()
	_, err := f.start(t, nil).Execute(t.Context(), csv(t, map[string]string{"bucket": "elsewhere"}, 10))
	checkError(t, err, action.NotFound, "The bucket does not exist.")
	e, _ := errors.AsType[*action.Error](err)
	if diff := cmp.Diff(map[string]string{"bucket": "The bucket does not exist."}, e.Fields); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	const region = `"region" must be the name of a region such as us-east-1: letters, digits and hyphens.`
	const bucket = `"bucket" must be the name of a bucket, or the alias of an access point: letters, digits, dots and hyphens.`
	const dots = "The object's name must not contain \".\" or \"..\" path segments."
	for _, tt := range []struct{ name, field, value, message string }{
		{"no bucket", "bucket", "", "Need Amazon S3 bucket."},
		{"bucket with a host", "bucket", "evil.example/x", bucket},
		{"bucket by ARN", "bucket", "arn:aws:s3:us-east-1:123456789012:accesspoint/x", bucket},
		{"region with a host", "region", "evil.example/", region},
		{"region with a dot", "region", "x.evil", region},
		{"region with an at", "region", "x@evil", region},
		{"region with a hash", "region", "eu-west-1#", region},
		{"region ends in a hyphen", "region", "eu-", region},
		{"only slashes", "filename", "//", "Couldn't determine filename."},
		{"a folder", "filename", "a/", "Couldn't determine filename."},
		{"parent", "path", "a/../b", dots},
		{"parent in the filename", "filename", "../b", dots},
		{"here", "path", ".", dots},
		{"control characters", "path", "a\x00b", "The object's name must not contain control characters."},
		{"too long", "path", strings.Repeat("ä", 512), "The object's name, with its path, is longer than the 1,024 bytes that Amazon S3 allows."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			req := csv(t, form(), 10)
			if tt.field == "region" {
				req.Params["region"] = tt.value
			} else {
				req.Form[tt.field] = tt.value
			}
			_, err := f.start(t, nil).Execute(t.Context(), req)
			if action.KindOf(err) != action.Invalid || action.MessageOf(err) != tt.message {
				t.Errorf("error %v, want %q", err, tt.message)
			}
			if len(f.operations) != 0 {
				t.Errorf("S3 was called: %q", f.operations)
			}
		})
	}
}

// A small object goes in one call, under the name that the user and the plan give it.
func TestPut(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, path, filename, want string }{
		{"to the letter", "", "orders", "orders"},
		{"with folders in the filename", "", "daily/orders.csv", "daily/orders.csv"},
		{"suggested", "", "", "Orders by day.csv"},
		{"path", "daily", "orders.csv", "daily/orders.csv"},
		{"path with slashes around", " /daily/eu/ ", "/orders.csv", "daily/eu/orders.csv"},
		{"path and suggested", "daily", "  ", "daily/Orders by day.csv"},
		{"characters to escape", "a b", "ü+%?#&.csv", "a b/ü+%?#&.csv"},
		{"a slash first", "", "/orders.csv", "/orders.csv"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			req := csv(t, map[string]string{"bucket": "reports", "path": tt.path, "filename": tt.filename}, 10)
			if _, err := f.start(t, nil).Execute(t.Context(), req); err != nil {
				t.Fatal(err)
			}
			want := map[string]stored{"reports/" + tt.want: {text(10), "text/csv", ""}}
			if diff := cmp.Diff(want, f.decoded(t)); diff != "" {
				t.Errorf("objects (-want +got):\n%s", diff)
			}
			if f.checksums != 1 {
				t.Error("the body carried no checksum")
			}
		})
	}
}

// What goes over the wire, in full but for what changes from call to call.
func TestWire(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		env  map[string]string
		mime string
		want []string
	}{
		{
			"Amazon", nil, "application/pdf;base64",
			[]string{
				"PUT reports.s3.eu-west-1.amazonaws.com/orders.csv?x-id=PutObject",
				"Content-Encoding: aws-chunked", "Content-Type: application/pdf",
				"X-Amz-Content-Sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER",
				"X-Amz-Decoded-Content-Length: 4", "X-Amz-Sdk-Checksum-Algorithm: CRC32", "X-Amz-Trailer: x-amz-checksum-crc32",
				"4\r\n0,x\n\r\n0\r\nx-amz-checksum-crc32:" + crc([]byte(text(4))) + "\r\n\r\n",
			},
		},
		{
			"another endpoint",
			map[string]string{"AMAZON_S3_ENDPOINT": "https://minio.example.com:9000/"},
			"no media type",
			[]string{
				"PUT minio.example.com:9000/reports/orders.csv?x-id=PutObject",
				"Content-Type: text/csv",
				"X-Amz-Content-Sha256: UNSIGNED-PAYLOAD",
				"0,x\n",
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(actiontest.Reply{Header: map[string]string{"ETag": `"1"`}})
			i := actiontest.New(t, amazons3.New, actiontest.Deps(t, d, tt.env))
			req := actiontest.Inline(t, actiontest.Query(params(), form()), tt.mime, "csv", []byte(text(4)))
			if _, err := i.Execute(t.Context(), req); err != nil {
				t.Fatal(err)
			}
			r := d.Requests()[0]
			got := []string{r.Method + " " + r.Host + r.Path + "?" + r.Query.Encode()}
			for _, h := range []string{"Content-Encoding", "Content-Type", "X-Amz-Acl", "X-Amz-Content-Sha256", "X-Amz-Decoded-Content-Length", "X-Amz-Sdk-Checksum-Algorithm", "X-Amz-Security-Token", "X-Amz-Trailer"} {
				if v := r.Header.Get(h); v != "" {
					got = append(got, h+": "+v)
				}
			}
			got = append(got, string(r.Body))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

// Every length around the boundaries of parts and stages arrives whole: parts of 1 KiB,
// then 2, then 4, three of each.
func TestMultipart(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ size, parts int }{
		{0, 0}, {1023, 0}, {1024, 1}, {1025, 2}, {3072, 3}, {3073, 4}, {9216, 6}, {9217, 7}, {21503, 9}, {21504, 9},
	} {
		t.Run(fmt.Sprint(tt.size), func(t *testing.T) {
			t.Parallel()
			f := newFake()
			req := actiontest.Download(t, actiontest.Query(params(), form()), func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, text(tt.size))
			})
			if _, err := f.start(t, nil).Execute(t.Context(), req); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(text(tt.size), f.objects["reports/orders.csv"].Body); diff != "" {
				t.Errorf("object (-want +got):\n%s", diff)
			}
			want := []string{"CreateMultipartUpload orders.csv", "CompleteMultipartUpload orders.csv"}
			if tt.parts == 0 {
				want = []string{"PutObject orders.csv"}
			}
			if diff := cmp.Diff(want, f.operations); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			if tt.size > 0 && f.checksums != max(tt.parts, 1) || f.count["UploadPart"] != tt.parts {
				t.Errorf("%d parts, want %d; %d bodies with a checksum", f.count["UploadPart"], tt.parts, f.checksums)
			}
		})
	}
}

func TestMultipartContentType(t *testing.T) {
	t.Parallel()
	f := newFake()
	if _, err := f.start(t, nil).Execute(t.Context(), csv(t, form(), 5000)); err != nil {
		t.Fatal(err)
	}
	want := map[string]stored{"reports/orders.csv": {text(5000), "text/csv", ""}}
	if diff := cmp.Diff(want, f.objects); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	if f.algorithms["upload-1"] != "CRC32" {
		t.Error("the upload was begun without a checksum")
	}
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	f := newFake()
	_, err := f.start(t, nil).Execute(t.Context(), csv(t, form(), 21505))
	checkError(t, err, action.TooLarge, "The data is larger than the hub can write to Amazon S3.")
	f.checkAborted(t)
}

// decoded are the objects by the names that the paths escape.
func (f *fake) decoded(t *testing.T) map[string]stored {
	t.Helper()
	all := map[string]stored{}
	for path, o := range f.objects {
		name, err := url.PathUnescape(path)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = o
	}
	return all
}

// checkAborted says that nothing is visible and nothing is left to pay for: the second time,
// there was nothing to abort any more.
func (f *fake) checkAborted(t *testing.T) {
	t.Helper()
	if len(f.objects) != 0 {
		t.Errorf("an object is visible")
	}
	if n := f.count["CreateMultipartUpload"]; n != 1 {
		t.Errorf("%d uploads, want 1", n)
	}
	if n := f.count["AbortMultipartUpload"]; n != 2 {
		t.Errorf("%d aborts, want 2: %v", n, f.operations)
	}
	if n := len(f.uploads); n != 0 {
		t.Errorf("%d uploads are left", n)
	}
	if last := f.operations[len(f.operations)-1]; last != "AbortMultipartUpload orders.csv" {
		t.Errorf("the last call is %q: parts that arrive after the abort would stay", last)
	}
}

func TestSourceBreaksOff(t *testing.T) {
	t.Parallel()
	const message = "The download from Looker ended before the data was complete."
	for _, tt := range []struct {
		size  int
		calls bool
	}{{0, false}, {10, false}, {1023, false}, {1024, true}, {1500, true}, {2048, true}, {9000, true}} {
		t.Run(fmt.Sprint(tt.size), func(t *testing.T) {
			t.Parallel()
			f := newFake()
			req := actiontest.Download(t, actiontest.Query(params(), form()), actiontest.BrokenDownload(text(tt.size)))
			_, err := f.start(t, nil).Execute(t.Context(), req)
			checkError(t, err, action.Unavailable, message)
			if tt.calls {
				f.checkAborted(t)
			} else if len(f.operations) != 0 {
				t.Errorf("S3 was called: %q", f.operations)
			}
			if f.count["CompleteMultipartUpload"] != 0 {
				t.Error("the upload was completed")
			}
		})
	}
}

func TestSourceIsRefused(t *testing.T) {
	t.Parallel()
	f := newFake()
	req := actiontest.Download(t, actiontest.Query(params(), form()), func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "error page", http.StatusNotFound)
	})
	_, err := f.start(t, nil).Execute(t.Context(), req)
	checkError(t, err, action.Unavailable, "There was an error with Action Hub calling back to Looker, status code: 404.")
	if len(f.operations) != 0 {
		t.Errorf("S3 was called: %q", f.operations)
	}
}

// broken is data whose reader ends with an error of no kind, and with one that io.ReadFull
// would take for the end.
type broken struct {
	action.Data
	err error
}

func (b broken) Open(context.Context) (io.ReadCloser, error) {
	return io.NopCloser(io.MultiReader(strings.NewReader(text(5000)), iotest.ErrReader(b.err))), nil
}

func TestReaderFails(t *testing.T) {
	t.Parallel()
	for _, fault := range []error{errors.New("disk"), io.ErrUnexpectedEOF, fmt.Errorf("wrapped: %w", io.EOF)} {
		t.Run(fault.Error(), func(t *testing.T) {
			t.Parallel()
			f := newFake()
			req := actiontest.Query(params(), form())
			req.Data = broken{req.Data, fault}
			_, err := f.start(t, nil).Execute(t.Context(), req)
			if !errors.Is(err, fault) {
				t.Errorf("error %v, want %v", err, fault)
			}
			f.checkAborted(t)
		})
	}
}

// Wherever a multipart upload fails, it is aborted and nothing is visible.
func TestMultipartFails(t *testing.T) {
	t.Parallel()
	denied, inside := xmlError(403, "AccessDenied"), xmlError(200, "InternalError")
	for _, tt := range []struct {
		name, operation string
		reply           actiontest.Reply
		kind            action.Kind
		message         string
	}{
		{"a part is denied", "UploadPart", denied, action.Forbidden, "Amazon S3 denied access. The access key needs s3:PutObject and s3:AbortMultipartUpload on the bucket, and the use of its encryption key if it has one."},
		{"parts are cut off", "UploadPart", actiontest.Reply{Reset: true}, action.Unavailable, "The connection to Amazon S3 failed."},
		{"parts are too many", "UploadPart", xmlError(503, "SlowDown"), action.RateLimited, "Amazon S3 is throttling requests. Try again later."},
		{"completing fails", "CompleteMultipartUpload", actiontest.Reply{Status: 503}, action.Unavailable, "Amazon S3 returned 503 Service Unavailable."},
		{"completing fails after the answer began", "CompleteMultipartUpload", inside, action.Unavailable, "Amazon S3 returned 500 Internal Server Error."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			f.fail = func(operation string, nth int) *actiontest.Reply {
				if operation == tt.operation && (operation != "UploadPart" || nth > 1) {
					return &tt.reply
				}
				return nil
			}
			_, err := f.start(t, nil).Execute(t.Context(), csv(t, form(), 5000))
			checkError(t, err, tt.kind, tt.message)
			f.checkAborted(t)
		})
	}
}

// A part that fails for good ends the reading of a source that would never end.
func TestPartFailureEndsReading(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.fail = func(operation string, _ int) *actiontest.Reply {
		if operation != "UploadPart" {
			return nil
		}
		reply := xmlError(403, "AccessDenied")
		return &reply
	}
	req := actiontest.Download(t, actiontest.Query(params(), form()), func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, text(1500))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	_, err := f.start(t, nil).Execute(t.Context(), req)
	if action.KindOf(err) != action.Forbidden {
		t.Errorf("error %v", err)
	}
	f.checkAborted(t)
}

// Parts that fail temporarily are retried one by one.
func TestRetries(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.fail = func(operation string, nth int) *actiontest.Reply {
		switch {
		case nth == 1:
			return &actiontest.Reply{Reset: true}
		case nth == 2:
			reply := xmlError(503, "SlowDown")
			return &reply
		case operation == "CompleteMultipartUpload" && nth == 3:
			reply := xmlError(200, "InternalError")
			return &reply
		}
		return nil
	}
	if _, err := f.start(t, nil).Execute(t.Context(), csv(t, form(), 5000)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]stored{"reports/orders.csv": {text(5000), "text/csv", ""}}, f.objects); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
}

// A delivery that is given up is aborted too, though its own context has ended.
func TestCancel(t *testing.T) {
	t.Parallel()
	f := newFake()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req := actiontest.Query(params(), form())
	req.Data = handedOver{req.Data, text(3000), cancel}
	_, err := f.start(t, nil).Execute(ctx, req)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	f.checkAborted(t)
}

// handedOver is data that is cancelled once its text has been read.
type handedOver struct {
	action.Data
	text   string
	cancel func()
}

func (h handedOver) Open(ctx context.Context) (io.ReadCloser, error) {
	return io.NopCloser(io.MultiReader(strings.NewReader(h.text), waiting{ctx, h.cancel})), nil
}

type waiting struct {
	ctx    context.Context
	cancel func()
}

func (w waiting) Read([]byte) (int, error) {
	w.cancel()
	<-w.ctx.Done()
	return 0, w.ctx.Err()
}

// A part that arrives after the upload was aborted is removed too.
func TestLatePart(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.fail = func(operation string, nth int) *actiontest.Reply {
		if operation == "AbortMultipartUpload" && nth == 1 {
			return &actiontest.Reply{Status: http.StatusNoContent} // and the upload is still there
		}
		return nil
	}
	req := actiontest.Download(t, actiontest.Query(params(), form()), actiontest.BrokenDownload(text(1500)))
	_, err := f.start(t, nil).Execute(t.Context(), req)
	checkError(t, err, action.Unavailable, "The download from Looker ended before the data was complete.")
	if len(f.uploads) > 0 || f.count["AbortMultipartUpload"] != 3 {
		t.Errorf("calls %q, uploads left: %d", f.operations, len(f.uploads))
	}
}

// A failed abort is logged. The user gets the first error.
func TestAbortFails(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.fail = func(operation string, _ int) *actiontest.Reply {
		if operation != "AbortMultipartUpload" {
			return nil
		}
		reply := xmlError(403, "AccessDenied")
		return &reply
	}
	var log strings.Builder
	d := actiontest.NewDestination(t).Handle(f.answer)
	deps := actiontest.Deps(t, d, nil)
	deps.Log = slog.New(slog.NewTextHandler(&log, nil))
	i := actiontest.New(t, amazons3.New, deps)
	amazons3.Small(i, 3, 1<<10)
	req := actiontest.Download(t, actiontest.Query(params(), form()), actiontest.BrokenDownload(text(1500)))
	_, err := i.Execute(t.Context(), req)
	checkError(t, err, action.Unavailable, "The download from Looker ended before the data was complete.")
	if !strings.Contains(log.String(), "the parts of a failed upload could not be removed") {
		t.Errorf("the log does not report the parts: %s", log.String())
	}
	for name, secret := range map[string]string{"access key": accessKey, "secret key": secretKey} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log contains the %s: %s", name, log.String())
		}
	}
}

// The bucket's own region is found, as the reference's SDK does it.
func TestBucketInAnotherRegion(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		fake func(*fake)
		size int
		want []string
	}{
		{"one call", func(*fake) {}, 10, []string{"PutObject orders.csv", "PutObject orders.csv"}},
		{"parts", func(*fake) {}, 1500, []string{"CreateMultipartUpload orders.csv", "CreateMultipartUpload orders.csv", "CompleteMultipartUpload orders.csv"}},
		{"only the bucket tells", func(f *fake) { f.silent = true }, 10, []string{"PutObject orders.csv", "HeadBucket", "PutObject orders.csv"}},
		{
			"opt-in region", func(f *fake) {
				f.silent = true
				f.redirect = xmlError(400, "IllegalLocationConstraintException")
			}, 10,
			[]string{"PutObject orders.csv", "HeadBucket", "PutObject orders.csv"},
		},
		{
			"opt-in region, in parts", func(f *fake) {
				f.redirect = xmlError(400, "IllegalLocationConstraintException")
			}, 1500,
			[]string{"CreateMultipartUpload orders.csv", "CreateMultipartUpload orders.csv", "CompleteMultipartUpload orders.csv"},
		},
		{
			"temporary redirect", func(f *fake) { f.redirect = xmlError(307, "TemporaryRedirect") }, 10,
			[]string{"PutObject orders.csv", "PutObject orders.csv"},
		},
		{
			"region in the error", func(f *fake) {
				f.mute = true
				f.redirect = xmlError(400, "AuthorizationHeaderMalformed")
				f.redirect.Body = strings.Replace(f.redirect.Body, "</Error>", "<Region>us-east-2</Region></Error>", 1)
			}, 10,
			[]string{"PutObject orders.csv", "PutObject orders.csv"},
		},
		{
			"malformed header", func(f *fake) {
				f.fail = func(operation string, nth int) *actiontest.Reply {
					if operation != "PutObject" || nth > 1 {
						return nil
					}
					reply := xmlError(400, "AuthorizationHeaderMalformed")
					reply.Header["X-Amz-Bucket-Region"] = "us-east-2"
					return &reply
				}
			}, 10,
			[]string{"PutObject orders.csv", "PutObject orders.csv"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			f.buckets["reports"] = "us-east-2"
			tt.fake(f)
			if _, err := f.start(t, nil).Execute(t.Context(), csv(t, form(), tt.size)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, f.operations); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			if f.objects["reports/orders.csv"].Body != text(tt.size) {
				t.Error("the object is not what was sent")
			}
		})
	}
}

// Another server's redirect is not followed, but its region is named.
func TestEndpointNamesRegion(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.host = "minio.example.com"
	reply := xmlError(400, "AuthorizationHeaderMalformed")
	reply.Body = strings.Replace(reply.Body, "</Error>", "<Region>us-east-2</Region></Error>", 1)
	f.fail = func(string, int) *actiontest.Reply { return &reply }
	_, err := f.start(t, map[string]string{"AMAZON_S3_ENDPOINT": "https://" + f.host}).Execute(t.Context(), csv(t, form(), 10))
	checkError(t, err, action.Invalid, "The bucket is in the region us-east-2. Enter it in the action's settings in Looker.")
}

// With another server, a proxy can be the reason.
func TestEndpointSignature(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.host = "minio.example.com"
	reply := xmlError(403, "SignatureDoesNotMatch")
	f.fail = func(string, int) *actiontest.Reply { return &reply }
	_, err := f.start(t, map[string]string{"AMAZON_S3_ENDPOINT": "https://" + f.host}).Execute(t.Context(), csv(t, form(), 10))
	checkError(t, err, action.Unauthenticated, "Amazon S3 rejected the request's signature. Check the secret key in the action's settings in Looker. "+
		"If it is correct, a proxy in front of the server may be changing requests.")
}

// A conflict between two conditional requests says nothing about the object, and the request is repeated:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
func TestConflict(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, operation string
		size, conflicts int
		exists          bool
		message         string
	}{
		{name: "once", operation: "PutObject", size: 10, conflicts: 1},
		{name: "once, in parts", operation: "CompleteMultipartUpload", size: 5000, conflicts: 1},
		{
			name: "the other one wins", operation: "PutObject", size: 10, conflicts: 1, exists: true,
			message: "A file with this name already exists.",
		},
		{
			name: "always", operation: "PutObject", size: 10, conflicts: 9,
			message: "Another upload to this name is in progress. Try again later.",
		},
		{
			name: "always, in parts", operation: "CompleteMultipartUpload", size: 5000, conflicts: 9,
			message: "Another upload to this name is in progress. Try again later.",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			conflict := xmlError(409, "ConditionalRequestConflict")
			f.fail = func(operation string, nth int) *actiontest.Reply {
				if operation != tt.operation || nth > tt.conflicts {
					return nil
				}
				if tt.exists {
					f.objects["reports/orders.csv"] = stored{Body: "another's"}
				}
				return &conflict
			}
			answers := form()
			answers["overwrite"] = "fail"
			_, err := f.start(t, nil).Execute(t.Context(), csv(t, answers, tt.size))
			switch {
			case tt.message == "" && err != nil:
				t.Fatal(err)
			case tt.message != "" && action.MessageOf(err) != tt.message:
				t.Errorf("error %v, want %q", err, tt.message)
			}
			if tt.message == "" && f.objects["reports/orders.csv"].Body != text(tt.size) {
				t.Error("the object is not what was sent")
			}
			if tt.conflicts > 1 && action.KindOf(err) != action.Unavailable {
				t.Errorf("kind %v, want unavailable", action.KindOf(err))
			}
		})
	}
}

// A region that an answer names becomes part of a host name, and is checked like any other.
func TestForeignRegionIsChecked(t *testing.T) {
	t.Parallel()
	reply := xmlError(301, "PermanentRedirect")
	reply.Header["X-Amz-Bucket-Region"] = "evil.example/"
	f := newFake()
	f.fail = func(string, int) *actiontest.Reply { return &reply }
	_, err := f.start(t, nil).Execute(t.Context(), csv(t, form(), 10))
	checkError(t, err, action.Invalid, "The bucket is not in this region. Check the region in the action's settings in Looker.")
	if f.count["PutObject"] != 1 {
		t.Errorf("calls %q", f.operations)
	}
}

func TestEndpoint(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.host = "minio.example.com"
	i := f.start(t, map[string]string{"AMAZON_S3_ENDPOINT": "https://minio.example.com"})
	for _, size := range []int{10, 5000} {
		if _, err := i.Execute(t.Context(), csv(t, form(), size)); err != nil {
			t.Fatal(err)
		}
		if f.objects["reports/orders.csv"].Body != text(size) {
			t.Error("the object is not what was sent")
		}
	}
	if f.checksums != 0 || f.algorithms["upload-1"] != "" {
		t.Error("checksums were sent that not all servers support")
	}
	// One object, one part of each size, the rest, and the list of the parts.
	if want := 1 + f.count["UploadPart"] + 1; f.md5s != want {
		t.Errorf("%d bodies with Content-MD5, want %d", f.md5s, want)
	}
	got, err := action.Resolve(i).Form.Form(t.Context(), actiontest.Query(params(), nil))
	if err != nil || got.Fields[0].Default != "reports" {
		t.Errorf("form %v, %v", got, err)
	}
}

// Cloudflare R2 accepts only parts of the same size.
func TestEqualParts(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.host = r2
	i := f.start(t, map[string]string{"AMAZON_S3_ENDPOINT": "https://" + r2})
	for _, size := range []int{10, 1 << 10, 3 << 10, 5000, 9 << 10} {
		if _, err := i.Execute(t.Context(), csv(t, form(), size)); err != nil {
			t.Fatal(err)
		}
		if f.objects["reports/orders.csv"].Body != text(size) {
			t.Error("the object is not what was sent")
		}
	}
}

// A server without a list of buckets leaves the name to the user.
func TestNoList(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.host = "gateway.example.com"
	f.fail = func(string, int) *actiontest.Reply {
		reply := xmlError(http.StatusNotImplemented, "NotImplemented")
		return &reply
	}
	i := f.start(t, map[string]string{"AMAZON_S3_ENDPOINT": "https://gateway.example.com"})
	got, err := action.Resolve(i).Form.Form(t.Context(), actiontest.Query(params(), nil))
	if err != nil {
		t.Fatal(err)
	}
	if got.Fields[0].Type != action.String {
		t.Errorf("the bucket's field is %+v", got.Fields[0])
	}
}

// Google's front end changes Accept-Encoding before Cloud Storage verifies the signature:
// https://github.com/aws/aws-sdk-go-v2/issues/1816
func TestAcceptEncodingIsNotSigned(t *testing.T) {
	t.Parallel()
	const host = "storage.googleapis.com"
	for name, change := range map[string]func(http.Header){
		"appended": func(h http.Header) { h.Set("Accept-Encoding", h.Get("Accept-Encoding")+",gzip(gfe)") },
		"replaced": func(h http.Header) { h.Set("Accept-Encoding", "gzip") },
		"removed":  func(h http.Header) { h.Del("Accept-Encoding") },
	} {
		for _, endpoint := range []string{"", "https://" + host} {
			t.Run(name+" "+endpoint, func(t *testing.T) {
				t.Parallel()
				f := newFake()
				f.frontEnd = change
				var env map[string]string
				if endpoint != "" {
					f.host, env = host, map[string]string{"AMAZON_S3_ENDPOINT": endpoint}
				}
				i := f.start(t, env)
				for _, size := range []int{10, 5000} {
					req := csv(t, form(), size)
					req.Form["overwrite"] = "fail" // asks for the object, too
					f.objects = map[string]stored{}
					if _, err := i.Execute(t.Context(), req); err != nil {
						t.Fatalf("%d bytes: %v", size, err)
					}
				}
				if _, err := action.Resolve(i).Form.Form(t.Context(), actiontest.Query(params(), nil)); err != nil {
					t.Errorf("form: %v", err)
				}
			})
		}
	}
}

// The SDK asks for a response that is not compressed, as before.
func TestAcceptEncodingIsSent(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Reply(actiontest.Reply{Header: map[string]string{"ETag": `"1"`}})
	i := actiontest.New(t, amazons3.New, actiontest.Deps(t, d, nil))
	if _, err := i.Execute(t.Context(), csv(t, form(), 10)); err != nil {
		t.Fatal(err)
	}
	if got := d.Requests()[0].Header.Get("Accept-Encoding"); got != "identity" {
		t.Errorf("Accept-Encoding %q, want identity", got)
	}
}

// A bucket with Object Lock accepts only bodies with a checksum.
func TestObjectLock(t *testing.T) {
	t.Parallel()
	for name, host := range map[string]string{"Amazon": "", "another server": "minio.example.com"} {
		for _, size := range []int{0, 10, 5000} {
			t.Run(fmt.Sprint(name, size), func(t *testing.T) {
				t.Parallel()
				f := newFake()
				f.host, f.locked = host, []string{"reports"}
				var env map[string]string
				if host != "" {
					env = map[string]string{"AMAZON_S3_ENDPOINT": "https://" + host}
				}
				if _, err := f.start(t, env).Execute(t.Context(), csv(t, form(), size)); err != nil {
					t.Fatal(err)
				}
				if f.objects["reports/orders.csv"].Body != text(size) {
					t.Error("the object is not what was sent")
				}
			})
		}
	}
}

// The hub acts as its pod, or takes on a role, as the administrator wants.
func TestIdentity(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("pod's token"), 0o600); err != nil {
		t.Fatal(err)
	}
	odd := filepath.Join(t.TempDir(), "odd")
	if err := os.WriteFile(odd, []byte("another's token"), 0o600); err != nil {
		t.Fatal(err)
	}
	pod := map[string]string{"AMAZON_S3_POD_IDENTITY": "true", "AWS_ROLE_ARN": podRole, "AWS_WEB_IDENTITY_TOKEN_FILE": file}
	agent := map[string]string{
		"AMAZON_S3_POD_IDENTITY": "true", "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": file,
	}
	assume := map[string]string{"AMAZON_S3_ROLE_ARN": role, "AMAZON_S3_EXTERNAL_ID": "looker"}
	both := maps.Clone(pod)
	maps.Copy(both, assume)
	without := func(env map[string]string, name, value string) map[string]string {
		env = maps.Clone(env)
		env[name] = value
		return env
	}
	denied := xmlError(403, "AccessDenied")
	const notGiven = "AWS does not allow the hub to assume %s for Amazon S3. The hub's administrator must check the role and its trust policy."
	for _, tt := range []struct {
		name    string
		env     map[string]string
		keys    bool
		fail    func(string, int) *actiontest.Reply
		calls   []string
		kind    action.Kind
		message string
	}{
		{name: "the pod", env: pod, calls: []string{"AssumeRoleWithWebIdentity"}},
		{name: "the pod, but Looker has a key", env: pod, keys: true},
		{name: "a role by Looker's key", env: assume, keys: true, calls: []string{"AssumeRole"}},
		{name: "a role by the pod", env: both, calls: []string{"AssumeRoleWithWebIdentity", "AssumeRole"}},
		{
			name: "busy for a moment", env: pod,
			fail: func(operation string, n int) *actiontest.Reply {
				if operation != "AssumeRoleWithWebIdentity" || n > 1 {
					return nil
				}
				return &actiontest.Reply{Status: 500}
			},
			calls: []string{"AssumeRoleWithWebIdentity", "AssumeRoleWithWebIdentity"},
		},
		{name: "the pod by its agent", env: agent, calls: []string{"AssumeRoleForPodIdentity"}},
		{name: "the agent, but Looker has a key", env: agent, keys: true},
		{
			name: "an agent that is busy for a moment", env: agent,
			fail: func(operation string, n int) *actiontest.Reply {
				if operation != "AssumeRoleForPodIdentity" || n > 1 {
					return nil
				}
				return &actiontest.Reply{Status: 500}
			},
			calls: []string{"AssumeRoleForPodIdentity", "AssumeRoleForPodIdentity"},
		},
		{
			name: "an agent that refuses", env: without(agent, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", odd),
			calls: []string{"AssumeRoleForPodIdentity"}, kind: action.Forbidden,
			message: fmt.Sprintf(notGiven, "the pod's role"),
		},
		{
			name: "no token for the agent",
			env:  without(agent, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/nothing"), kind: action.Forbidden,
			message: fmt.Sprintf(notGiven, "the pod's role"),
		},
		{
			name: "no key and no pod", kind: action.Invalid,
			message: "The access key and the secret key are required. Enter them in the action's settings in Looker.",
		},
		{
			name: "a role, but another time", env: assume, keys: true,
			fail: func(operation string, _ int) *actiontest.Reply {
				if operation != "AssumeRole" {
					return nil
				}
				reply := stsError("SignatureDoesNotMatch")
				reply.Body = strings.Replace(reply.Body, "<Message>", "<Message>Signature expired: 20261126T074514Z is now earlier than 20261126T080000Z ", 1)
				return &reply
			},
			calls: []string{"AssumeRole"}, kind: action.Internal,
			message: "AWS rejects the hub's requests because the hub's clock is wrong.",
		},
		{
			name: "a role, but another secret key", env: assume, keys: true,
			fail: func(operation string, _ int) *actiontest.Reply {
				if operation != "AssumeRole" {
					return nil
				}
				reply := stsError("SignatureDoesNotMatch")
				return &reply
			},
			calls: []string{"AssumeRole"}, kind: action.Unauthenticated,
			message: "AWS rejected the request's signature. Check the secret key in the action's settings in Looker.",
		},
		{
			name: "a role that is not given", env: without(assume, "AMAZON_S3_EXTERNAL_ID", "x"), keys: true,
			calls: []string{"AssumeRole"}, kind: action.Forbidden, message: fmt.Sprintf(notGiven, "the role"),
		},
		{
			name: "a pod's role that is not given", env: without(both, "AWS_ROLE_ARN", "x"),
			calls: []string{"AssumeRoleWithWebIdentity"}, kind: action.Forbidden,
			message: fmt.Sprintf(notGiven, "the pod's role"),
		},
		{
			name: "no token", env: without(pod, "AWS_WEB_IDENTITY_TOKEN_FILE", "/nothing"), kind: action.Forbidden,
			message: fmt.Sprintf(notGiven, "the pod's role"),
		},
		{
			name: "S3 denies the role", env: pod,
			fail: func(operation string, _ int) *actiontest.Reply {
				if operation != "PutObject" {
					return nil
				}
				return &denied
			},
			calls: []string{"AssumeRoleWithWebIdentity"}, kind: action.Forbidden,
			message: "Amazon S3 denied access. The access key needs s3:PutObject and s3:AbortMultipartUpload on the bucket, and the use of its encryption key if it has one.",
		},
		{
			name: "AWS fails", env: pod,
			fail: func(string, int) *actiontest.Reply {
				return &actiontest.Reply{Status: 503}
			},
			calls: slices.Repeat([]string{"AssumeRoleWithWebIdentity"}, 5), kind: action.Unavailable,
			message: "AWS is temporarily unavailable. Try again later.",
		},
		{
			name: "AWS throttles", env: pod,
			fail: func(string, int) *actiontest.Reply {
				reply := stsError("ThrottlingException")
				reply.Status = 400
				return &reply
			},
			calls: slices.Repeat([]string{"AssumeRoleWithWebIdentity"}, 5), kind: action.RateLimited,
			message: "AWS is throttling requests. Try again later.",
		},
		{
			name: "AWS does not reach the cluster's issuer", env: pod,
			fail: func(string, int) *actiontest.Reply {
				reply := stsError("IDPCommunicationError")
				reply.Status = 400
				return &reply
			},
			calls: slices.Repeat([]string{"AssumeRoleWithWebIdentity"}, 5), kind: action.Unavailable,
			message: "AWS is temporarily unavailable. Try again later.",
		},
		{
			name: "an agent that fails", env: agent,
			fail: func(string, int) *actiontest.Reply {
				return &actiontest.Reply{Status: 500}
			},
			calls: slices.Repeat([]string{"AssumeRoleForPodIdentity"}, 5), kind: action.Unavailable,
			message: "AWS is temporarily unavailable. Try again later.",
		},
		{
			name: "AWS resets", env: pod,
			fail: func(string, int) *actiontest.Reply {
				return &actiontest.Reply{Reset: true}
			},
			calls: slices.Repeat([]string{"AssumeRoleWithWebIdentity"}, 5), kind: action.Unavailable,
			message: "The connection to AWS failed.",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			f.fail = tt.fail
			req := csv(t, form(), 10)
			if !tt.keys {
				req.Params = map[string]string{"region": "eu-west-1"}
			}
			_, err := f.start(t, tt.env).Execute(t.Context(), req)
			calls := slices.DeleteFunc(f.operations, func(o string) bool { return !strings.HasPrefix(o, "Assume") })
			if diff := cmp.Diff(tt.calls, calls, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			if tt.message != "" {
				checkError(t, err, tt.kind, tt.message)
			} else if err != nil || f.objects["reports/orders.csv"].Body != text(10) {
				t.Errorf("error %v", err)
			}
		})
	}
	_, err := amazons3.New(actiontest.Deps(t, nil, map[string]string{"AMAZON_S3_POD_IDENTITY": "true"}))
	if _, missing := errors.AsType[*action.MissingSettingsError](err); !missing {
		t.Errorf("a pod without a role: %v", err)
	}
	for _, p := range newFake().start(t, pod).Definition().Params {
		if p.Required != (p.Name == "region") {
			t.Errorf("%s: required %v", p.Name, p.Required)
		}
	}
}

// Objects are kept as the administrator wants.
func TestKept(t *testing.T) {
	t.Parallel()
	env := map[string]string{"AMAZON_S3_STORAGE_CLASS": "STANDARD_IA", "AMAZON_S3_SERVER_SIDE_ENCRYPTION": "aws:kms", "AMAZON_S3_KMS_KEY_ID": "alias/reports"}
	for _, size := range []int{10, 5000} {
		f := newFake()
		if _, err := f.start(t, env).Execute(t.Context(), csv(t, form(), size)); err != nil {
			t.Fatal(err)
		}
		want := map[string]stored{"reports/orders.csv": {text(size), "text/csv", "STANDARD_IA aws:kms alias/reports"}}
		if diff := cmp.Diff(want, f.objects); diff != "" {
			t.Errorf("objects (-want +got):\n%s", diff)
		}
	}
	for name, value := range map[string]string{"AMAZON_S3_STORAGE_CLASS": "cheap", "AMAZON_S3_SERVER_SIDE_ENCRYPTION": "yes"} {
		_, err := amazons3.New(actiontest.Deps(t, nil, map[string]string{name: value}))
		if _, missing := errors.AsType[*action.MissingSettingsError](err); err == nil || missing {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What is there already is replaced, left beside, or kept, as the user chose.
func TestOverwrite(t *testing.T) {
	t.Parallel()
	const exists = "A file with this name already exists."
	for _, tt := range []struct {
		answer, error string
		replaced      bool
		objects       int
	}{{"yes", "", true, 1}, {"no", "", false, 2}, {"fail", exists, false, 1}} {
		for _, size := range []int{10, 5000} {
			for _, host := range []string{"", "minio.example.com"} {
				t.Run(fmt.Sprint(tt.answer, size, host), func(t *testing.T) {
					t.Parallel()
					f := newFake()
					old := stored{"yesterday's", "text/csv", ""}
					f.objects["reports/orders.csv"] = old
					env := map[string]string{}
					if f.host = host; host != "" {
						env["AMAZON_S3_ENDPOINT"] = "https://" + host
					}
					answers := form()
					answers["overwrite"] = tt.answer
					_, err := f.start(t, env).Execute(t.Context(), csv(t, answers, size))
					if err != nil && action.MessageOf(err) != tt.error || (err == nil) != (tt.error == "") {
						t.Errorf("error %v, want %q", err, tt.error)
					}
					if replaced := f.objects["reports/orders.csv"] != old; replaced != tt.replaced {
						t.Errorf("replaced %v, want %v", replaced, tt.replaced)
					}
					if n := len(f.objects); n != tt.objects {
						t.Errorf("%d objects, want %d", n, tt.objects)
					}
					if n := len(f.uploads); n > 0 {
						t.Errorf("%d uploads are left", n)
					}
				})
			}
		}
	}
}

// An object that is new is written also where it must be; that it was this delivery that wrote
// it, when an answer was lost, is not certain.
func TestOverwriteInDoubt(t *testing.T) {
	t.Parallel()
	const doubt = " It may be from this delivery. Check before retrying."
	for _, tt := range []struct {
		name, operation string
		size            int
		error           string
	}{
		{"new", "", 10, ""},
		{"new, in parts", "", 5000, ""},
		{"lost answer", "PutObject", 10, "A file with this name already exists." + doubt},
		{"lost answer to the last call", "CompleteMultipartUpload", 5000, "The upload was terminated at Amazon S3 before it was complete." + doubt},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			f.lose = func(operation string, nth int) *actiontest.Reply {
				if operation == tt.operation && nth == 1 {
					return &actiontest.Reply{Reset: true}
				}
				return nil
			}
			answers := form()
			answers["overwrite"] = "fail"
			_, err := f.start(t, nil).Execute(t.Context(), csv(t, answers, tt.size))
			if err != nil && action.MessageOf(err) != tt.error || (err == nil) != (tt.error == "") {
				t.Errorf("error %v, want %q", err, tt.error)
			}
			if f.objects["reports/orders.csv"].Body != text(tt.size) {
				t.Error("the object is not what was sent")
			}
		})
	}
}

func TestEndpointIsChecked(t *testing.T) {
	t.Parallel()
	for _, e := range []string{"minio.example.com", "ftp://example.com", "https://u:p@example.com", "https://example.com?x=1", "https://"} {
		_, err := amazons3.New(actiontest.Deps(t, nil, map[string]string{"AMAZON_S3_ENDPOINT": e}))
		if err == nil {
			t.Errorf("%q is accepted", e)
			continue
		}
		if _, missing := errors.AsType[*action.MissingSettingsError](err); missing {
			t.Errorf("%q: error %v", e, err)
		}
		if strings.Contains(err.Error(), "u:p") {
			t.Errorf("%q: the error contains credentials: %v", e, err)
		}
	}
}

// The egress policy's refusal is final, and said as such.
func TestEgressPolicy(t *testing.T) {
	t.Parallel()
	deps := actiontest.Deps(t, nil, map[string]string{"AMAZON_S3_ENDPOINT": "http://127.0.0.1:9"})
	deps.HTTP = outbound.NewClient(outbound.Options{})
	i := actiontest.New(t, amazons3.New, deps)
	_, err := action.Resolve(i).Form.Form(t.Context(), actiontest.Query(params(), nil))
	if action.MessageOf(err) != "The hub's egress policy does not allow a connection to Amazon S3." {
		t.Errorf("error %v", err)
	}
}

// S3 takes 10,000 parts of 5 MiB to 5 GiB, and objects of 5 TiB at least.
func TestPartSizes(t *testing.T) {
	t.Parallel()
	sizes, memory := amazons3.PartSizes()
	if n := len(sizes); n != 10000 {
		t.Errorf("%d parts, want 10000", n)
	}
	if first := sizes[0]; first < 5<<20 {
		t.Errorf("the first part has %d bytes", first)
	}
	if last := sizes[len(sizes)-1]; last > 5<<30 {
		t.Errorf("the last part has %d bytes", last)
	}
	total := 0
	for _, s := range sizes {
		total += s
	}
	if total < 1<<40 || total > 5<<40 {
		t.Errorf("room for %d bytes", total)
	}
	if memory > 256<<20 {
		t.Errorf("%d bytes of memory", memory)
	}
}

// transport answers as S3 without keeping anything, and notes the most memory it saw.
type transport struct {
	peak  chan uint64
	parts chan struct{}
}

func (tr transport) RoundTrip(r *http.Request) (*http.Response, error) {
	body := "<R><UploadId>1</UploadId><ETag>1</ETag></R>"
	if r.Body != nil {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return nil, err
		}
		_ = r.Body.Close()
	}
	if r.Method == http.MethodPut {
		tr.parts <- struct{}{}
	}
	peak := <-tr.peak
	tr.peak <- max(peak, actiontest.LiveHeap())
	return &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Etag": {`"1"`}}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}, nil
}

// Memory stays flat, whatever the size. Not parallel: other tests' memory would count.
func TestMemory(t *testing.T) {
	actiontest.Serial(t)
	const size = 400 << 20
	tr := transport{make(chan uint64, 1), make(chan struct{}, 1000)}
	tr.peak <- 0
	i := actiontest.New(t, amazons3.New, action.Deps{HTTP: &http.Client{Transport: tr}, Log: slog.New(slog.DiscardHandler)})
	req := actiontest.Download(t, actiontest.Query(params(), form()), func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.CopyN(w, zeros{}, size)
	})
	if _, err := i.Execute(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	if peak := <-tr.peak; peak > 96<<20 {
		t.Errorf("%d MiB were in use", peak>>20)
	}
	if n := len(tr.parts); n != size/(8<<20) {
		t.Errorf("%d parts", n)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// The definition is what the reference tells Looker.
func TestDefinition(t *testing.T) {
	t.Parallel()
	d := newFake().start(t, nil).Definition()
	got := []string{d.Name, d.Label, d.Description, fmt.Sprint(d.Types), string(d.Download), d.MinVersion.String()}
	for _, p := range d.Params {
		got = append(got, fmt.Sprint(p.Name, " ", p.Label, " ", p.Required, " ", p.Sensitive))
	}
	want := []string{
		"amazon_s3", "Amazon S3", "Write data files to an S3 bucket.", "[dashboard query]", "url", "5.5.0",
		"access_key_id Access Key true true", "secret_access_key Secret Key true true", "region Region true false",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("definition (-want +got):\n%s", diff)
	}
	choices := map[string]int{
		"formats": len(d.Formats), "formattings": len(d.Formattings), "visualization formattings": len(d.VisFormattings),
		"required fields": len(d.RequiredFields),
	}
	for what, n := range choices {
		if n > 0 {
			t.Errorf("%d %s, which are Looker's to choose", n, what)
		}
	}
	if _, err := os.Stat("README.md"); err != nil {
		t.Error(err)
	}
}

// A destination that takes a call and never answers it is given up.
func TestLate(t *testing.T) {
	t.Parallel()
	for _, size := range []int{5, 2000} {
		req := csv(t, form(), size)
		deps := actiontest.Deps(t, nil, nil)
		deps.HTTP = actiontest.Late()
		i := actiontest.New(t, amazons3.New, deps)
		amazons3.Small(i, 3, 1<<10)
		synctest.Test(t, func(t *testing.T) {
			_, err := i.Execute(t.Context(), req)
			if action.KindOf(err) != action.Timeout || action.MessageOf(err) != "Amazon S3 did not respond in time." {
				t.Errorf("error %v (%v)", err, action.KindOf(err))
			}
		})
	}
}

// The administrator's list limits the form and the deliveries.
func TestAllowedBuckets(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.buckets["archive"], f.buckets["team-a"] = "eu-west-1", "eu-west-1"
	i := f.start(t, map[string]string{"AMAZON_S3_ALLOWED_BUCKETS": "reports, team-*"})
	got, err := action.Resolve(i).Form.Form(t.Context(), actiontest.Query(params(), nil))
	if err != nil {
		t.Fatal(err)
	}
	want := []action.Option{{Name: "reports", Label: "reports"}, {Name: "team-a", Label: "team-a"}}
	if diff := cmp.Diff(want, got.Fields[0].Options); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}
	if _, err := i.Execute(t.Context(), csv(t, form(), 10)); err != nil {
		t.Errorf("a bucket of the list: %v", err)
	}
	f.operations = nil
	_, err = i.Execute(t.Context(), csv(t, map[string]string{"bucket": "archive", "overwrite": "fail"}, 10))
	checkError(t, err, action.Forbidden, "The hub's administrator does not allow writing to archive. Allowed: reports, team-*.")
	if len(f.operations) > 0 {
		t.Errorf("S3 was called: %q", f.operations)
	}
}

func TestAllowedBucketsAreChecked(t *testing.T) {
	t.Parallel()
	for _, list := range []string{"a b", "reports,", "s3://reports", "[a-z]*", " "} {
		_, err := amazons3.New(actiontest.Deps(t, nil, map[string]string{"AMAZON_S3_ALLOWED_BUCKETS": list}))
		if _, missing := errors.AsType[*action.MissingSettingsError](err); err == nil || missing {
			t.Errorf("%q: error %v", list, err)
		}
	}
}
