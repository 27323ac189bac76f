package dropbox_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"maps"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/dropbox"
	"integrationhub.dev/integrations/internal/datafile/datafiletest"
)

var env = map[string]string{"DROPBOX_ACTION_APP_KEY": "key", "DROPBOX_ACTION_APP_SECRET": "s3cret"}

const (
	fresh   = `{"access_token":"a2","refresh_token":"r1"}`
	expired = `{"access_token":"a1","token_type":"bearer","expires_in":14400,"refresh_token":"r1","uid":"1"}`
	nested  = `{"tokens":{"access_token":"a1","refresh_token":"r1"}}`
	gone    = `{"access_token":"a1","refresh_token":"gone"}`
)

func resolved(t *testing.T, d *actiontest.Destination) action.Resolved {
	t.Helper()
	i := actiontest.New(t, dropbox.New, actiontest.Deps(t, d, env))
	dropbox.Small(i)
	return action.Resolve(i)
}

func request(state string) *action.Request {
	req := actiontest.Query(nil, map[string]string{"directory": "Data", "filename": "orders", "includeTimestamp": "no"})
	req.State, req.LoginURL = state, "https://hub/login"
	return req
}

func TestSettings(t *testing.T) {
	t.Parallel()
	_, err := dropbox.New(actiontest.Deps(t, nil, nil))
	missing, ok := errors.AsType[*action.MissingSettingsError](err)
	if !ok || !cmp.Equal(missing.Keys, []string{"DROPBOX_ACTION_APP_KEY", "DROPBOX_ACTION_APP_SECRET"}) {
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
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	want := url.Values{
		"client_id": {"key"}, "response_type": {"code"}, "state": {"st"}, "redirect_uri": {"https://hub/r"},
		"force_reapprove": {"true"}, "token_access_type": {"offline"},
		"code_challenge": {oauth2.S256ChallengeFromVerifier("verifier")}, "code_challenge_method": {"S256"},
	}
	if diff := cmp.Diff(want, u.Query()); diff != "" || u.Host+u.Path != "www.dropbox.com/oauth2/authorize" {
		t.Errorf("%s (-want +got):\n%s", address, diff)
	}
	state, err := i.OAuth.Exchange(t.Context(), login, url.Values{"code": {"good"}})
	if err != nil || state.Data != fresh {
		t.Errorf("state %+v, %v", state, err)
	}
	if _, err := i.OAuth.Exchange(t.Context(), login, url.Values{"code": {"bad"}}); action.KindOf(err) != action.Unauthenticated || strings.Contains(err.Error(), "r1") {
		t.Errorf("a bad code: %v", err)
	}
}

func TestForm(t *testing.T) {
	t.Parallel()
	login := []string{"login"}
	fields := []string{"directory", "filename", "includeTimestamp", "overwrite", "compression", "time_zone", "byte_order_mark", "pgp_public_keys", "pgp_format"}
	for name, tt := range map[string]struct {
		state string
		want  []string
		kept  string
	}{
		"signed in":              {fresh, fields, ""},
		"access expired":         {expired, fields, fresh},
		"nested tokens":          {nested, fields, fresh},
		"only a refresh token":   {`{"refresh_token":"r1"}`, fields, fresh},
		"never signed in":        {"", login, ""},
		"a code, long since old": {`{"code":"c","redirect":"https://hub/r"}`, login, ""},
		"not JSON":               {"reset", login, ""},
		"no refresh token":       {`{"access_token":"a1"}`, login, ""},
		"grant gone":             {gone, login, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			form, err := resolved(t, newFake(t).Destination).Form.Form(t.Context(), request(tt.state))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range form.Fields {
				got = append(got, f.Name)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
			if got[0] == "login" {
				if form.Fields[0].OAuthURL != "https://hub/login" {
					t.Errorf("login %+v", form.Fields[0])
				}
				return
			}
			if form.State != nil && form.State.Data != tt.kept || form.State == nil && tt.kept != "" {
				t.Errorf("state %+v", form.State)
			}
			want := []action.Option{{Name: "__root", Label: "Home"}, {Name: "archive", Label: "archive"}, {Name: "Data", Label: "Data"}, {Name: "zoo", Label: "zoo"}}
			if diff := cmp.Diff(want, form.Fields[0].Options); diff != "" {
				t.Errorf("folders (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFormFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		reply actiontest.Reply
		kind  action.Kind
	}{
		"unavailable":   {actiontest.Reply{Status: 503}, action.Unavailable},
		"a reset":       {actiontest.Reply{Reset: true}, action.Unavailable},
		"no permission": {jsonReply(401, `{"error_summary":"missing_scope/..","error":{".tag":"missing_scope"}}`), action.Forbidden},
		"not JSON":      {actiontest.Reply{Body: "<html>"}, action.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.before = func(string, int) *actiontest.Reply { return &tt.reply }
			if _, err := resolved(t, f.Destination).Form.Form(t.Context(), request(fresh)); action.KindOf(err) != tt.kind {
				t.Errorf("error %v", err)
			}
		})
	}
}

// A hub with a wrong secret must not send its users round in circles.
func TestWrongSecret(t *testing.T) {
	t.Parallel()
	i := actiontest.New(t, dropbox.New, actiontest.Deps(t, newFake(t).Destination, map[string]string{"DROPBOX_ACTION_APP_KEY": "key", "DROPBOX_ACTION_APP_SECRET": "wrong"}))
	_, err := action.Resolve(i).Form.Form(t.Context(), request(expired))
	if action.KindOf(err) != action.Internal || !strings.Contains(action.MessageOf(err), "administrator") {
		t.Errorf("error %v", err)
	}
}

// sizes are those at which the way of sending changes.
var sizes = map[string]int{
	"nothing in it": 0, "small": 5, "a piece": dropbox.Block, "a piece and a byte": dropbox.Block + 1, "several pieces": 2*dropbox.Block + 17,
}

func content(n int) []byte { return bytes.Repeat([]byte("0123456789a"), n/11+1)[:n] }

func TestExecute(t *testing.T) {
	t.Parallel()
	for name, size := range sizes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			req := request(expired)
			body := content(size)
			req = actiontest.Download(t, req, serve(body))
			res, err := resolved(t, f.Destination).Execute(t.Context(), req)
			if err != nil || res.State != nil {
				t.Fatalf("%+v, %v", res, err)
			}
			if len(f.files) != 1 || !bytes.Equal(f.files["/Data/orders"], body) || len(f.sessions) != 0 {
				t.Errorf("%d files of %d bytes, %d sessions", len(f.files), len(f.files["/Data/orders"]), len(f.sessions))
			}
		})
	}
}

func TestExisting(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		overwrite, size string
		want, message   string
	}{
		"kept":                  {"", "", "before", "A different file or a folder with this name already exists and was not changed. Choose another name, or append the timestamp."},
		"replaced in one call":  {"yes", "", "a,b\n", ""},
		"replaced by a session": {"yes", "large", strings.Repeat("a,b\n", 9<<18), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.files["/Data/orders.csv"] = []byte("before")
			content := "a,b\n"
			if tt.size != "" {
				content = tt.want
			}
			req := actiontest.Inline(t, request(fresh), "text/csv", "csv", []byte(content))
			req.Form["overwrite"] = tt.overwrite
			_, err := resolved(t, f.Destination).Execute(t.Context(), req)
			message := ""
			if err != nil {
				message = action.MessageOf(err)
			}
			if message != tt.message {
				t.Errorf("error %v, want %q", err, tt.message)
			}
			if got := string(f.files["/Data/orders.csv"]); got != tt.want {
				t.Errorf("%d bytes are there, want %d", len(got), len(tt.want))
			}
		})
	}
}

