package googledrive_test

import (
	"bytes"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/googledrive"
	"integrationhub.dev/integrations/internal/google/googletest"
)

var env = map[string]string{"GOOGLE_DRIVE_CLIENT_ID": googletest.ClientID, "GOOGLE_DRIVE_CLIENT_SECRET": googletest.ClientSecret}

func resolved(t *testing.T, d *actiontest.Destination) action.Resolved {
	t.Helper()
	i := actiontest.New(t, googledrive.New, actiontest.Deps(t, d, env))
	googledrive.Small(i)
	return action.Resolve(i)
}

func request(state string, form map[string]string) *action.Request {
	req := actiontest.Query(nil, map[string]string{"drive": "mydrive", "filename": "orders.csv"})
	maps.Copy(req.Form, form)
	req.State, req.LoginURL = state, "https://hub/login"
	return req
}

func content(n int) []byte { return bytes.Repeat([]byte("0123456789a"), n/11+1)[:n] }

func served(t *testing.T, req *action.Request, body []byte) *action.Request {
	t.Helper()
	return actiontest.Download(t, req, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) })
}

func TestSettings(t *testing.T) {
	t.Parallel()
	_, err := googledrive.New(actiontest.Deps(t, nil, nil))
	missing, ok := errors.AsType[*action.MissingSettingsError](err)
	if !ok || !cmp.Equal(missing.Keys, []string{"GOOGLE_DRIVE_CLIENT_ID", "GOOGLE_DRIVE_CLIENT_SECRET"}) {
		t.Errorf("error %v", err)
	}
}

func TestLogin(t *testing.T) {
	t.Parallel()
	i := resolved(t, googletest.New(t).Destination)
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
		"client_id": {"client"}, "response_type": {"code"}, "state": {"st"}, "redirect_uri": {"https://hub/r"}, "access_type": {"offline"},
		"prompt": {"consent"}, "scope": {"https://www.googleapis.com/auth/drive https://www.googleapis.com/auth/userinfo.email"},
		"code_challenge_method": {"S256"}, "code_challenge": {"iMnq5o6zALKXGivsnlom_0F5_WYda32GHkxlV7mq7hQ"},
	}
	if diff := cmp.Diff(want, u.Query()); diff != "" || u.Host+u.Path != "accounts.google.com/o/oauth2/v2/auth" {
		t.Errorf("%s (-want +got):\n%s", address, diff)
	}
	state, err := i.OAuth.Exchange(t.Context(), login, url.Values{"code": {"good"}})
	if err != nil || state.Data != googletest.Fresh {
		t.Errorf("state %+v, %v", state, err)
	}
	for code, message := range map[string]string{
		"bad":                   "The sign-in at Google is missing or no longer valid. Open the form in Looker and log in again.",
		"without refresh token": "OAuth tokens are invalid.",
	} {
		if _, err := i.OAuth.Exchange(t.Context(), login, url.Values{"code": {code}}); action.MessageOf(err) != message || strings.Contains(err.Error(), "r1") {
			t.Errorf("%s: %v", code, err)
		}
	}
}

