package googlecloudstorage_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/googlecloudstorage"
	"integrationhub.dev/integrations/internal/objectstore"
)

type answers = map[string]string

func params() answers {
	return answers{"client_email": email, "private_key": pemKey(), "project_id": "p1"}
}

func form() answers { return answers{"bucket": "reports", "filename": "orders.csv"} }

func with(a answers, more answers) answers {
	a = maps.Clone(a)
	maps.Copy(a, more)
	return a
}

func request(t *testing.T, params, form answers, size int) *action.Request {
	t.Helper()
	return actiontest.Inline(t, actiontest.Query(params, form), "text/csv", "csv", []byte(text(size)))
}

func text(n int) string { return strings.Repeat("0123456789a", n/11+1)[:n] }

func TestForm(t *testing.T) {
	t.Parallel()
	option := func(n string) action.Option { return action.Option{Name: n, Label: n} }
	typed := func(description string) action.Field {
		return action.Field{Name: "bucket", Label: "Bucket", Type: action.String, Required: true, Description: description}
	}
	forbid := func(what string, _ int) *actiontest.Reply {
		if what != "list" {
			return nil
		}
		r := refusal(403, email+" does not have storage.buckets.list access to the Google Cloud project.")
		return &r
	}
	for _, tt := range []struct {
		name   string
		fake   *fake
		params answers
		before func(string, int) *actiontest.Reply
		want   action.Field
		error  string
	}{
		{
			name: "several pages", fake: newFake("a", "b", "reports"),
			want: action.Field{
				Name: "bucket", Label: "Bucket", Type: action.Select, Required: true, Default: "a",
				Options: []action.Option{option("a"), option("b"), option("reports")},
			},
		},
		{name: "none", fake: newFake(), want: typed("The name of the bucket. The project has no buckets.")},
		{
			name: "may not list", fake: newFake("a"), before: forbid,
			want: typed("The name of the bucket. The account is not allowed to list the project's buckets (storage.buckets.list), so no list is available."),
		},
		{
			name: "may not sign in", fake: newFake("a"),
			before: func(what string, _ int) *actiontest.Reply {
				if what != "token" {
					return nil
				}
				return &actiontest.Reply{Status: http.StatusForbidden}
			},
			want:  action.Field{},
			error: "Google does not accept this client email with this private key. Check both in the action's settings in Looker.",
		},
		{
			name: "another project", fake: newFake("a"), params: answers{"project_id": "p2"}, want: action.Field{},
			error: "Google Cloud Storage returned 400: Invalid argument.",
		},
		{
			name: "another account", fake: newFake("a"), params: answers{"client_email": "x@example.com"},
			want:  action.Field{},
			error: "Google does not accept this client email with this private key. Check both in the action's settings in Looker.",
		},
		{
			name: "no email", fake: newFake("a"), params: answers{"client_email": ""}, want: action.Field{},
			error: "The client email is missing. Enter it in the action's settings in Looker.",
		},
		{
			name: "invalid key", fake: newFake("a"), params: answers{"private_key": "secret"},
			want:  action.Field{},
			error: "The private key cannot be used: it is not a PEM block. Copy it unchanged from the key file, with its first and last line, or the whole key file.",
		},
		{
			name: "another key file", fake: newFake("a"),
			params: answers{"private_key": `{"type":"authorized_user"}`}, want: action.Field{},
			error: "The private key cannot be used: it is not the key file of a service account. Copy it unchanged from the key file, with its first and last line, or the whole key file.",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.fake.before = tt.before
			got, err := action.Resolve(tt.fake.start(t, nil)).Form.Form(t.Context(), actiontest.Query(with(params(), tt.params), nil))
			if tt.error != "" {
				if action.MessageOf(err) != tt.error || strings.Contains(err.Error(), "PRIVATE KEY") {
					t.Errorf("error %v, want %q", err, tt.error)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&action.Form{Fields: append([]action.Field{tt.want}, objectstore.Fields()...)}, got); diff != "" {
				t.Errorf("form (-want +got):\n%s", diff)
			}
		})
	}
}