func TestCompressed(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	req := actiontest.Inline(t, request(fresh), "text/csv", "csv", []byte("a,b\n"))
	req.Form["compression"] = "gzip"
	if _, err := resolved(t, f.Destination).Execute(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(f.files["/Data/orders.csv.gz"]))
	if err != nil {
		t.Fatalf("%v in %v", err, f.files)
	}
	if content, err := io.ReadAll(z); err != nil || string(content) != "a,b\n" {
		t.Errorf("%q, %v", content, err)
	}
}

// The file is marked, compressed and encrypted, in this order.
func TestEncrypted(t *testing.T) {
	t.Parallel()
	f, key := newFake(t), datafiletest.NewKey(t)
	req := actiontest.Inline(t, request(fresh), "text/csv", "csv", []byte("a,b\n"))
	maps.Copy(req.Form, map[string]string{"compression": "gzip", "byte_order_mark": "yes", "pgp_public_keys": key.Public})
	if _, err := resolved(t, f.Destination).Execute(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(strings.NewReader(key.Decrypt(t, bytes.NewReader(f.files["/Data/orders.csv.gz.pgp"]))))
	if err != nil {
		t.Fatalf("%v in %v", err, f.files)
	}
	if content, err := io.ReadAll(z); err != nil || string(content) != "\ufeffa,b\n" {
		t.Errorf("%q, %v", content, err)
	}
}

func TestPath(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		form  map[string]string
		want  string // the path, or
		error string
	}{
		"in a folder":        {nil, "/Data/orders.csv", ""},
		"at the top":         {map[string]string{"directory": "__root"}, "/orders.csv", ""},
		"with a timestamp":   {map[string]string{"includeTimestamp": "yes"}, "/Data/orders1700000000123.csv", ""},
		"not ASCII":          {map[string]string{"filename": "größe 📈"}, "/Data/größe 📈.csv", ""},
		"quotes":             {map[string]string{"filename": `a"b\c`}, `/Data/a"b\c.csv`, ""},
		"a folder in it":     {map[string]string{"filename": "/2024/orders"}, "/Data/2024/orders.csv", ""},
		"dates":              {map[string]string{"filename": "{YYYY}/{date} {HH}{mm}"}, "/Data/2023/2023-11-14 2213.csv", ""},
		"a time zone":        {map[string]string{"filename": "{date} {HH}", "time_zone": "Asia/Tokyo"}, "/Data/2023-11-15 07.csv", ""},
		"no time zone":       {map[string]string{"time_zone": "Tokyo"}, "", `"time_zone" must be the name of a time zone in the IANA database, such as Europe/Berlin or America/New_York.`},
		"odd answers":        {map[string]string{"overwrite": "maybe", "compression": "encoding"}, "", `"overwrite" must be yes or no. "compression" must be none or gzip.`},
		"extension in it":    {map[string]string{"filename": "orders.csv"}, "/Data/orders.csv.csv", ""},
		"up":                 {map[string]string{"filename": "../x"}, "", "The folder and the filename must not contain empty, \".\" or \"..\" path segments."},
		"up by folder":       {map[string]string{"directory": ".."}, "", "The folder and the filename must not contain empty, \".\" or \"..\" path segments."},
		"an empty part":      {map[string]string{"filename": "a//b"}, "", "The folder and the filename must not contain empty, \".\" or \"..\" path segments."},
		"control characters": {map[string]string{"filename": "a\x7fb"}, "", "The folder and the filename must not contain control characters."},
		"too long":           {map[string]string{"filename": strings.Repeat("ä", 252)}, "", "A part of the filename is longer than the 255 characters that Dropbox allows."},
		"a folder only":      {map[string]string{"filename": "a/"}, "", "The filename must not be empty or end with a slash."},
		"no name":            {map[string]string{"filename": " "}, "", `"filename" is required.`},
		"no folder":          {map[string]string{"directory": ""}, "", `"directory" is required.`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			req := actiontest.Inline(t, request(fresh), "text/csv", "csv", []byte("a,b\n"))
			maps.Copy(req.Form, tt.form)
			_, err := resolved(t, f.Destination).Execute(t.Context(), req)
			if tt.error != "" {
				if action.KindOf(err) != action.Invalid || action.MessageOf(err) != tt.error || len(f.Requests()) != 0 {
					t.Errorf("error %v", err)
				}
				return
			}
			if err != nil || string(f.files[tt.want]) != "a,b\n" || len(f.files) != 1 {
				t.Errorf("files %v, %v", f.files, err)
			}
		})
	}
}