func TestForm(t *testing.T) {
	t.Parallel()
	login := []string{"login"}
	short := []string{"drive", "folderid", "fetchpls", "filename", "overwrite", "compression", "time_zone", "byte_order_mark", "pgp_public_keys", "pgp_format"}
	long := []string{"drive", "folder", "filename", "overwrite", "compression", "time_zone", "byte_order_mark", "pgp_public_keys", "pgp_format"}
	for name, tt := range map[string]struct {
		state, domains string
		form           map[string]string
		want           []string
		folders        []string
	}{
		"signed in":               {googletest.Fresh, "", nil, short, nil},
		"access expired":          {googletest.Expired, "", nil, short, nil},
		"folders of my drive":     {googletest.Fresh, "", map[string]string{"fetchpls": "fetch"}, long, []string{"root", "folder1folder1", "folder2folder2"}},
		"folders of a shared one": {googletest.Fresh, "", map[string]string{"fetchpls": "fetch", "drive": "drive1"}, long, []string{"root", "folder3folder3"}},
		"a domain that may":       {googletest.Fresh, "facts.com, CAR.com", nil, short, nil},
		"a domain that may not":   {googletest.Fresh, "scar.com,ar.com,r.com", nil, login, nil},
		"never signed in":         {"", "", nil, login, nil},
		"null":                    {"null", "", nil, login, nil},
		"grant gone":              {googletest.Gone, "", nil, login, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := googletest.New(t)
			f.PageSize = 1
			f.Drives["drive2"] = "Marketing"
			req := request(tt.state, tt.form)
			req.Params["domain_allowlist"] = tt.domains
			form, err := resolved(t, f.Destination).Form.Form(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			var got, folders []string
			for _, field := range form.Fields {
				got = append(got, field.Name)
				for _, o := range field.Options {
					if field.Name == "folder" {
						folders = append(folders, o.Name)
					}
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.folders, folders); diff != "" {
				t.Errorf("folders (-want +got):\n%s", diff)
			}
			if got[0] == "login" {
				if form.Fields[0].OAuthURL != "https://hub/login" || form.State == nil || form.State.Data != "" {
					t.Errorf("login %+v", form)
				}
				return
			}
			drives := []action.Option{{Name: "mydrive", Label: "My Drive"}, {Name: "drive1", Label: "Sales"}, {Name: "drive2", Label: "Marketing"}}
			if diff := cmp.Diff(drives, form.Fields[0].Options); diff != "" || form.State.Data != googletest.Fresh {
				t.Errorf("state %+v, drives (-want +got):\n%s", form.State, diff)
			}
		})
	}
	f := googletest.New(t)
	f.Before = googletest.Always("drives", actiontest.Reply{Status: 503})
	if _, err := resolved(t, f.Destination).Form.Form(t.Context(), request(googletest.Fresh, nil)); action.KindOf(err) != action.Unavailable {
		t.Errorf("unavailable: %v", err)
	}
}

// sizes are those at which the way of sending changes.
var sizes = map[string]int{
	"nothing in it": 0, "small": 5, "a piece": googledrive.Piece, "a piece and a byte": googledrive.Piece + 1, "several pieces": 3*googledrive.Piece + 17,
}

func TestExecute(t *testing.T) {
	t.Parallel()
	for name, size := range sizes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := googletest.New(t)
			res, err := resolved(t, f.Destination).Execute(t.Context(), served(t, request(googletest.Expired, map[string]string{"format": "csv"}), content(size)))
			if err != nil || res.State != nil {
				t.Fatalf("%+v, %v", res, err)
			}
			made := f.Named("orders.csv")
			if len(made) != 1 {
				t.Fatalf("%d files, want 1", len(made))
			}
			if !bytes.Equal(made[0].Content, content(size)) {
				t.Errorf("the file has %d bytes, want %d", len(made[0].Content), size)
			}
			if got, want := made[0].MIME, "text/csv"; got != want {
				t.Errorf("type %q, want %q", got, want)
			}
			if n := len(f.Uploads); n != 0 {
				t.Errorf("%d uploads left", n)
			}
		})
	}
}

func TestPlace(t *testing.T) {
	t.Parallel()
	const drive = "https://drive.google.com/drive/"
	for name, tt := range map[string]struct {
		form    map[string]string
		parent  string // or
		message string
	}{
		"the top of my drive":       {nil, "root", ""},
		"a folder":                  {map[string]string{"folder": "folder1folder1"}, "folder1folder1", ""},
		"the top of a shared drive": {map[string]string{"drive": "drive1", "folder": "root"}, "drive1", ""},
		"a folder of a shared one":  {map[string]string{"drive": "drive1", "folder": "folder3folder3"}, "folder3folder3", ""},
		"an address":                {map[string]string{"folderid": drive + "u/0/folders/folder2folder2?usp=sharing"}, "folder2folder2", ""},
		"an older address":          {map[string]string{"folderid": "https://drive.google.com/open?id=folder2folder2"}, "folder2folder2", ""},
		"an id":                     {map[string]string{"folderid": "folder2folder2"}, "folder2folder2", ""},
		"another drive's address":   {map[string]string{"folderid": drive + "folders/folder3folder3"}, "folder3folder3", ""},
		"my drive's address":        {map[string]string{"folderid": drive + "my-drive"}, "root", ""},
		"an address of nothing":     {map[string]string{"folderid": drive + "folders/nothingnothing"}, "", "The folder does not exist, or the user cannot access it."},
		"a folder in the bin":       {map[string]string{"folderid": drive + "folders/foldergonegone"}, "", "The folder does not exist, or the user cannot access it."},
		"no address":                {map[string]string{"folderid": "reports"}, "", `"folderid" must be the address of a folder, such as https://drive.google.com/drive/folders/1aBcDeFgHiJk.`},
		"a folder that is gone":     {map[string]string{"folder": "nothing"}, "", "Google Drive returned 404: File not found: nothing."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := googletest.New(t)
			_, err := resolved(t, f.Destination).Execute(t.Context(), served(t, request(googletest.Fresh, tt.form), []byte("a")))
			if tt.message != "" {
				if action.MessageOf(err) != tt.message || len(f.Named("orders.csv")) != 0 {
					t.Errorf("error %v", err)
				}
				return
			}
			made := f.Named("orders.csv")
			if err != nil || len(made) != 1 || made[0].Parent != tt.parent {
				t.Errorf("%d files, %v", len(made), err)
			}
		})
	}
}