// The ways to sign in, each of which writes.
func TestCredentials(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, content string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	keyFile := fmt.Sprintf(`{"type":"service_account","client_email":%q,"private_key":%q}`, email, pemKey())
	federated := fmt.Sprintf(`{"type":"external_account","audience":"//iam.googleapis.com/pool","subject_token_type":"urn:ietf:params:oauth:token-type:jwt",
		"token_url":"https://sts.googleapis.com/v1/token","credential_source":{"file":%q}}`, write("token", "workload"))
	const refused = "Google does not accept the hub's own credentials. The hub's administrator must check GOOGLE_CLOUD_STORAGE_CREDENTIALS_FILE."
	for _, tt := range []struct {
		name   string
		file   string
		params answers
		error  string
	}{
		{"key", "", params(), ""},
		{"key on one line", "", with(params(), answers{"private_key": strings.ReplaceAll(pemKey(), "\n", `\n`)}), ""},
		{"key file in Looker", "", answers{"private_key": keyFile, "project_id": "p1"}, ""},
		{"key file of the hub", write("key", keyFile), answers{"project_id": "p1"}, ""},
		{"workload identity", write("federated", federated), answers{"project_id": "p1"}, ""},
		{"Looker's key outweighs the hub's", write("odd", "{}"), params(), ""},
		{"no file", filepath.Join(dir, "nothing"), answers{"project_id": "p1"}, refused},
		{"no credentials in it", write("empty", "{}"), answers{"project_id": "p1"}, refused},
		{"a token of another pool", write("other", strings.ReplaceAll(federated, "/pool", "/other")), answers{"project_id": "p1"}, refused},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake("reports")
			_, err := f.start(t, answers{"GOOGLE_CLOUD_STORAGE_CREDENTIALS_FILE": tt.file}).Execute(t.Context(), request(t, tt.params, form(), 5))
			if tt.error != "" {
				if action.MessageOf(err) != tt.error || len(f.objects) > 0 {
					t.Errorf("error %v, want %q", err, tt.error)
				}
				return
			}
			if err != nil || len(f.objects) != 1 {
				t.Errorf("%v; %d objects", err, len(f.objects))
			}
		})
	}
}

// The hub writes as its pod, by what the metadata server of its machine says.
func TestPodIdentity(t *testing.T) {
	t.Parallel()
	const refused = "Google does not provide an identity for the hub's pod. The hub's administrator must check the Workload Identity of the pod's service account."
	for name, tt := range map[string]struct {
		params answers
		before func(what string, n int) *actiontest.Reply
		tokens int
		error  string
	}{
		"the pod":                   {answers{"project_id": "p1"}, nil, 1, ""},
		"Looker's key outweighs it": {params(), nil, 1, ""},
		"busy for a moment": {answers{"project_id": "p1"}, func(what string, n int) *actiontest.Reply {
			if what != "token" || n > 1 {
				return nil
			}
			return &actiontest.Reply{Status: http.StatusServiceUnavailable}
		}, 2, ""},
		"no service account": {answers{"project_id": "p1"}, func(string, int) *actiontest.Reply {
			return &actiontest.Reply{Status: http.StatusNotFound, Body: "s3cret"}
		}, 1, refused},
		"an answer without a token": {answers{"project_id": "p1"}, func(string, int) *actiontest.Reply {
			return &actiontest.Reply{Header: map[string]string{"Content-Type": "application/json"}, Body: "{}"}
		}, 1, refused},
		"no such server": {answers{"project_id": "p1"}, func(string, int) *actiontest.Reply {
			return &actiontest.Reply{Reset: true}
		}, 6, "The connection to Google's metadata server failed."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake("reports")
			f.before = tt.before
			_, err := f.start(t, answers{"GOOGLE_CLOUD_STORAGE_POD_IDENTITY": "true"}).Execute(t.Context(), request(t, tt.params, form(), 5))
			if f.calls["token"] != tt.tokens {
				t.Errorf("%d tokens were asked for, want %d", f.calls["token"], tt.tokens)
			}
			if tt.error != "" {
				if got := action.MessageOf(err); got != tt.error {
					t.Errorf("error %q, want %q", got, tt.error)
				}
				if strings.Contains(fmt.Sprint(err), "s3cret") {
					t.Errorf("the error contains a secret: %v", err)
				}
				if len(f.objects) > 0 {
					t.Errorf("objects %v", f.objects)
				}
				return
			}
			if err != nil || len(f.objects) != 1 {
				t.Errorf("%v; %d objects", err, len(f.objects))
			}
		})
	}
	_, err := googlecloudstorage.New(actiontest.Deps(t, nil, answers{"GOOGLE_CLOUD_STORAGE_POD_IDENTITY": "true", "GOOGLE_CLOUD_STORAGE_CREDENTIALS_FILE": "x"}))
	if err == nil {
		t.Error("two identities were taken")
	}
}

