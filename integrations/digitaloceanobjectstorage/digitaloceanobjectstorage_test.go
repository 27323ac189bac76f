package digitaloceanobjectstorage_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/digitaloceanobjectstorage"
	"integrationhub.dev/integrations/internal/objectstore"
)

// What Spaces share with Amazon S3 is tested in amazons3, against a fake that checks every
// signature; here is what differs.

const secretKey = "s3cret/Key+Example"

func params() map[string]string {
	return map[string]string{"access_key_id": "DO00EXAMPLE", "secret_access_key": secretKey, "region": "NYC3"}
}

func form() map[string]string {
	return map[string]string{"bucket": "reports", "path": "daily", "filename": "orders.csv"}
}

func start(t *testing.T, d *actiontest.Destination) action.Integration {
	t.Helper()
	i := actiontest.New(t, digitaloceanobjectstorage.New, actiontest.Deps(t, d, nil))
	digitaloceanobjectstorage.Small(i)
	return i
}

// calls are what arrived, parts in their order.
func calls(d *actiontest.Destination) []string {
	var all []string
	for _, r := range d.Requests() {
		query := r.Query
		query.Del("x-id")
		all = append(all, r.Method+" "+r.Host+r.Path+"?"+query.Encode())
	}
	slices.Sort(all)
	return all
}

const space = "nyc3.digitaloceanspaces.com/reports/daily/orders.csv?"

// answer begins an upload, takes its parts and puts them together.
func answer(r actiontest.Recorded) actiontest.Reply {
	switch {
	case r.Query.Has("uploads"):
		return actiontest.Reply{Body: "<R><UploadId>u1</UploadId></R>"}
	case r.Method == http.MethodPost:
		return actiontest.Reply{Body: "<R><ETag>x</ETag></R>"}
	}
	return actiontest.Reply{Header: map[string]string{"ETag": `"e"`}}
}