// Who is not on the list delivers nothing: nothing is even fetched.
func TestDomains(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		domains, email string
		verified       bool
		message        string
	}{
		"no list":           {"", "", false, ""},
		"listed":            {"facts.com, car.com", "user@car.com", true, ""},
		"in capitals":       {"Car.Com", "user@CAR.com", true, ""},
		"ends like it":      {"car.com", "user@scar.com", true, "not on the allowlist"},
		"below it":          {"car.com", "user@evil.car.com", true, "not on the allowlist"},
		"in the name":       {"car.com", "user@car.com@evil.com", true, "not on the allowlist"},
		"no address":        {"car.com", "", true, "cannot be checked"},
		"not verified":      {"car.com", "user@car.com", false, "cannot be checked"},
		"nothing before it": {"car.com", "@car.com", true, "cannot be checked"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := googletest.New(t)
			f.Email, f.Verified = tt.email, tt.verified
			req := served(t, request(googletest.Fresh, nil), []byte("a"))
			req.Params["domain_allowlist"] = tt.domains
			res, err := resolved(t, f.Destination).Execute(t.Context(), req)
			if tt.message == "" {
				if err != nil || len(f.Named("orders.csv")) != 1 {
					t.Errorf("error %v", err)
				}
				return
			}
			if !strings.Contains(action.MessageOf(err), tt.message) {
				t.Errorf("error %v", err)
			}
			if res == nil || res.State.Data != action.Reset {
				t.Errorf("response %+v, want one that resets the state", res)
			}
			if n := f.Calls("session"); n != 0 {
				t.Errorf("%d uploads", n)
			}
		})
	}
}

// An answer that is lost, a temporary error, or a piece of which a part arrived: the
// file is there once, and whole.
func TestRepeated(t *testing.T) {
	t.Parallel()
	body := content(3*googledrive.Piece + 17)
	for name, reply := range map[string]actiontest.Reply{
		"limited":       googletest.Refusal(429, "rateLimitExceeded", "Rate Limit Exceeded"),
		"limited (403)": googletest.Refusal(403, "userRateLimitExceeded", "User Rate Limit Exceeded"),
		"unavailable":   {Status: 503}, "reset": {Reset: true},
	} {
		for what, n := range map[string]int{"session": 1, "piece": 2, "piece, the last": 4} {
			for when, set := range map[string]func(*googletest.Fake, func(string, int) *actiontest.Reply){
				"before": func(f *googletest.Fake, once func(string, int) *actiontest.Reply) { f.Before = once },
				"after":  func(f *googletest.Fake, once func(string, int) *actiontest.Reply) { f.After = once },
			} {
				t.Run(name+" "+when+" "+what, func(t *testing.T) {
					t.Parallel()
					f := googletest.New(t)
					call, _, _ := strings.Cut(what, ",")
					set(f, googletest.Once(call, n, reply))
					if _, err := resolved(t, f.Destination).Execute(t.Context(), served(t, request(googletest.Fresh, nil), body)); err != nil {
						t.Fatal(err)
					}
					if made := f.Named("orders.csv"); len(made) != 1 || !bytes.Equal(made[0].Content, body) {
						t.Errorf("%d files", len(made))
					}
				})
			}
		}
	}
	for _, size := range []int{googledrive.Piece / 2, 2*googledrive.Piece + 5} {
		f := googletest.New(t)
		f.Accept = 1000
		if _, err := resolved(t, f.Destination).Execute(t.Context(), served(t, request(googletest.Fresh, nil), content(size))); err != nil {
			t.Fatal(err)
		}
		if made := f.Named("orders.csv"); len(made) != 1 || !bytes.Equal(made[0].Content, content(size)) {
			t.Errorf("a part of a piece: %d files", len(made))
		}
	}
}