// sizes are those at which the way of sending changes.
var sizes = []int{
	0, 5, googlecloudstorage.Piece - 1, googlecloudstorage.Piece, googlecloudstorage.Piece + 1,
	2 * googlecloudstorage.Piece, 3*googlecloudstorage.Piece + 17, 4 * googlecloudstorage.Piece,
}

func TestExecute(t *testing.T) {
	t.Parallel()
	for _, size := range sizes {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			f := newFake("reports")
			if _, err := f.start(t, nil).Execute(t.Context(), request(t, params(), form(), size)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(map[string]stored{"reports/orders.csv": {text(size), "text/csv", ""}}, f.objects); diff != "" {
				t.Errorf("objects (-want +got):\n%s", diff)
			}
			if f.open() > 0 || f.calls["token"] != 1 {
				t.Errorf("%d uploads left, calls %v", f.open(), f.calls)
			}
		})
	}
}

// What goes over the wire, in full but for the token.
func TestWire(t *testing.T) {
	t.Parallel()
	f := newFake("reports")
	d := actiontest.NewDestination(t).Handle(f.serve)
	i := actiontest.New(t, googlecloudstorage.New, actiontest.Deps(t, d, nil))
	googlecloudstorage.Small(i)
	req := request(t, params(), answers{"bucket": "reports", "filename": "a b/ü&?.csv", "overwrite": "fail"}, googlecloudstorage.Piece+3)
	if _, err := i.Execute(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range d.Requests()[1:] {
		line := r.Method + " " + r.Host + r.Path + "?" + r.Query.Encode()
		for _, h := range []string{"Content-Type", "X-Upload-Content-Type", "Content-Range", "X-Goog-Hash"} {
			if v := r.Header.Get(h); v != "" {
				line += "\n" + h + ": " + v
			}
		}
		got = append(got, line+fmt.Sprintf("\n%d bytes", len(r.Body)))
	}
	const session = "PUT storage.googleapis.com/upload/storage/v1/b/reports/o?uploadType=resumable&upload_id=1"
	want := []string{
		"POST storage.googleapis.com/upload/storage/v1/b/reports/o?fields=crc32c%2Csize%2Cgeneration&ifGenerationMatch=0&name=a+b%2F%C3%BC%26%3F.csv&uploadType=resumable" +
			"\nContent-Type: application/json; charset=UTF-8\nX-Upload-Content-Type: text/csv\n26 bytes",
		session + "\nContent-Range: bytes 0-262143/*\n262144 bytes",
		session + "\nContent-Range: bytes 262144-262146/262147\nX-Goog-Hash: crc32c=" + sum(text(googlecloudstorage.Piece+3)) + "\n3 bytes",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestCompression(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]struct{ name, mime, encoding string }{
		"gzip":     {"reports/orders.csv.gz", "application/gzip", ""},
		"encoding": {"reports/orders.csv", "text/csv", "gzip"},
	} {
		f := newFake("reports")
		if _, err := f.start(t, nil).Execute(t.Context(), request(t, params(), with(form(), answers{"compression": answer}), 1000)); err != nil {
			t.Fatal(err)
		}
		got := f.objects[want.name]
		r, err := gzip.NewReader(strings.NewReader(got.Body))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		got.Body = string(body)
		if diff := cmp.Diff(stored{Body: text(1000), Type: want.mime, Encoding: want.encoding}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", answer, diff)
		}
	}
}

// What is there already is replaced, left beside, or kept, as the user chose.
func TestOverwrite(t *testing.T) {
	t.Parallel()
	old := stored{"yesterday's", "text/csv", ""}
	for _, tt := range []struct {
		answer, error string
		replaced      bool
		objects       int
	}{
		{"", "", true, 1},
		{"yes", "", true, 1},
		{"no", "", false, 2},
		{"fail", "A file with this name already exists.", false, 1},
		{"maybe", `"overwrite" must be yes, no or fail.`, false, 1},
	} {
		t.Run(tt.answer, func(t *testing.T) {
			t.Parallel()
			f := newFake("reports")
			f.objects["reports/orders.csv"] = old
			_, err := f.start(t, nil).Execute(t.Context(), request(t, params(), with(form(), answers{"overwrite": tt.answer}), 5))
			if err != nil && action.MessageOf(err) != tt.error || (err == nil) != (tt.error == "") {
				t.Errorf("error %v, want %q", err, tt.error)
			}
			if replaced := f.objects["reports/orders.csv"] != old; replaced != tt.replaced {
				t.Errorf("replaced %v, want %v", replaced, tt.replaced)
			}
			if n := len(f.objects); n != tt.objects {
				t.Errorf("%d objects, want %d", n, tt.objects)
			}
			if n := f.open(); n > 0 {
				t.Errorf("%d uploads are left", n)
			}
		})
	}
}

func once(what string, n int, r actiontest.Reply) func(string, int) *actiontest.Reply {
	return func(w string, k int) *actiontest.Reply {
		if w == what && k == n {
			return &r
		}
		return nil
	}
}

func always(what string, r actiontest.Reply) func(string, int) *actiontest.Reply {
	return func(w string, _ int) *actiontest.Reply {
		if w == what {
			return &r
		}
		return nil
	}
}

// An answer that is lost, a temporary error, or a piece of which a part arrived: the
// object is there once, and whole, and also where it must not replace another.
func TestRepeated(t *testing.T) {
	t.Parallel()
	const size = 3*googlecloudstorage.Piece + 17
	for name, reply := range map[string]actiontest.Reply{
		"limited": refusal(429, "Too Many Requests"), "unavailable": {Status: 503}, "reset": {Reset: true},
	} {
		for _, call := range []struct {
			what string
			n    int
		}{{"token", 1}, {"begin", 1}, {"piece", 2}, {"piece", 4}} {
			for _, before := range []bool{true, false} {
				t.Run(fmt.Sprint(name, call, before), func(t *testing.T) {
					t.Parallel()
					f := newFake("reports")
					if before {
						f.before = once(call.what, call.n, reply)
					} else {
						f.after = once(call.what, call.n, reply)
					}
					if _, err := f.start(t, nil).Execute(t.Context(), request(t, params(), with(form(), answers{"overwrite": "fail"}), size)); err != nil {
						t.Fatal(err)
					}
					if f.objects["reports/orders.csv"].Body != text(size) {
						t.Error("the object is not what was sent")
					}
				})
			}
		}
	}
	f := newFake("reports")
	f.accept = 1000
	if _, err := f.start(t, nil).Execute(t.Context(), request(t, params(), form(), size)); err != nil || f.objects["reports/orders.csv"].Body != text(size) {
		t.Errorf("a part of a piece: %v", err)
	}
}

// What fails for good leaves no object and no upload, and says why.
func TestFailures(t *testing.T) {
	t.Parallel()
	const doubt = " The file may already have been written. Check before retrying."
	for name, tt := range map[string]struct {
		what  string
		reply actiontest.Reply
		kind  action.Kind
		want  string
	}{
		"may not write":      {"begin", refusal(403, "hub does not have storage.objects.create access."), action.Forbidden, "Google Cloud Storage returned 403: hub does not have storage.objects.create access."},
		"no bucket":          {"begin", refusal(404, "The specified bucket does not exist."), action.NotFound, "The bucket does not exist."},
		"may not replace":    {"piece", refusal(403, "hub does not have storage.objects.delete access."), action.Forbidden, "Google Cloud Storage returned 403: hub does not have storage.objects.delete access."},
		"session gone":       {"piece", refusal(410, "Gone"), action.Unavailable, "Google Cloud Storage closed the upload before it was complete. No file was written."},
		"unavailable":        {"piece", actiontest.Reply{Status: 500}, action.Unavailable, "Google Cloud Storage returned 500 Internal Server Error." + doubt},
		"a reset":            {"piece", actiontest.Reply{Reset: true}, action.Unavailable, "The connection to Google Cloud Storage failed." + doubt},
		"limited":            {"begin", refusal(429, "Too Many Requests"), action.RateLimited, "Google Cloud Storage returned 429: Too Many Requests"},
		"no progress":        {"piece", actiontest.Reply{Status: 308}, action.Unavailable, "Google Cloud Storage accepted no more of the data." + doubt},
		"an answer of lines": {"begin", refusal(400, "one\n\x1b[2Jtwo"), action.Invalid, "Google Cloud Storage returned 400: one [2Jtwo"},
		"no session":         {"begin", actiontest.Reply{}, action.Unavailable, "Unexpected response from Google Cloud Storage."},
		"session elsewhere":  {"begin", actiontest.Reply{Header: map[string]string{"Location": "https://evilgoogleapis.com/x"}}, action.Unavailable, "Unexpected response from Google Cloud Storage."},
		"no tokens now":      {"token", actiontest.Reply{Status: 503}, action.Unavailable, "Google issues no tokens now. Try again later."},
		"the token lies":     {"token", answer(200, answers{"access_token": "other"}), action.Unauthenticated, "Google Cloud Storage returned 401: Invalid Credentials"},
		"an odd object":      {"piece", actiontest.Reply{Body: "[]"}, action.Unavailable, "Unexpected response from Google Cloud Storage."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake("reports")
			f.before = always(tt.what, tt.reply)
			_, err := f.start(t, nil).Execute(t.Context(), request(t, params(), form(), 5))
			if got := action.KindOf(err); got != tt.kind {
				t.Errorf("kind %v, want %v", got, tt.kind)
			}
			if got := action.MessageOf(err); got != tt.want {
				t.Errorf("error %q, want %q", got, tt.want)
			}
			if strings.Contains(fmt.Sprint(err), "PRIVATE KEY") {
				t.Errorf("the error contains a key: %v", err)
			}
			if len(f.objects) > 0 || f.open() > 0 {
				t.Errorf("objects %v, %d uploads left", f.objects, f.open())
			}
		})
	}
}

// An object that is not what was sent is removed.
func TestDamaged(t *testing.T) {
	t.Parallel()
	f := newFake("reports")
	f.lie = "x"
	_, err := f.start(t, nil).Execute(t.Context(), request(t, params(), form(), 5))
	if action.MessageOf(err) != "The data was corrupted in transit to Google Cloud Storage." || len(f.objects) > 0 {
		t.Errorf("%v; objects %v", err, f.objects)
	}
	f.before = always("delete", refusal(403, "no"))
	_, err = f.start(t, nil).Execute(t.Context(), request(t, params(), form(), 5))
	if action.MessageOf(err) != "The data was corrupted in transit to Google Cloud Storage. The corrupted file could not be removed." {
		t.Errorf("error %v", err)
	}
}

// Data that breaks off becomes no object, replaces none, and leaves no upload.
func TestBreaksOff(t *testing.T) {
	t.Parallel()
	for _, size := range sizes {
		for _, compression := range []string{"none", "gzip"} {
			f := newFake("reports")
			f.objects["reports/orders.csv"] = stored{Body: "yesterday's"}
			req := actiontest.Download(t, actiontest.Query(params(), with(form(), answers{"compression": compression})), actiontest.BrokenDownload(text(size)))
			_, err := f.start(t, nil).Execute(t.Context(), req)
			if got := action.MessageOf(err); got != "The download from Looker ended before the data was complete." {
				t.Errorf("%d bytes, %s: error %q", size, compression, got)
			}
			if diff := cmp.Diff(map[string]stored{"reports/orders.csv": {Body: "yesterday's"}}, f.objects); diff != "" {
				t.Errorf("%d bytes, %s: objects (-want +got):\n%s", size, compression, diff)
			}
			if n := f.open(); n > 0 {
				t.Errorf("%d bytes, %s: %d uploads are left", size, compression, n)
			}
		}
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		form    answers
		message string
	}{
		"no bucket":        {answers{"bucket": ""}, "Server cannot process request due to client request error. [Google Cloud Storage] needs a GCS bucket specified."},
		"a bucket's path":  {answers{"bucket": "a/../b"}, `"bucket" must be the name of a bucket: lowercase letters, digits, dots, hyphens and underscores.`},
		"another bucket":   {answers{"bucket": "elsewhere"}, "The bucket does not exist."},
		"a folder":         {answers{"filename": "a/"}, "Couldn't determine filename."},
		"a folder up":      {answers{"filename": "../a"}, "The object's name must not contain \".\" or \"..\" path segments."},
		"odd compression":  {answers{"compression": "zip"}, `"compression" must be none, gzip or encoding.`},
		"control in names": {answers{"filename": "a\x00b"}, "The object's name must not contain control characters."},
	} {
		f := newFake("reports")
		_, err := f.start(t, nil).Execute(t.Context(), request(t, params(), with(form(), tt.form), 5))
		if action.MessageOf(err) != tt.message || len(f.objects) > 0 {
			t.Errorf("%s: %v, want %q", name, err, tt.message)
		}
	}
}

// Data past the last piece's room is refused and leaves nothing.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	f := newFake("reports")
	_, err := f.start(t, nil).Execute(t.Context(), request(t, params(), form(), 4*googlecloudstorage.Piece+1))
	if got := action.KindOf(err); got != action.TooLarge {
		t.Errorf("kind %v, error %v", got, err)
	}
	if len(f.objects) > 0 {
		t.Errorf("objects %v", f.objects)
	}
	if n := f.open(); n > 0 {
		t.Errorf("%d uploads are left", n)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	deps := actiontest.Deps(t, nil, answers{"GOOGLE_CLOUD_STORAGE_ENDPOINT": "http://127.0.0.1:1"})
	deps.HTTP = outbound.NewClient(outbound.Options{})
	i := actiontest.New(t, googlecloudstorage.New, deps)
	googlecloudstorage.Small(i)
	if _, err := i.Execute(t.Context(), request(t, params(), form(), 5)); err == nil {
		t.Error("the egress policy was not heeded")
	}
	for _, bad := range []string{"ftp://example.com", "storage.googleapis.com", "https://u@example.com", "https://example.com?x"} {
		_, err := googlecloudstorage.New(action.Deps{Env: answers{"GOOGLE_CLOUD_STORAGE_ENDPOINT": bad}})
		if _, missing := errors.AsType[*action.MissingSettingsError](err); err == nil || missing {
			t.Errorf("the endpoint %q: %v", bad, err)
		}
	}
	// A hub with credentials of its own asks for no key.
	for _, env := range []answers{{"GOOGLE_CLOUD_STORAGE_CREDENTIALS_FILE": "x"}, {"GOOGLE_CLOUD_STORAGE_POD_IDENTITY": "true"}} {
		for _, p := range actiontest.New(t, googlecloudstorage.New, actiontest.Deps(t, nil, env)).Definition().Params {
			if p.Required != (p.Name == "project_id") {
				t.Errorf("%v: %s: required %v", env, p.Name, p.Required)
			}
		}
	}
}

// sink takes an upload and keeps nothing of it but the largest heap that it saw.
type sink struct {
	size *int64
	heap *uint64
}

func (s sink) RoundTrip(r *http.Request) (*http.Response, error) {
	n, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		return nil, err
	}
	res := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Request: r, Body: http.NoBody}
	switch {
	case r.URL.Host == "oauth2.googleapis.com":
		res.Body = io.NopCloser(strings.NewReader(`{"access_token":"access","token_type":"Bearer","expires_in":3599}`))
	case r.Method == http.MethodPost:
		res.Header.Set("Location", "https://storage.googleapis.com/session")
	default:
		*s.heap = max(*s.heap, actiontest.LiveHeap())
		*s.size += n
		if strings.HasSuffix(r.Header.Get("Content-Range"), "/*") {
			res.StatusCode = http.StatusPermanentRedirect
			res.Header.Set("Range", fmt.Sprintf("bytes=0-%d", *s.size-1))
			break
		}
		crc := strings.TrimPrefix(r.Header.Get("X-Goog-Hash"), "crc32c=")
		res.Body = io.NopCloser(strings.NewReader(fmt.Sprintf(`{"crc32c":%q,"size":"%d"}`, crc, *s.size)))
	}
	return res, nil
}