// An answer that is lost, or a temporary error, at any call: the file is there once,
// and whole.
func TestRepeated(t *testing.T) {
	t.Parallel()
	limited := actiontest.Reply{Status: 429, Header: map[string]string{"Retry-After": "0"}, Body: `{"error_summary":"too_many_write_operations/.","error":{"reason":{".tag":"too_many_write_operations"},"retry_after":0}}`}
	for name, reply := range map[string]actiontest.Reply{"limited": limited, "unavailable": {Status: 503}, "reset": {Reset: true}} {
		for _, route := range []string{"upload", "upload_session/start", "upload_session/append_v2", "upload_session/finish"} {
			size := 5
			if route != "upload" {
				size = 2*dropbox.Block + 5
			}
			once := func(r string, n int) *actiontest.Reply {
				if r == route && n == 1 {
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
				t.Run(name+" "+when+" "+route, func(t *testing.T) {
					t.Parallel()
					f := newFake(t)
					set(f)
					req := actiontest.Inline(t, request(fresh), "text/csv", "csv", content(size))
					if _, err := resolved(t, f.Destination).Execute(t.Context(), req); err != nil {
						t.Fatal(err)
					}
					if len(f.files) != 1 || !bytes.Equal(f.files["/Data/orders.csv"], content(size)) {
						t.Errorf("%d files", len(f.files))
					}
				})
			}
		}
	}
}

// In a busy folder, finish appends the last chunk and then does not commit. Sent again, the chunk would be at a wrong offset.
func TestBusyFolder(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		size, busy int
		before     actiontest.Reply
		fails      bool
	}{
		"once":                      {size: dropbox.Block + 5, busy: 1},
		"several times":             {size: 2*dropbox.Block + 5, busy: 4},
		"the last chunk is full":    {size: 2 * dropbox.Block, busy: 2},
		"after a lost request":      {size: dropbox.Block + 5, busy: 1, before: actiontest.Reply{Status: 503}},
		"nothing appended at first": {size: dropbox.Block + 5, busy: 1, before: refused("path/too_many_write_operations/", `{".tag":"path"}`)},
		"too often":                 {size: dropbox.Block + 5, busy: 5, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.busy = tt.busy
			f.before = func(route string, n int) *actiontest.Reply {
				if tt.before.Status != 0 && route == "upload_session/finish" && n == 1 {
					return &tt.before
				}
				return nil
			}
			req := actiontest.Inline(t, request(fresh), "text/csv", "csv", content(tt.size))
			_, err := resolved(t, f.Destination).Execute(t.Context(), req)
			if tt.fails {
				want := "Dropbox is rate limiting writes to this account. Try again later."
				if action.KindOf(err) != action.RateLimited || action.MessageOf(err) != want {
					t.Errorf("error %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(f.files["/Data/orders.csv"], content(tt.size)) {
				t.Errorf("the file has %d bytes, want %d", len(f.files["/Data/orders.csv"]), tt.size)
			}
		})
	}
}

// What fails for good leaves no file, and says why.
func TestDropboxFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		reply actiontest.Reply
		kind  action.Kind
		want  string
	}{
		"full":          {refused("path/insufficient_space/.", `{".tag":"path"}`), action.Invalid, "The user's Dropbox is full."},
		"not allowed":   {refused("path/no_write_permission/", `{".tag":"path"}`), action.Forbidden, "The user is not allowed to write to this folder."},
		"name":          {refused("path/disallowed_name/..", `{".tag":"path"}`), action.Invalid, "Dropbox does not allow this filename."},
		"session gone":  {refused("not_found/...", `{".tag":"not_found"}`), action.Unavailable, "Dropbox closed the upload before it was complete. No file was written."},
		"plain refusal": {actiontest.Reply{Status: 400, Body: "secret text"}, action.Invalid, "Dropbox returned 400 Bad Request."},
		"unavailable":   {actiontest.Reply{Status: 500}, action.Unavailable, "Dropbox returned 500 Internal Server Error."},
		"a reset":       {actiontest.Reply{Reset: true}, action.Unavailable, "The connection to Dropbox failed."},
		"limited":       {actiontest.Reply{Status: 429, Body: `{"error_summary":"too_many_requests/"}`}, action.RateLimited, "Dropbox is rate limiting requests. Try again later."},
		"other content": {jsonReply(200, `{"content_hash":"0","session_id":"s"}`), action.Unavailable, "The data was corrupted in transit to Dropbox."},
	} {
		for _, route := range []string{"upload", "upload_session/append_v2", "upload_session/finish"} {
			if name == "other content" && route == "upload_session/append_v2" || name == "session gone" && route == "upload" {
				continue
			}
			t.Run(name+" at "+route, func(t *testing.T) {
				t.Parallel()
				f := newFake(t)
				f.before = func(r string, _ int) *actiontest.Reply {
					if r == route {
						return &tt.reply
					}
					return nil
				}
				size := 5
				if route != "upload" {
					size = 2*dropbox.Block + 5
				}
				_, err := resolved(t, f.Destination).Execute(t.Context(), actiontest.Inline(t, request(fresh), "text/csv", "csv", content(size)))
				if action.KindOf(err) != tt.kind || action.MessageOf(err) != tt.want || strings.Contains(err.Error(), "secret") {
					t.Errorf("error %v (%v)", err, action.KindOf(err))
				}
				if len(f.files) != 0 {
					t.Errorf("%d files", len(f.files))
				}
			})
		}
	}
}