func TestForm(t *testing.T) {
	t.Parallel()
	rest := append([]action.Field{{Name: "path", Label: "Path", Type: action.String}}, objectstore.Fields()...)
	space := action.Field{Name: "bucket", Label: "Space Name", Required: true}
	typed := func(description string) action.Field {
		f := space
		f.Type, f.Description = action.String, description
		return f
	}
	offered := space
	offered.Type, offered.Default = action.Select, "reports"
	offered.Options = []action.Option{{Name: "reports", Label: "reports"}}
	for _, tt := range []struct {
		name  string
		reply actiontest.Reply
		want  action.Field
	}{
		{"spaces", actiontest.Reply{Body: "<R><Buckets><Bucket><Name>reports</Name></Bucket></Buckets></R>"}, offered},
		{"none", actiontest.Reply{Body: "<R><Buckets/></R>"}, typed("The name of the Space. The access key's account has no Spaces in this region.")},
		{
			"a limited key",
			actiontest.Reply{Status: 403, Body: "<Error><Code>AccessDenied</Code></Error>"},
			typed("The name of the Space. The access key is limited to some Spaces and is not allowed to list them, so no list is available."),
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(tt.reply)
			got, err := action.Resolve(start(t, d)).Form.Form(t.Context(), actiontest.Query(params(), nil))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&action.Form{Fields: append([]action.Field{tt.want}, rest...)}, got); diff != "" {
				t.Errorf("form (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{"GET nyc3.digitaloceanspaces.com/?"}, calls(d)); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

func TestExecute(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		size int
		want []string
	}{
		{"one call", 10, []string{"PUT " + space}},
		{"parts", 2500, []string{
			"POST " + space + "uploadId=u1", "POST " + space + "uploads=", "PUT " + space + "partNumber=1&uploadId=u1",
			"PUT " + space + "partNumber=2&uploadId=u1", "PUT " + space + "partNumber=3&uploadId=u1",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(answer)
			req := actiontest.Inline(t, actiontest.Query(params(), form()), "text/csv", "csv", []byte(strings.Repeat("x", tt.size)))
			if _, err := start(t, d).Execute(t.Context(), req); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, calls(d)); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			sent := 0
			for _, r := range d.Requests() {
				// The region is part of what is signed, in small letters.
				if !strings.Contains(r.Header.Get("Authorization"), "/nyc3/s3/aws4_request") {
					t.Errorf("signed as %q", r.Header.Get("Authorization"))
				}
				if r.Header.Get("X-Amz-Trailer") != "" || r.Header.Get("X-Amz-Checksum-Algorithm") != "" {
					t.Error("a checksum was sent that Spaces do not know")
				}
				if r.Method == http.MethodPut {
					sent += len(r.Body)
				}
			}
			if sent != tt.size {
				t.Errorf("%d bytes were sent, want %d", sent, tt.size)
			}
			if first := d.Requests()[0]; first.Header.Get("Content-Type") != "text/csv" {
				t.Errorf("content type %q", first.Header.Get("Content-Type"))
			}
		})
	}
}

func TestSourceBreaksOff(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(answer)
	req := actiontest.Download(t, actiontest.Query(params(), form()), actiontest.BrokenDownload(strings.Repeat("x", 1500)))
	_, err := start(t, d).Execute(t.Context(), req)
	if action.KindOf(err) != action.Unavailable {
		t.Errorf("error %v", err)
	}
	all := calls(d)
	if !slices.Contains(all, "DELETE "+space+"uploadId=u1") || slices.Contains(all, "POST "+space+"uploadId=u1") {
		t.Errorf("calls %q", all)
	}
}

func TestFails(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, field, value string
		reply              actiontest.Reply
		kind               action.Kind
		message            string
		calls              int
	}{
		{
			name: "no space", field: "bucket", reply: actiontest.Reply{}, kind: action.Invalid,
			message: "Need Amazon S3 bucket.",
		},
		{
			name: "region with a host", field: "region", value: "evil.example/", reply: actiontest.Reply{},
			kind:    action.Invalid,
			message: `"region" must be the name of a region such as us-east-1: letters, digits and hyphens.`,
		},
		{
			name:    "keys",
			reply:   actiontest.Reply{Status: 403, Body: "<Error><Code>SignatureDoesNotMatch</Code></Error>"},
			kind:    action.Unauthenticated,
			message: "DigitalOcean Spaces rejected the request's signature. Check the secret key in the action's settings in Looker. If it is correct, a proxy in front of the server may be changing requests.",
			calls:   1,
		},
		{
			name: "denied", reply: actiontest.Reply{Status: 403, Body: "<Error><Code>AccessDenied</Code></Error>"},
			kind:    action.Forbidden,
			message: "DigitalOcean Spaces denied access. The access key needs the permission to read and write the Space.",
			calls:   1,
		},
		{
			name:  "no such space",
			reply: actiontest.Reply{Status: 404, Body: "<Error><Code>NoSuchBucket</Code></Error>"},
			kind:  action.NotFound, message: "The bucket does not exist.", calls: 1,
		},
		{
			name: "slow down", reply: actiontest.Reply{Status: 503, Body: "<Error><Code>SlowDown</Code></Error>"},
			kind: action.RateLimited, message: "DigitalOcean Spaces is throttling requests. Try again later.",
			calls: 5,
		},
		{
			name: "reset", reply: actiontest.Reply{Reset: true}, kind: action.Unavailable,
			message: "The connection to DigitalOcean Spaces failed.", calls: 5,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(tt.reply)
			req := actiontest.Inline(t, actiontest.Query(params(), form()), "text/csv", "csv", []byte("1,x\n"))
			if tt.field == "region" {
				req.Params[tt.field] = tt.value
			} else if tt.field != "" {
				req.Form[tt.field] = tt.value
			}
			_, err := start(t, d).Execute(t.Context(), req)
			if got := action.KindOf(err); got != tt.kind {
				t.Errorf("kind %v, want %v", got, tt.kind)
			}
			if got := action.MessageOf(err); got != tt.message {
				t.Errorf("message %q, want %q", got, tt.message)
			}
			if strings.Contains(fmt.Sprint(err), secretKey) {
				t.Errorf("the error contains the secret key: %v", err)
			}
			if n := len(d.Requests()); n != tt.calls {
				t.Errorf("%d calls, want %d", n, tt.calls)
			}
		})
	}
}

// The administrator's list limits the deliveries.
func TestAllowedSpaces(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(answer)
	deps := actiontest.Deps(t, d, map[string]string{"DIGITALOCEAN_OBJECT_STORAGE_ALLOWED_SPACES": "team-*"})
	i := actiontest.New(t, digitaloceanobjectstorage.New, deps)
	_, err := i.Execute(t.Context(), actiontest.Inline(t, actiontest.Query(params(), form()), "text/csv", "csv", []byte("1")))
	const message = "The hub's administrator does not allow writing to reports. Allowed: team-*."
	if action.KindOf(err) != action.Forbidden || action.MessageOf(err) != message {
		t.Errorf("error %v, want %q", err, message)
	}
	if got := calls(d); len(got) > 0 {
		t.Errorf("Spaces were called: %q", got)
	}
	allowed := map[string]string{"bucket": "team-a", "filename": "orders.csv"}
	if _, err := i.Execute(t.Context(), actiontest.Inline(t, actiontest.Query(params(), allowed), "text/csv", "csv", []byte("1"))); err != nil {
		t.Errorf("a Space of the list: %v", err)
	}
	_, err = digitaloceanobjectstorage.New(actiontest.Deps(t, nil, map[string]string{"DIGITALOCEAN_OBJECT_STORAGE_ALLOWED_SPACES": "a b"}))
	if err == nil {
		t.Error("an invalid list is accepted")
	}
}
