package box_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/box"
	"integrationhub.dev/integrations/internal/datafile/datafiletest"
)

var env = map[string]string{"BOX_CLIENT_ID": "client", "BOX_CLIENT_SECRET": "s3cret"}

const (
	fresh   = `{"access_token":"a2","refresh_token":"r1"}`
	expired = `{"access_token":"a1","refresh_token":"r1"}`
	renewed = `{"access_token":"a2","refresh_token":"r2"}`
	gone    = `{"access_token":"a1","refresh_token":"gone"}`
)

func resolved(t *testing.T, d *actiontest.Destination) action.Resolved {
	t.Helper()
	i := actiontest.New(t, box.New, actiontest.Deps(t, d, env))
	box.Small(i)
	return action.Resolve(i)
}

func request(state string, form map[string]string) *action.Request {
	all := map[string]string{"folder": "11", "filename": "orders.csv"}
	maps.Copy(all, form)
	req := actiontest.Query(nil, all)
	req.State, req.LoginURL = state, "https://hub/login"
	return req
}

func upload(t *testing.T, req *action.Request, content string) *action.Request {
	t.Helper()
	return actiontest.Inline(t, req, "text/csv", "csv", []byte(content))
}

func content(n int) string { return strings.Repeat("0123456789a", n/11+1)[:n] }

// stored are the files and their versions, by folder and name.
func stored(f *fake) map[string][]string {
	all := map[string][]string{}
	for _, there := range f.files {
		all[there.folder+"/"+there.name] = there.versions
	}
	return all
}

func TestSettings(t *testing.T) {
	t.Parallel()
	_, err := box.New(actiontest.Deps(t, nil, nil))
	missing, ok := errors.AsType[*action.MissingSettingsError](err)
	if !ok || !cmp.Equal(missing.Keys, []string{"BOX_CLIENT_ID", "BOX_CLIENT_SECRET"}) {
		t.Errorf("error %v", err)
	}
}

func TestLogin(t *testing.T) {
	t.Parallel()
	i := resolved(t, newFake(t).Destination)
	login := action.Login{State: "st", RedirectURL: "https://hub/r", Verifier: "verifier"}
	address, err := i.OAuth.AuthorizeURL(t.Context(), login)
	if err != nil {
		t.Fatal(err)
	}
	want := "https://account.box.com/api/oauth2/authorize?client_id=client&redirect_uri=https%3A%2F%2Fhub%2Fr&response_type=code&state=st"
	if address != want {
		t.Errorf("address %s, want %s", address, want)
	}
	state, err := i.OAuth.Exchange(t.Context(), login, url.Values{"code": {"good"}})
	if err != nil || state.Data != renewed {
		t.Errorf("state %+v, %v", state, err)
	}
	_, err = i.OAuth.Exchange(t.Context(), login, url.Values{"code": {"bad"}})
	if action.KindOf(err) != action.Unauthenticated || strings.Contains(err.Error(), "secret") {
		t.Errorf("a bad code: %v", err)
	}
}

// sizes are those at which the way of sending changes.
var sizes = map[string]int{
	"small": 5, "just below parts": box.Simple - 1, "two parts": box.Simple, "whole parts": 3 * partSize, "several parts": 4*partSize + 17,
}

func TestExecute(t *testing.T) {
	t.Parallel()
	for name, size := range sizes {
		for folder, id := range map[string]string{"a folder": "11", "the top": "0", "no folder": ""} {
			t.Run(name+" in "+folder, func(t *testing.T) {
				t.Parallel()
				f := newFake(t)
				res, err := resolved(t, f.Destination).Execute(t.Context(), upload(t, request(expired, map[string]string{"folder": id}), content(size)))
				if err != nil {
					t.Fatal(err)
				}
				want := &action.Response{Message: "Saved as orders.csv.", State: &action.State{Data: renewed}}
				if diff := cmp.Diff(want, res); diff != "" {
					t.Errorf("response (-want +got):\n%s", diff)
				}
				if id == "" {
					id = "0"
				}
				if diff := cmp.Diff(map[string][]string{id + "/orders.csv": {content(size)}}, stored(f)); diff != "" {
					t.Errorf("files (-want +got):\n%s", diff)
				}
				if n := len(f.sessions); n != 0 {
					t.Errorf("%d sessions are left", n)
				}
			})
		}
	}
}