// Memory stays flat, whatever the size. Not parallel: other tests' memory would count.
func TestMemory(t *testing.T) {
	actiontest.Serial(t)
	const size = 400 << 20
	s := sink{size: new(int64), heap: new(uint64)}
	deps := actiontest.Deps(t, nil, nil)
	deps.HTTP = &http.Client{Transport: s}
	i := actiontest.New(t, googlecloudstorage.New, deps)
	zeros := bytes.Repeat([]byte{0}, 1<<20)
	req := actiontest.Download(t, actiontest.Query(params(), form()), func(w http.ResponseWriter, _ *http.Request) {
		for range size / len(zeros) {
			_, _ = w.Write(zeros)
		}
	})
	if _, err := i.Execute(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	if *s.size != size || *s.heap > 64<<20 {
		t.Errorf("%d bytes arrived; %d MiB were in use", *s.size, *s.heap>>20)
	}
}

// late signs in at once, and then is never answered.
type late struct{ http.RoundTripper }

func (l late) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != "oauth2.googleapis.com" {
		return l.RoundTripper.RoundTrip(r)
	}
	_ = r.Body.Close()
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{}, Request: r,
		Body: io.NopCloser(strings.NewReader(`{"access_token":"access","token_type":"Bearer","expires_in":3599}`)),
	}, nil
}