// What fails for good leaves no file and no upload, and says why.
func TestDriveFails(t *testing.T) {
	t.Parallel()
	doubt := " The file may already have been written. Check before retrying."
	for name, tt := range map[string]struct {
		what  string
		reply actiontest.Reply
		kind  action.Kind
		want  string
	}{
		"full":              {"session", googletest.Refusal(403, "storageQuotaExceeded", "The user's Drive storage quota has been exceeded."), action.Invalid, "The Google Drive is full."},
		"not allowed":       {"piece", googletest.Refusal(403, "insufficientFilePermissions", "no"), action.Forbidden, "The user is not allowed to write to this folder or file."},
		"API not enabled":   {"session", googletest.Refusal(403, "accessNotConfigured", "no"), action.Internal, "The API is not enabled in the Google Cloud project of the hub's OAuth client. The hub's administrator must enable it."},
		"session gone":      {"piece", googletest.Refusal(404, "notFound", "Not Found"), action.Unavailable, "Google Drive closed the upload before it was complete. No file was written."},
		"unavailable":       {"piece", actiontest.Reply{Status: 500}, action.Unavailable, "Google Drive returned 500 Internal Server Error." + doubt},
		"a reset":           {"piece", actiontest.Reply{Reset: true}, action.Unavailable, "The connection to Google Drive failed." + doubt},
		"limited":           {"piece", googletest.Refusal(403, "rateLimitExceeded", "Rate Limit Exceeded"), action.RateLimited, "Google Drive returned 403: Rate Limit Exceeded"},
		"no progress":       {"piece", actiontest.Reply{Status: 308}, action.Unavailable, "Google Drive accepted no more of the data." + doubt},
		"an odd range":      {"piece", actiontest.Reply{Status: 308, Header: map[string]string{"Range": "bytes=7-9"}}, action.Unavailable, "Unexpected response from Google Drive." + doubt},
		"no session":        {"session", actiontest.Reply{}, action.Unavailable, "Unexpected response from Google Drive."},
		"session elsewhere": {"session", actiontest.Reply{Header: map[string]string{"Location": "https://evilgoogleapis.com/x"}}, action.Unavailable, "Unexpected response from Google Drive."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := googletest.New(t)
			f.Before = googletest.Always(tt.what, tt.reply)
			_, err := resolved(t, f.Destination).Execute(t.Context(), served(t, request(googletest.Fresh, nil), []byte("a")))
			if action.KindOf(err) != tt.kind || action.MessageOf(err) != tt.want {
				t.Errorf("error %v (%v)", err, action.KindOf(err))
			}
			if len(f.Named("orders.csv")) != 0 || len(f.Uploads) != 0 {
				t.Errorf("%d files, %d uploads left", len(f.Named("orders.csv")), len(f.Uploads))
			}
			for _, r := range f.Requests() {
				if strings.Contains(r.Host, "evil") {
					t.Error("the access token went elsewhere")
				}
			}
		})
	}
}

// A file that is not what was sent is removed, or put into the bin.
func TestDamaged(t *testing.T) {
	t.Parallel()
	for _, bin := range []bool{false, true} {
		f := googletest.New(t)
		f.BadSum, f.CannotDelete = true, bin
		_, err := resolved(t, f.Destination).Execute(t.Context(), served(t, request(googletest.Fresh, nil), []byte("a")))
		if action.MessageOf(err) != "The data was corrupted in transit to Google Drive." {
			t.Errorf("error %v", err)
		}
		for _, left := range f.Named("orders.csv") {
			if !left.Trashed {
				t.Error("the file is still there")
			}
		}
	}
}