func TestExisting(t *testing.T) {
	t.Parallel()
	const exists = "A file or a folder with this name already exists and was not changed. Choose another name, or overwrite it."
	for name, tt := range map[string]struct{ overwrite, message string }{
		"a new version": {"yes", ""}, "the default": {"", ""}, "kept": {"fail", exists},
	} {
		for why, size := range sizes {
			t.Run(name+", "+why, func(t *testing.T) {
				t.Parallel()
				f := newFake(t)
				f.files["f1"] = &file{"11", "orders.csv", []string{"older"}}
				_, err := resolved(t, f.Destination).Execute(t.Context(), upload(t, request(fresh, map[string]string{"overwrite": tt.overwrite}), content(size)))
				message, versions := "", []string{"older", content(size)}
				if err != nil {
					message = action.MessageOf(err)
				}
				if tt.message != "" {
					versions = []string{"older"}
				}
				if message != tt.message {
					t.Errorf("error %q, want %q", message, tt.message)
				}
				if diff := cmp.Diff(map[string][]string{"11/orders.csv": versions}, stored(f)); diff != "" {
					t.Errorf("files (-want +got):\n%s", diff)
				}
				if f.calls["file"] != 0 {
					t.Error("the response was not understood, and the file was looked up")
				}
			})
		}
	}
}

func TestKeepBothAndCompressed(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.files["f1"] = &file{"11", "orders.csv", []string{"older"}}
	form := map[string]string{"overwrite": "no", "compression": "gzip"}
	if _, err := resolved(t, f.Destination).Execute(t.Context(), upload(t, request(fresh, form), content(100_000))); err != nil {
		t.Fatal(err)
	}
	all := stored(f)
	delete(all, "11/orders.csv")
	for path, versions := range all {
		if !strings.HasPrefix(path, "11/orders_") || !strings.HasSuffix(path, ".csv.gz") {
			t.Errorf("the file is %s", path)
		}
		z, err := gzip.NewReader(bytes.NewReader([]byte(versions[0])))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(z); err != nil || string(got) != content(100_000) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	}
	if len(all) != 1 {
		t.Errorf("%d new files, want 1", len(all))
	}
}

// A response that is lost, or a temporary error, at any call: the file is there, and whole.
func TestRepeated(t *testing.T) {
	t.Parallel()
	limited := refusal(http.StatusTooManyRequests, "rate_limit_exceeded", "Request rate limit exceeded")
	limited.Header["Retry-After"] = "0"
	for name, reply := range map[string]actiontest.Reply{
		"limited": limited, "unavailable": {Status: http.StatusServiceUnavailable}, "reset": {Reset: true},
	} {
		for what, calls := range map[string]int{"preflight": 1, "content": 1, "session": 1, "part": 5, "commit": 1} {
			for n := 1; n <= calls; n++ {
				size := 4*partSize + 17
				if what == "content" {
					size = 5
				}
				once := func(w string, k int) *actiontest.Reply {
					if w == what && k == n {
						return &reply
					}
					return nil
				}
				for when, set := range map[string]func(*fake){
					"before": func(f *fake) { f.before = once },
					"after":  func(f *fake) { f.after = once },
				} {
					if when == "after" && name == "limited" {
						continue // who is refused has done nothing
					}
					for version, older := range map[string][]string{"new": nil, "version": {"older"}} {
						t.Run(fmt.Sprintf("%s %s %s %d, %s", name, when, what, n, version), func(t *testing.T) {
							t.Parallel()
							f := newFake(t)
							if older != nil {
								f.files["f1"] = &file{"11", "orders.csv", older}
							}
							set(f)
							if _, err := resolved(t, f.Destination).Execute(t.Context(), upload(t, request(fresh, nil), content(size))); err != nil {
								t.Fatal(err)
							}
							want := map[string][]string{"11/orders.csv": append(slices.Clip(older), content(size))}
							if diff := cmp.Diff(want, stored(f)); diff != "" {
								t.Errorf("files (-want +got):\n%s", diff)
							}
						})
					}
				}
			}
		}
	}
}

// Box may still put the parts together when the commit is answered.
func TestCommitIsPending(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.pending = 3
	if _, err := resolved(t, f.Destination).Execute(t.Context(), upload(t, request(fresh, nil), content(box.Simple))); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string][]string{"11/orders.csv": {content(box.Simple)}}, stored(f)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if got := f.calls["commit"]; got != 4 {
		t.Errorf("%d commits, want 4", got)
	}
}