// A destination that takes a call and never answers it is given up.
func TestLate(t *testing.T) {
	t.Parallel()
	req := request(t, params(), form(), 5)
	deps := actiontest.Deps(t, nil, nil)
	deps.HTTP = &http.Client{Transport: late{actiontest.Late().Transport}}
	i := actiontest.New(t, googlecloudstorage.New, deps)
	synctest.Test(t, func(t *testing.T) {
		_, err := i.Execute(t.Context(), req)
		if action.KindOf(err) != action.Timeout || action.MessageOf(err) != "Google Cloud Storage did not respond in time." {
			t.Errorf("error %v (%v)", err, action.KindOf(err))
		}
	})
}

// The administrator's list limits the form and the deliveries.
func TestAllowedBuckets(t *testing.T) {
	t.Parallel()
	f := newFake("archive", "reports", "team-a")
	i := f.start(t, answers{"GOOGLE_CLOUD_STORAGE_ALLOWED_BUCKETS": "reports,team-*"})
	got, err := action.Resolve(i).Form.Form(t.Context(), actiontest.Query(params(), nil))
	if err != nil {
		t.Fatal(err)
	}
	want := []action.Option{{Name: "reports", Label: "reports"}, {Name: "team-a", Label: "team-a"}}
	if diff := cmp.Diff(want, got.Fields[0].Options); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}
	if _, err := i.Execute(t.Context(), request(t, params(), form(), 10)); err != nil {
		t.Errorf("a bucket of the list: %v", err)
	}
	clear(f.calls)
	_, err = i.Execute(t.Context(), request(t, params(), answers{"bucket": "archive"}, 10))
	const message = "The hub's administrator does not allow writing to archive. Allowed: reports, team-*."
	if action.KindOf(err) != action.Forbidden || action.MessageOf(err) != message {
		t.Errorf("error %v, want %q", err, message)
	}
	if len(f.calls) > 0 {
		t.Errorf("Google was called: %v", f.calls)
	}
	for _, list := range []string{"Reports", "gs://reports", "reports,"} {
		if _, err := googlecloudstorage.New(actiontest.Deps(t, nil, answers{"GOOGLE_CLOUD_STORAGE_ALLOWED_BUCKETS": list})); err == nil {
			t.Errorf("%q is accepted", list)
		}
	}
}