// A file that is there with other content stays as it is.
func TestConflict(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int{"in one call": 5, "in a session": dropbox.Block + 5} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.files["/Data/orders.csv"] = []byte("older")
			_, err := resolved(t, f.Destination).Execute(t.Context(), actiontest.Inline(t, request(fresh), "text/csv", "csv", content(size)))
			if action.KindOf(err) != action.Invalid || !strings.Contains(action.MessageOf(err), "with this name already exists") {
				t.Errorf("error %v", err)
			}
			if string(f.files["/Data/orders.csv"]) != "older" || len(f.files) != 1 {
				t.Error("the file was changed")
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
			req := actiontest.Download(t, request(fresh), actiontest.BrokenDownload(string(content(size))))
			if _, err := resolved(t, f.Destination).Execute(t.Context(), req); action.KindOf(err) != action.Unavailable {
				t.Errorf("error %v", err)
			}
			if len(f.files) != 0 {
				t.Error("a file was written")
			}
		})
	}
}

func TestNotSignedIn(t *testing.T) {
	t.Parallel()
	for name, state := range map[string]string{"never": "", "reset": "reset", "gone": gone, "no object": "[1]"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			res, err := resolved(t, f.Destination).Execute(t.Context(), actiontest.Inline(t, request(state), "text/csv", "csv", []byte("a")))
			if action.KindOf(err) != action.Unauthenticated {
				t.Errorf("error %v", err)
			}
			want := &action.Response{State: &action.State{Data: action.Reset}}
			if diff := cmp.Diff(want, res); diff != "" {
				t.Errorf("response (-want +got):\n%s", diff)
			}
		})
	}
	if _, err := resolved(t, nil).Execute(t.Context(), request(fresh)); action.MessageOf(err) != "No data sent from Looker to be sent to Dropbox." {
		t.Errorf("without data: %v", err)
	}
}

func TestLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		deps := actiontest.Deps(t, nil, env)
		deps.HTTP = actiontest.Late()
		i := actiontest.New(t, dropbox.New, deps)
		_, err := i.Execute(t.Context(), actiontest.Inline(t, request(fresh), "text/csv", "csv", []byte("a")))
		if action.KindOf(err) != action.Timeout || action.MessageOf(err) != "Dropbox did not respond in time." {
			t.Errorf("error %v", err)
		}
	})
}