// What fails for good leaves no file and no session, and says why.
func TestFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		what  string
		reply actiontest.Reply
		kind  action.Kind
		want  string
	}{
		"not allowed":  {"preflight", refusal(403, "access_denied_insufficient_permissions", "secret"), action.Forbidden, "The user is not allowed to write to this folder."},
		"full":         {"preflight", refusal(403, "storage_limit_exceeded", "secret"), action.Invalid, "The user's Box is full."},
		"too large":    {"preflight", refusal(403, "file_size_limit_exceeded", "secret"), action.TooLarge, "The file exceeds the size limit of the user's Box plan."},
		"limited":      {"content", refusal(429, "rate_limit_exceeded", "secret"), action.RateLimited, "Box is rate limiting requests. Try again later."},
		"unavailable":  {"session", actiontest.Reply{Status: 503}, action.Unavailable, "Box returned 503 Service Unavailable."},
		"session gone": {"part", refusal(404, "not_found", "secret"), action.Unavailable, "Box closed the upload before it was complete. No file was written."},
		"other part":   {"part", jsonReply(200, map[string]any{"part": part{"P1", 0, partSize, "00"}}), action.Unavailable, "The data was corrupted in transit to Box."},
		"no session":   {"session", jsonReply(201, map[string]any{"part_size": 5}), action.Unavailable, "Unexpected response from Box."},
		"another host": {"session", jsonReply(201, map[string]any{
			"id": "S1", "part_size": 1000, "session_endpoints": map[string]string{"upload_part": "https://box.com.example.com/x"},
		}), action.Unavailable, "Unexpected response from Box."},
		"huge parts":       {"session", jsonReply(201, map[string]any{"id": "S1", "part_size": 1 << 40}), action.Unavailable, "Unexpected response from Box."},
		"commit is denied": {"commit", refusal(403, "forbidden_by_policy", "secret"), action.Forbidden, "A policy of the user's organization does not allow this."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.before = func(what string, _ int) *actiontest.Reply {
				if what == tt.what {
					return &tt.reply
				}
				return nil
			}
			size := 3 * partSize
			if tt.what == "content" {
				size = 5
			}
			_, err := resolved(t, f.Destination).Execute(t.Context(), upload(t, request(fresh, nil), content(size)))
			if got := action.KindOf(err); got != tt.kind {
				t.Errorf("kind %v, want %v", got, tt.kind)
			}
			if got := action.MessageOf(err); got != tt.want {
				t.Errorf("message %q, want %q", got, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the error tells too much: %v", err)
			}
			if n := len(f.files) + len(f.sessions); n != 0 {
				t.Errorf("%d files, %d sessions", len(f.files), len(f.sessions))
			}
		})
	}
}

func TestInvalidInput(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		form map[string]string
		want string
	}{
		"a slash":        {map[string]string{"filename": "a/b"}, "The filename must not contain slashes."},
		"a backslash":    {map[string]string{"filename": `a\b`}, "The filename must not contain slashes."},
		"too long":       {map[string]string{"filename": strings.Repeat("ä", 256)}, "The filename is longer than the 255 characters that Box allows."},
		"a space":        {map[string]string{"filename": "a "}, "The filename must not begin or end with a space."},
		"no ID":          {map[string]string{"folder": "../1"}, `"folder" must be a folder's ID from its URL, such as 123456789.`},
		"no such folder": {map[string]string{"folder": "77"}, "The folder does not exist, or the user cannot access it."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			_, err := resolved(t, f.Destination).Execute(t.Context(), upload(t, request(fresh, tt.form), "a\n"))
			if got := action.KindOf(err); got != action.Invalid && got != action.NotFound {
				t.Errorf("kind %v", got)
			}
			if got := action.MessageOf(err); got != tt.want {
				t.Errorf("message %q, want %q", got, tt.want)
			}
			if len(f.files) != 0 {
				t.Errorf("%d files", len(f.files))
			}
		})
	}
}

func TestBrokenSource(t *testing.T) {
	t.Parallel()
	for name, size := range sizes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			req := actiontest.Download(t, request(fresh, nil), actiontest.BrokenDownload(content(size)))
			if _, err := resolved(t, f.Destination).Execute(t.Context(), req); action.KindOf(err) != action.Unavailable {
				t.Errorf("error %v", err)
			}
			if n := len(f.Requests()); n != 0 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// The state is not reset: another delivery may have renewed the tokens in the meantime.
func TestNotSignedIn(t *testing.T) {
	t.Parallel()
	for name, state := range map[string]string{"never": "", "reset": "reset", "gone": gone, "no object": "[1]"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res, err := resolved(t, newFake(t).Destination).Execute(t.Context(), upload(t, request(state, nil), "a"))
			if action.KindOf(err) != action.Unauthenticated {
				t.Errorf("error %v", err)
			}
			if res != nil && res.State != nil {
				t.Errorf("state %+v, want none", res.State)
			}
		})
	}
}