func TestBrokenSource(t *testing.T) {
	t.Parallel()
	for name, size := range sizes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := googletest.New(t)
			req := actiontest.Download(t, request(googletest.Fresh, nil), actiontest.BrokenDownload(string(content(size))))
			if _, err := resolved(t, f.Destination).Execute(t.Context(), req); action.KindOf(err) != action.Unavailable {
				t.Errorf("error %v", err)
			}
			if len(f.Named("orders.csv")) != 0 || len(f.Uploads) != 0 {
				t.Errorf("%d files, %d uploads left", len(f.Named("orders.csv")), len(f.Uploads))
			}
		})
	}
}

func TestNotSignedIn(t *testing.T) {
	t.Parallel()
	for name, state := range map[string]string{"never": "", "null": "null", "gone": googletest.Gone, "no object": "[1]"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := googletest.New(t)
			res, err := resolved(t, f.Destination).Execute(t.Context(), served(t, request(state, nil), []byte("a")))
			if action.KindOf(err) != action.Unauthenticated || res == nil || res.State.Data != action.Reset {
				t.Errorf("%+v, %v", res, err)
			}
		})
	}
}

// A sign-in that Google ended says why that can be: the seven days of a consent screen in status Testing are the usual
// surprise.
func TestSignInEnded(t *testing.T) {
	t.Parallel()
	f := googletest.New(t)
	_, err := resolved(t, f.Destination).Execute(t.Context(), served(t, request(googletest.Gone, nil), []byte("a")))
	want := "The sign-in at Google is missing or no longer valid. Open the form in Looker and log in again. Google ends it if access was " +
		"revoked, the password changed, or it was not used for six months. If it ends after seven days, the OAuth consent screen is in " +
		"status Testing: the hub's administrator must publish the app."
	if got := action.MessageOf(err); got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	form, err := resolved(t, f.Destination).Form.Form(t.Context(), request(googletest.Gone, nil))
	if err != nil {
		t.Fatal(err)
	}
	if got := form.Fields[0].Description; !strings.HasPrefix(got, want) {
		t.Errorf("description %q", got)
	}
}

func TestMediaTypeAndName(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		mime, extension, format, filename string
		wantMIME, wantName                string
	}{
		"Looker says": {
			mime: "application/pdf;base64", extension: "pdf", format: "csv", filename: "a",
			wantMIME: "application/pdf", wantName: "a",
		},
		"by format": {
			mime: "no type", extension: "x", format: "wysiwyg_png", filename: "a.b", wantMIME: "image/png",
			wantName: "a.b",
		},
		"not known": {
			mime: "no type", extension: "x", format: "new", filename: "ö/'x",
			wantMIME: "application/octet-stream", wantName: "ö/'x",
		},
		"the title": {
			mime: "text/csv", extension: "csv", format: "csv", wantMIME: "text/csv", wantName: "Orders by day.csv",
		},
		"a charset": {
			mime: "text/csv; charset=utf-8", extension: "csv", filename: "a", wantMIME: "text/csv", wantName: "a",
		},
		"two in a field": {
			mime: "text/csv\r\nX: 1", extension: "csv", filename: "a", wantMIME: "application/octet-stream",
			wantName: "a",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := googletest.New(t)
			req := actiontest.Inline(t, request(googletest.Fresh, map[string]string{"format": tt.format, "filename": tt.filename}), tt.mime, tt.extension, []byte("abc"))
			if _, err := resolved(t, f.Destination).Execute(t.Context(), req); err != nil {
				t.Fatal(err)
			}
			if made := f.Named(tt.wantName); len(made) != 1 || made[0].MIME != tt.wantMIME || string(made[0].Content) != "abc" {
				t.Errorf("files %+v", made)
			}
		})
	}
}

func TestLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		deps := actiontest.Deps(t, nil, env)
		deps.HTTP = actiontest.Late()
		req := actiontest.Inline(t, request(googletest.Fresh, nil), "text/csv", "csv", []byte("a"))
		_, err := actiontest.New(t, googledrive.New, deps).Execute(t.Context(), req)
		if action.KindOf(err) != action.Timeout || action.MessageOf(err) != "Google Drive did not respond in time." {
			t.Errorf("error %v", err)
		}
	})
}
