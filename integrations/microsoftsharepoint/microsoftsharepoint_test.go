package microsoftsharepoint_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/internal/datafile/datafiletest"
	"integrationhub.dev/integrations/microsoftsharepoint"
)

var env = map[string]string{"MICROSOFT_SHAREPOINT_CLIENT_ID": "client", "MICROSOFT_SHAREPOINT_CLIENT_SECRET": "s3cret"}

const (
	fresh   = `{"access_token":"a2","refresh_token":"r1"}`
	expired = `{"access_token":"a1","refresh_token":"r1"}`
	renewed = `{"access_token":"a2","refresh_token":"r2"}`
	gone    = `{"access_token":"a1","refresh_token":"gone"}`
)

func resolved(t *testing.T, d *actiontest.Destination, more map[string]string) action.Resolved {
	t.Helper()
	all := maps.Clone(env)
	maps.Copy(all, more)
	i := actiontest.New(t, microsoftsharepoint.New, actiontest.Deps(t, d, all))
	microsoftsharepoint.Small(i)
	return action.Resolve(i)
}

func request(state string, form map[string]string) *action.Request {
	all := map[string]string{"site": "onedrive", "folder": "/Reports", "filename": "orders.csv"}
	maps.Copy(all, form)
	req := actiontest.Query(nil, all)
	req.State, req.LoginURL = state, "https://hub/login"
	return req
}

func file(t *testing.T, req *action.Request, content []byte) *action.Request {
	t.Helper()
	return actiontest.Inline(t, req, "text/csv", "csv", content)
}

func content(n int) []byte { return bytes.Repeat([]byte("0123456789a"), n/11+1)[:n] }

func TestSettings(t *testing.T) {
	t.Parallel()
	_, err := microsoftsharepoint.New(actiontest.Deps(t, nil, nil))
	missing, ok := errors.AsType[*action.MissingSettingsError](err)
	if !ok || !cmp.Equal(missing.Keys, []string{"MICROSOFT_SHAREPOINT_CLIENT_ID", "MICROSOFT_SHAREPOINT_CLIENT_SECRET"}) {
		t.Errorf("error %v", err)
	}
	for name, wrong := range map[string]map[string]string{
		"tenant": {"MICROSOFT_SHAREPOINT_TENANT": "a/b"}, "dots": {"MICROSOFT_SHAREPOINT_TENANT": ".."}, "cloud": {"MICROSOFT_SHAREPOINT_CLOUD": "moon"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := maps.Clone(env)
			maps.Copy(all, wrong)
			if _, err := microsoftsharepoint.New(actiontest.Deps(t, nil, all)); err == nil {
				t.Error("no error")
			}
		})
	}
}

// Each cloud has its own sign-in, its own API and its own scopes.
func TestClouds(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ login, graph string }{
		"":                  {"login.microsoftonline.com", "graph.microsoft.com"},
		"global":            {"login.microsoftonline.com", "graph.microsoft.com"},
		"us_government":     {"login.microsoftonline.us", "graph.microsoft.us"},
		"us_government_dod": {"login.microsoftonline.us", "dod-graph.microsoft.us"},
		"china":             {"login.partner.microsoftonline.cn", "microsoftgraph.chinacloudapi.cn"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.host = tt.graph
			more := map[string]string{"MICROSOFT_SHAREPOINT_TENANT": "contoso.example.com"}
			if name != "" {
				more["MICROSOFT_SHAREPOINT_CLOUD"] = name
			}
			i := resolved(t, f.Destination, more)
			login := action.Login{State: "st", RedirectURL: "https://hub/r", Verifier: "verifier"}
			address, err := i.OAuth.AuthorizeURL(t.Context(), login)
			if err != nil {
				t.Fatal(err)
			}
			u, err := url.Parse(address)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := u.Host+u.Path, tt.login+"/contoso.example.com/oauth2/v2.0/authorize"; got != want {
				t.Errorf("address %s, want %s", got, want)
			}
			want := url.Values{
				"client_id": {"client"}, "response_type": {"code"}, "state": {"st"}, "redirect_uri": {"https://hub/r"},
				"code_challenge": {"iMnq5o6zALKXGivsnlom_0F5_WYda32GHkxlV7mq7hQ"}, "code_challenge_method": {"S256"},
				"scope": {"https://" + tt.graph + "/Files.ReadWrite.All https://" + tt.graph + "/Sites.ReadWrite.All offline_access"},
			}
			if diff := cmp.Diff(want, u.Query()); diff != "" {
				t.Errorf("query (-want +got):\n%s", diff)
			}
			state, err := i.OAuth.Exchange(t.Context(), login, url.Values{"code": {"good"}})
			if err != nil || state.Data != renewed {
				t.Errorf("state %+v, %v", state, err)
			}
			if _, err := i.Execute(t.Context(), file(t, request(fresh, nil), []byte("a\n"))); err != nil {
				t.Errorf("delivery: %v", err)
			}
			if got, want := f.Requests()[0].Host, tt.login; got != want {
				t.Errorf("sign-in at %s, want %s", got, want)
			}
		})
	}
}

func TestExchangeFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		callback url.Values
		kind     action.Kind
	}{
		"bad code":          {url.Values{"code": {"bad"}}, action.Unauthenticated},
		"the user declines": {url.Values{"error": {"access_denied"}, "error_description": {"secret"}}, action.Forbidden},
		"admin has to act":  {url.Values{"error": {"consent_required"}}, action.Forbidden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			login := action.Login{RedirectURL: "https://hub/r", Verifier: "verifier"}
			_, err := resolved(t, newFake(t).Destination, nil).OAuth.Exchange(t.Context(), login, tt.callback)
			if action.KindOf(err) != tt.kind {
				t.Errorf("error %v, want the kind %v", err, tt.kind)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the error tells too much: %v", err)
			}
		})
	}
}

// checkFiles compares files by their hashes: they are large.
func checkFiles(t *testing.T, want, got map[string][]byte) {
	t.Helper()
	hashes := func(files map[string][]byte) map[string]string {
		all := map[string]string{}
		for path, content := range files {
			all[path] = fmt.Sprintf("%d bytes, SHA-256 %x", len(content), sha256.Sum256(content))
		}
		return all
	}
	if diff := cmp.Diff(hashes(want), hashes(got)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// sizes are those at which the way of sending changes.
var sizes = map[string]int{
	"small": 5, "a fragment": microsoftsharepoint.Fragment, "a fragment and a byte": microsoftsharepoint.Fragment + 1,
	"several fragments": 3*microsoftsharepoint.Fragment + 17,
}

func TestExecute(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		form map[string]string
		want string
	}{
		"OneDrive":          {nil, "mine:Reports/orders.csv"},
		"the top":           {map[string]string{"folder": "/"}, "mine:orders.csv"},
		"no folder":         {map[string]string{"folder": ""}, "mine:orders.csv"},
		"a library":         {map[string]string{"site": "contoso,1,2", "library": "docs", "folder": "/Sales/EMEA"}, "docs:Sales/EMEA/orders.csv"},
		"the only library":  {map[string]string{"site": "contoso,1,2", "folder": "/Sales"}, "docs:Sales/orders.csv"},
		"a site by its URL": {map[string]string{"siteurl": "https://contoso.sharepoint.com/sites/hidden/", "folder": "/Sales"}, "docs:Sales/orders.csv"},
		"folders in a name": {map[string]string{"filename": "2026/größe #1%.csv"}, "mine:Reports/2026/größe #1%.csv"},
	} {
		for why, size := range sizes {
			t.Run(name+", "+why, func(t *testing.T) {
				t.Parallel()
				f := newFake(t)
				res, err := resolved(t, f.Destination, nil).Execute(t.Context(), file(t, request(expired, tt.form), content(size)))
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(&action.State{Data: renewed}, res.State); diff != "" {
					t.Errorf("state (-want +got):\n%s", diff)
				}
				checkFiles(t, map[string][]byte{tt.want: content(size)}, f.files)
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
		"replaced": {"yes", ""}, "the default": {"", ""}, "kept": {"fail", exists},
	} {
		for why, size := range sizes {
			t.Run(name+", "+why, func(t *testing.T) {
				t.Parallel()
				f := newFake(t)
				f.files["mine:Reports/orders.csv"] = []byte("older")
				_, err := resolved(t, f.Destination, nil).Execute(t.Context(), file(t, request(fresh, map[string]string{"overwrite": tt.overwrite}), content(size)))
				want := content(size)
				if tt.message != "" {
					want = []byte("older")
				}
				if got := action.MessageOf(err); err != nil && got != tt.message || err == nil && tt.message != "" {
					t.Errorf("error %v, want %q", err, tt.message)
				}
				checkFiles(t, map[string][]byte{"mine:Reports/orders.csv": want}, f.files)
			})
		}
	}
}

func TestKeepBothAndCompressed(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.files["mine:Reports/orders.csv"] = []byte("older")
	form := map[string]string{"overwrite": "no", "compression": "gzip"}
	body := content(40 * microsoftsharepoint.Fragment)
	if _, err := resolved(t, f.Destination, nil).Execute(t.Context(), file(t, request(fresh, form), body)); err != nil {
		t.Fatal(err)
	}
	delete(f.files, "mine:Reports/orders.csv")
	for path, stored := range f.files {
		if !strings.HasPrefix(path, "mine:Reports/orders_") || !strings.HasSuffix(path, ".csv.gz") {
			t.Errorf("the file is %s", path)
		}
		z, err := gzip.NewReader(bytes.NewReader(stored))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(z); err != nil || !bytes.Equal(got, body) {
			t.Errorf("%d bytes, want %d, %v", len(got), len(body), err)
		}
	}
	if len(f.files) != 1 {
		t.Errorf("%d new files, want 1", len(f.files))
	}
}

// A response that is lost, or a temporary error, at any call: the file is there once, and whole.
func TestRepeated(t *testing.T) {
	t.Parallel()
	throttled := refusal(http.StatusTooManyRequests, "activityLimitReached", "The request has been throttled")
	throttled.Header["Retry-After"] = "0"
	for name, reply := range map[string]actiontest.Reply{
		"throttled": throttled, "unavailable": {Status: http.StatusServiceUnavailable}, "reset": {Reset: true},
	} {
		for what, calls := range map[string]int{"drive": 1, "item": 1, "content": 1, "session": 1, "fragment": 4} {
			for n := 1; n <= calls; n++ {
				size := 3*microsoftsharepoint.Fragment + 17
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
					if when == "after" && (name == "throttled" || what == "session") {
						continue // who is refused has done nothing; for a session see TestTaken
					}
					for _, overwrite := range []string{"yes", "fail"} {
						t.Run(strings.Join([]string{name, when, what, string(rune('0' + n)), overwrite}, " "), func(t *testing.T) {
							t.Parallel()
							f := newFake(t)
							set(f)
							req := file(t, request(fresh, map[string]string{"overwrite": overwrite}), content(size))
							if _, err := resolved(t, f.Destination, nil).Execute(t.Context(), req); err != nil {
								t.Fatal(err)
							}
							checkFiles(t, map[string][]byte{"mine:Reports/orders.csv": content(size)}, f.files)
						})
					}
				}
			}
		}
	}
}

// There is only one session for a file at a time.
func TestTaken(t *testing.T) {
	t.Parallel()
	const taken = "Another upload of this file has not ended, or there is a folder of this name. Nothing was written. Try again later."
	lost := func(f *fake) {
		f.after = func(what string, n int) *actiontest.Reply {
			if what == "session" && n == 1 {
				return &actiontest.Reply{Reset: true}
			}
			return nil
		}
	}
	other := func(f *fake) { f.sessions["other"] = &session{path: "mine:Reports/orders.csv"} }
	ending := func(f *fake) {
		other(f)
		f.before = func(what string, n int) *actiontest.Reply {
			if what == "session" && n == 2 {
				delete(f.sessions, "other")
			}
			return nil
		}
	}
	for name, tt := range map[string]struct {
		set                func(*fake)
		overwrite, message string
	}{
		"a lost response":                  {lost, "yes", taken},
		"a lost response, no replacement":  {lost, "fail", taken},
		"another upload":                   {other, "yes", taken},
		"another upload that ends in time": {ending, "yes", ""},
		"another upload, and no replacement": {
			other, "fail", "A file or a folder with this name already exists and was not changed. Choose another name, or overwrite it.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			tt.set(f)
			body := content(3 * microsoftsharepoint.Fragment)
			_, err := resolved(t, f.Destination, nil).Execute(t.Context(), file(t, request(fresh, map[string]string{"overwrite": tt.overwrite}), body))
			want := map[string][]byte{}
			if tt.message == "" {
				want["mine:Reports/orders.csv"] = body
			}
			checkFiles(t, want, f.files)
			if got := action.MessageOf(err); err == nil && tt.message != "" || err != nil && got != tt.message {
				t.Errorf("error %v, want %q", err, tt.message)
			}
		})
	}
}

// Graph may take a part of a fragment, and says what it expects next.
func TestPartOfFragment(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.accept = 100_000
	size := 2*microsoftsharepoint.Fragment + 17
	if _, err := resolved(t, f.Destination, nil).Execute(t.Context(), file(t, request(fresh, nil), content(size))); err != nil {
		t.Fatal(err)
	}
	if got := f.files["mine:Reports/orders.csv"]; !bytes.Equal(got, content(size)) {
		t.Errorf("the file has %d bytes, want %d", len(got), size)
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
		"not allowed":     {"session", refusal(403, "accessDenied", "secret"), action.Forbidden, "The user is not allowed to write to this folder."},
		"full":            {"fragment", refusal(507, "insufficientStorage", "secret"), action.Invalid, "The library or the user's OneDrive is full."},
		"locked":          {"content", refusal(423, "resourceLocked", "secret"), action.Invalid, "The file is checked out or open by another user. Try again later."},
		"throttled":       {"content", refusal(429, "activityLimitReached", "secret"), action.RateLimited, "Microsoft is throttling requests. Try again later."},
		"session expired": {"fragment", refusal(404, "itemNotFound", "secret"), action.Unavailable, "Microsoft 365 closed the upload before it was complete. No file was written."},
		"URL expired":     {"fragment", actiontest.Reply{Status: 401}, action.Unavailable, "Microsoft 365 closed the upload before it was complete. No file was written."},
		"no URL":          {"session", jsonReply(200, map[string]string{}), action.Unavailable, "Unexpected response from Microsoft 365."},
		"an insecure URL": {"session", jsonReply(200, map[string]string{"uploadUrl": "http://contoso.sharepoint.com/x"}), action.Unavailable, "Unexpected response from Microsoft 365."},
		"no item":         {"content", jsonReply(200, map[string]string{}), action.Unavailable, "Unexpected response from Microsoft 365."},
		"unavailable":     {"session", actiontest.Reply{Status: 503}, action.Unavailable, "Microsoft 365 returned 503 Service Unavailable."},
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
			size := 3 * microsoftsharepoint.Fragment
			if tt.what == "content" {
				size = 5
			}
			_, err := resolved(t, f.Destination, nil).Execute(t.Context(), file(t, request(fresh, nil), content(size)))
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

func TestDamaged(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.damage = true
	req := file(t, request(fresh, map[string]string{"filename": "orders.csv"}), content(5))
	_, err := resolved(t, f.Destination, nil).Execute(t.Context(), req)
	if got, want := action.MessageOf(err), "The data was corrupted in transit to Microsoft 365."; err == nil || got != want {
		t.Errorf("error %v, want %q", err, want)
	}
}

// A file into which SharePoint writes properties is not a damaged one.
func TestEnriched(t *testing.T) {
	t.Parallel()
	for _, size := range []int{5, 3 * microsoftsharepoint.Fragment} {
		for _, extension := range enriched {
			t.Run(fmt.Sprint(size, extension), func(t *testing.T) {
				t.Parallel()
				f := newFake(t)
				req := file(t, request(fresh, map[string]string{"filename": "orders" + extension}), content(size))
				if _, err := resolved(t, f.Destination, nil).Execute(t.Context(), req); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func TestInvalidInput(t *testing.T) {
	t.Parallel()
	const noFolder = "The library or folder does not exist, or the user cannot access it."
	for name, tt := range map[string]struct {
		form map[string]string
		want string
	}{
		"characters":     {map[string]string{"filename": "a:b"}, `The filename must not contain any of the characters "*:<>?\|`},
		"an empty part":  {map[string]string{"filename": "a//b"}, "The filename must not have empty path segments."},
		"a period":       {map[string]string{"filename": "a./b"}, "A part of the filename must not begin or end with a space, or end with a period."},
		"reserved":       {map[string]string{"filename": "CON.csv"}, "SharePoint does not allow the filename CON.csv."},
		"too long":       {map[string]string{"filename": strings.Repeat("ä", 256)}, "A part of the filename is longer than the 255 characters that SharePoint allows."},
		"up":             {map[string]string{"folder": "/a/../b"}, `"folder" must not contain empty, "." or ".." path segments.`},
		"no such folder": {map[string]string{"folder": "/gone"}, noFolder},
		"no such drive":  {map[string]string{"site": "contoso,1,2", "library": "gone"}, noFolder},
		"no such site":   {map[string]string{"siteurl": "https://contoso.sharepoint.com/sites/gone"}, "The site does not exist, or the user cannot access it."},
		"no URL":         {map[string]string{"siteurl": "sales"}, `"siteurl" must be the URL of a site, such as https://contoso.sharepoint.com/sites/sales.`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			_, err := resolved(t, f.Destination, nil).Execute(t.Context(), file(t, request(fresh, tt.form), []byte("a\n")))
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
			req := actiontest.Download(t, request(fresh, nil), actiontest.BrokenDownload(string(content(size))))
			if _, err := resolved(t, f.Destination, nil).Execute(t.Context(), req); action.KindOf(err) != action.Unavailable {
				t.Errorf("error %v", err)
			}
			if n := len(f.Requests()); n != 0 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

func TestNotSignedIn(t *testing.T) {
	t.Parallel()
	for name, state := range map[string]string{"never": "", "reset": "reset", "gone": gone, "no object": "[1]"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res, err := resolved(t, newFake(t).Destination, nil).Execute(t.Context(), file(t, request(state, nil), []byte("a")))
			if action.KindOf(err) != action.Unauthenticated {
				t.Errorf("error %v", err)
			}
			if diff := cmp.Diff(&action.Response{State: &action.State{Data: action.Reset}}, res); diff != "" {
				t.Errorf("response (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		deps := actiontest.Deps(t, nil, env)
		deps.HTTP = actiontest.Late()
		_, err := actiontest.New(t, microsoftsharepoint.New, deps).Execute(t.Context(), file(t, request(fresh, nil), []byte("a")))
		if got, want := action.MessageOf(err), "Microsoft 365 did not respond in time."; got != want {
			t.Errorf("message %q, want %q", got, want)
		}
	})
}

// sink is a Graph that keeps nothing of an upload but its size and the largest heap that it saw.
type sink struct {
	size int64
	heap uint64
}

func (s *sink) RoundTrip(r *http.Request) (*http.Response, error) {
	res := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Request: r, Body: http.NoBody}
	body := `{"id":"x","folder":{}}`
	switch r.Method {
	case http.MethodPost:
		body = `{"uploadUrl":"https://contoso.sharepoint.com/upload"}`
	case http.MethodPut:
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil {
			return nil, err
		}
		s.size, s.heap = s.size+n, max(s.heap, actiontest.LiveHeap())
		if !strings.HasSuffix(r.Header.Get("Content-Range"), fmt.Sprintf("-%d/%d", s.size-1, s.size)) {
			res.StatusCode, body = http.StatusAccepted, fmt.Sprintf(`{"nextExpectedRanges":["%d-"]}`, s.size)
		}
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
	if _, err := actiontest.New(t, microsoftsharepoint.New, deps).Execute(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	if s.size != size {
		t.Errorf("%d bytes arrived, want %d", s.size, size)
	}
	if s.heap > 64<<20 {
		t.Errorf("%d MiB were in use", s.heap>>20)
	}
}

// Each encryption has a different result, so a delivery must encrypt once: Graph asks for the size first.
func TestEncrypted(t *testing.T) {
	t.Parallel()
	f, key := newFake(t), datafiletest.NewKey(t)
	plain := content(5000) // several fragments
	req := request(fresh, map[string]string{"byte_order_mark": "yes", "pgp_public_keys": key.Public})
	if _, err := resolved(t, f.Destination, nil).Execute(t.Context(), file(t, req, plain)); err != nil {
		t.Fatal(err)
	}
	sent, ok := f.files["mine:Reports/orders.csv.pgp"]
	if !ok {
		t.Fatalf("files %v", slices.Collect(maps.Keys(f.files)))
	}
	if got := key.Decrypt(t, bytes.NewReader(sent)); got != "\ufeff"+string(plain) {
		t.Errorf("%d bytes are decrypted, want %d", len(got), len(plain)+3)
	}
}