// New tokens are not lost with a delivery that fails after they were issued.
func TestTokensSurviveFailure(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	res, err := resolved(t, f.Destination).Execute(t.Context(), upload(t, request(expired, map[string]string{"folder": "77"}), "a"))
	if err == nil {
		t.Error("no error")
	}
	if diff := cmp.Diff(&action.Response{State: &action.State{Data: renewed}}, res); diff != "" {
		t.Errorf("response (-want +got):\n%s", diff)
	}
}

// A refresh token can be used once. Schedules that begin at the same time come with the same one.
func TestSimultaneousDeliveries(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	i := resolved(t, f.Destination)
	var wg sync.WaitGroup
	for n := range 4 {
		req := upload(t, request(expired, map[string]string{"filename": fmt.Sprintf("%d.csv", n)}), "a")
		wg.Go(func() {
			res, err := i.Execute(t.Context(), req)
			if err != nil {
				t.Errorf("error %v", err)
				return
			}
			if diff := cmp.Diff(&action.State{Data: renewed}, res.State); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
		})
	}
	wg.Wait()
	if n := len(f.files); n != 4 {
		t.Errorf("%d files, want 4", n)
	}
}

func TestLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		deps := actiontest.Deps(t, nil, env)
		deps.HTTP = actiontest.Late()
		_, err := actiontest.New(t, box.New, deps).Execute(t.Context(), upload(t, request(fresh, nil), "a"))
		if got, want := action.MessageOf(err), "Box did not respond in time."; got != want {
			t.Errorf("message %q, want %q", got, want)
		}
	})
}

// sink is a Box that keeps nothing of an upload but its size and the largest heap that it saw.
type sink struct {
	size int64
	heap uint64
}

func (s *sink) RoundTrip(r *http.Request) (*http.Response, error) {
	res := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Request: r, Body: http.NoBody}
	body := "{}"
	switch {
	case r.Method == http.MethodPut:
		sum := sha1.New()
		n, err := io.Copy(sum, r.Body)
		if err != nil {
			return nil, err
		}
		s.heap = max(s.heap, actiontest.LiveHeap())
		body = fmt.Sprintf(`{"part":{"part_id":"P","offset":%d,"size":%d,"sha1":"%x"}}`, s.size, n, sum.Sum(nil))
		s.size += n
	case strings.HasSuffix(r.URL.Path, "/upload_sessions"):
		res.StatusCode, body = http.StatusCreated, `{"id":"S1","part_size":8388608}`
	case strings.HasSuffix(r.URL.Path, "/commit"):
		res.StatusCode = http.StatusCreated
	}
	res.Body = io.NopCloser(strings.NewReader(body))
	return res, nil
}

// Memory stays flat, whatever the size. Not parallel: other tests' memory would count.
func TestMemory(t *testing.T) {
	actiontest.Serial(t)
	const size = 200 << 20
	s := &sink{}
	deps := actiontest.Deps(t, nil, env)
	deps.HTTP = &http.Client{Transport: s}
	zeros := bytes.Repeat([]byte{0}, 1<<20)
	req := actiontest.Download(t, request(fresh, nil), func(w http.ResponseWriter, _ *http.Request) {
		for range size / len(zeros) {
			_, _ = w.Write(zeros)
		}
	})
	if _, err := actiontest.New(t, box.New, deps).Execute(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	if s.size != size {
		t.Errorf("%d bytes arrived, want %d", s.size, size)
	}
	if s.heap > 64<<20 {
		t.Errorf("%d MiB were in use", s.heap>>20)
	}
}

// Each encryption has a different result, so a delivery must encrypt once: Box compares checksums.
func TestEncrypted(t *testing.T) {
	t.Parallel()
	f, key := newFake(t), datafiletest.NewKey(t)
	plain := bytes.Repeat([]byte("0123456789a"), 500) // several parts
	req := request(fresh, map[string]string{"byte_order_mark": "yes", "pgp_public_keys": key.Public})
	if _, err := resolved(t, f.Destination).Execute(t.Context(), actiontest.Inline(t, req, "text/csv", "csv", plain)); err != nil {
		t.Fatal(err)
	}
	versions := stored(f)["11/orders.csv.pgp"]
	if len(versions) != 1 {
		t.Fatalf("files %v", slices.Collect(maps.Keys(stored(f))))
	}
	if got := key.Decrypt(t, strings.NewReader(versions[0])); got != "\ufeff"+string(plain) {
		t.Errorf("%d bytes are decrypted, want %d", len(got), len(plain)+3)
	}
}
