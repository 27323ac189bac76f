package kloudio_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/kloudio"
)

var env = map[string]string{
	"KLOUDIO_SIGNED_URL": `"https://api.kloud.example.com/v1/signed?key="`,
	"KLOUDIO_API_URL":    `'https://api.kloud.example.com/v1/import'`,
}

func form() map[string]string {
	return map[string]string{"apiKey": "k&y=1", "url": "https://docs.google.com/spreadsheets/d/abc-D_1/edit#gid=42"}
}

const small = `{"fields":{"dimensions":[{"name":"d","label":"Day"}]},"data":[{"d":{"value":"x"}}]}`

// api answers Kloudio's three calls in their order.
type api struct {
	sign, put, add actiontest.Reply
}

func good() api {
	return api{
		sign: actiontest.Reply{Body: `{"success":true,"signedURL":"'https://bucket.example.com/f?sig=s3cret'"}`},
		put:  actiontest.Reply{},
		add:  actiontest.Reply{Body: `{"success":true,"message":"ok"}`},
	}
}

func (a api) handle(r actiontest.Recorded) actiontest.Reply {
	switch r.Method {
	case http.MethodGet:
		return a.sign
	case http.MethodPut:
		return a.put
	default:
		return a.add
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	_, err := kloudio.New(actiontest.Deps(t, nil, nil))
	missing, ok := errors.AsType[*action.MissingSettingsError](err)
	if !ok || !cmp.Equal(missing.Keys, []string{"KLOUDIO_API_URL", "KLOUDIO_SIGNED_URL"}) {
		t.Errorf("error %v", err)
	}
	for _, bad := range []string{"http://api.example.com/", "undefined", "https://"} {
		if _, err := kloudio.New(actiontest.Deps(t, nil, map[string]string{"KLOUDIO_SIGNED_URL": bad, "KLOUDIO_API_URL": bad})); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}

// The three calls as they go over the wire.
func TestWire(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(good().handle)
	i := actiontest.New(t, kloudio.New, actiontest.Deps(t, d, env))
	req := actiontest.JSONDetail(t, actiontest.Query(nil, form()), `{"fields":{"measures":[{"name":"n","label":"N"}],"filters":[{"name":"f"}],
		"dimensions":[{"name":"d","label":"Day"},{"name":"e","label_short":"E"}],"table_calculations":[{"name":"c","label":"C"}]},"pivots":[{"key":"a"},{"key":"b"}],
		"data":[{"d":{"value":"2026-11-23","rendered":"Nov 23"},"e":{"value":12345678901234567890,"rendered":""},"n":{"a":{"value":1.50,"rendered":"1.50"},"b":{"value":0,"rendered":"€0"}},"c":{"value":true}},
		{"d":{"value":null},"n":{"b":{"value":"\"q\""}}}]}`)
	res, err := i.Execute(t.Context(), req)
	if err != nil || res.Message != "2 rows sent to Kloudio." {
		t.Fatalf("%+v, %v", res, err)
	}
	calls := d.Requests()
	if len(calls) != 3 {
		t.Fatalf("%d calls", len(calls))
	}
	file := calls[0].Query.Get("key")
	if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\.json$`).MatchString(file) {
		t.Errorf("file %q", file)
	}
	if r := calls[0]; r.Host+r.Path != "api.kloud.example.com/v1/signed" || len(r.Query) != 2 || r.Query.Get("apiKey") != "k&y=1" {
		t.Errorf("asked %s%s?%v", r.Host, r.Path, r.Query)
	}
	const want = `[["Day","E","N a","N b","C a","C b"],["Nov 23",12345678901234567890,1.50,"€0",true,true],[null,null,null,"\"q\"",null,null]]`
	if r := calls[1]; r.Method != http.MethodPut || r.Host+r.Path != "bucket.example.com/f" || r.Query.Get("sig") != "s3cret" ||
		r.Header.Get("Content-Type") != "application/json" || r.Header.Get("Content-Length") != fmt.Sprint(len(r.Body)) || strings.TrimSpace(string(r.Body)) != want {
		t.Errorf("put %s%s %v\n%s\nwant\n%s", r.Host, r.Path, r.Header, r.Body, want)
	}
	var got map[string]any
	if err := json.Unmarshal(calls[2].Body, &got); err != nil {
		t.Fatal(err)
	}
	add := map[string]any{
		"destination": "looker", "apiKey": "k&y=1", "spreadsheetId": "abc-D_1", "sheetId": "42", "s3Upload": true, "data": file, "reportName": "Looker Report",
	}
	if diff := cmp.Diff(add, got); diff != "" || calls[2].Method != http.MethodPost || calls[2].Host+calls[2].Path != "api.kloud.example.com/v1/import" {
		t.Errorf("%s %s%s (-want +got):\n%s", calls[2].Method, calls[2].Host, calls[2].Path, diff)
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	const odd = `"url" must be the address of a sheet, such as https://docs.google.com/spreadsheets/d/…/edit#gid=0.`
	for name, tt := range map[string]struct {
		change  func(*action.Request)
		result  string
		message string
	}{
		"no key":           {func(r *action.Request) { delete(r.Form, "apiKey") }, small, "Missing API key"},
		"no address":       {func(r *action.Request) { delete(r.Form, "url") }, small, "Missing Google sheets URL"},
		"another host":     {func(r *action.Request) { r.Form["url"] = "https://example.com/" + form()["url"] }, small, odd},
		"no sheet":         {func(r *action.Request) { r.Form["url"] = "https://docs.google.com/spreadsheets/d/abc/edit" }, small, odd},
		"dots that match":  {func(r *action.Request) { r.Form["url"] = "https://docsXgoogle.com/spreadsheets/d/abc/edit#gid=1" }, small, odd},
		"no result":        {func(*action.Request) {}, `{"a":1}`, "The data is not a complete result in Looker's json_detail format."},
		"a broken result":  {func(*action.Request) {}, small[:len(small)-4], "The data ended before the result was complete."},
		"a failed query":   {func(*action.Request) {}, `{"errors":[{"message":"No."}],"fields":{},"data":[]}`, "Looker's query failed: No."},
		"a result of rows": {func(*action.Request) {}, `[{"d":"x"}]`, "The data is not a complete result in Looker's json_detail format."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(good().handle)
			i := actiontest.New(t, kloudio.New, actiontest.Deps(t, d, env))
			req := actiontest.JSONDetail(t, actiontest.Query(nil, form()), tt.result)
			tt.change(req)
			if _, err := i.Execute(t.Context(), req); err == nil || action.MessageOf(err) != tt.message {
				t.Errorf("error %v, want %q", err, tt.message)
			}
			if len(d.Requests()) != 0 {
				t.Error("Kloudio was called")
			}
		})
	}
	i := actiontest.New(t, kloudio.New, actiontest.Deps(t, nil, env))
	if _, err := i.Execute(t.Context(), actiontest.Query(nil, form())); action.MessageOf(err) != "No attached json." {
		t.Errorf("without data: %v", err)
	}
}

// Addresses as Google Sheets shows them now.
func TestSheetAddresses(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"https://docs.google.com/spreadsheets/d/abc/edit?gid=7#gid=7",
		"https://docs.google.com/spreadsheets/u/1/d/abc/edit?usp=sharing#gid=7",
		" https://docs.google.com/spreadsheets/d/abc/edit#gid=7&range=A1 ",
	} {
		d := actiontest.NewDestination(t).Handle(good().handle)
		i := actiontest.New(t, kloudio.New, actiontest.Deps(t, d, env))
		req := actiontest.JSONDetail(t, actiontest.Query(nil, form()), small)
		req.Form["url"] = address
		if _, err := i.Execute(t.Context(), req); err != nil {
			t.Fatalf("%s: %v", address, err)
		}
		if body := string(d.Requests()[2].Body); !strings.Contains(body, `"spreadsheetId":"abc"`) || !strings.Contains(body, `"sheetId":"7"`) {
			t.Errorf("%s: %s", address, body)
		}
	}
}

func TestKloudioFails(t *testing.T) {
	t.Parallel()
	const doubt = " Kloudio may have added the rows all the same: look at the sheet before sending them again."
	for name, tt := range map[string]struct {
		change  func(*api)
		kind    action.Kind
		message string
		// calls of each method.
		get, put, post int
	}{
		"a wrong key":    {func(a *api) { a.sign = actiontest.Reply{Status: 401, Body: `{"error":"no key k&y=1"}`} }, action.Unauthenticated, "Kloudio answered 401: no key …", 1, 0, 0},
		"an error page":  {func(a *api) { a.sign = actiontest.Reply{Status: 403, Body: `<html>`} }, action.Forbidden, "Kloudio answered 403 Forbidden.", 1, 0, 0},
		"no address":     {func(a *api) { a.sign = actiontest.Reply{Body: `{}`} }, action.Invalid, "Kloudio gave no address to put the data at.", 1, 0, 0},
		"an odd address": {func(a *api) { a.sign = actiontest.Reply{Body: `{"signedURL":"file:///etc/passwd"}`} }, action.Invalid, "Kloudio gave no address to put the data at.", 1, 0, 0},
		"an address, yet no": {func(a *api) {
			a.sign.Body = `{"success":false,"signedURL":"https://b.example.com/","message":"Too many."}`
		}, action.Invalid, "Kloudio says: Too many.", 1, 0, 0},
		"storage refuses":       {func(a *api) { a.put = actiontest.Reply{Status: 403} }, action.Forbidden, "Kloudio's storage answered 403 Forbidden. Nothing was added to the sheet.", 1, 1, 0},
		"the import refuses":    {func(a *api) { a.add = actiontest.Reply{Status: 400, Body: `{"error":"No such sheet."}`} }, action.Invalid, "Kloudio answered 400: No such sheet.", 1, 1, 1},
		"the import fails":      {func(a *api) { a.add = actiontest.Reply{Body: `{"success":false,"message":"No access."}`} }, action.Invalid, "Kloudio says: No access.", 1, 1, 1},
		"the import says what":  {func(a *api) { a.add = actiontest.Reply{Body: `{}`} }, action.Invalid, "Kloudio did not add the rows, and does not say why.", 1, 1, 1},
		"the import is cut off": {func(a *api) { a.add = actiontest.Reply{Reset: true} }, action.Unavailable, "The connection to Kloudio failed." + doubt, 1, 1, 1},
		"the import is broken":  {func(a *api) { a.add = actiontest.Reply{Status: 500, Body: "Server Error"} }, action.Unavailable, "Kloudio answered 500 Internal Server Error." + doubt, 1, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := good()
			tt.change(&a)
			d := actiontest.NewDestination(t).Handle(a.handle)
			i := actiontest.New(t, kloudio.New, actiontest.Deps(t, d, env))
			_, err := i.Execute(t.Context(), actiontest.JSONDetail(t, actiontest.Query(nil, form()), small))
			if action.KindOf(err) != tt.kind || action.MessageOf(err) != tt.message {
				t.Errorf("error %v (%v)", err, action.KindOf(err))
			}
			if strings.Contains(fmt.Sprint(err), "k&y") || strings.Contains(fmt.Sprint(err), "s3cret") {
				t.Errorf("the error tells too much: %v", err)
			}
			calls := map[string]int{}
			for _, r := range d.Requests() {
				calls[r.Method]++
			}
			if calls["GET"] != tt.get || calls["PUT"] != tt.put || calls["POST"] != tt.post {
				t.Errorf("calls %v", calls)
			}
		})
	}
}

// The upload is made again where it can succeed, whole.
func TestUploadAgain(t *testing.T) {
	t.Parallel()
	a, puts := good(), 0
	d := actiontest.NewDestination(t).Handle(func(r actiontest.Recorded) actiontest.Reply {
		if r.Method == http.MethodPut {
			if puts++; puts == 1 {
				return actiontest.Reply{Status: 503, Header: map[string]string{"Retry-After": "1"}}
			}
		}
		return a.handle(r)
	})
	i := actiontest.New(t, kloudio.New, actiontest.Deps(t, d, env))
	if _, err := i.Execute(t.Context(), actiontest.JSONDetail(t, actiontest.Query(nil, form()), small)); err != nil {
		t.Fatal(err)
	}
	calls := d.Requests()
	if len(calls) != 4 || string(calls[1].Body) != string(calls[2].Body) || len(calls[2].Body) == 0 {
		t.Errorf("%d calls", len(calls))
	}
}
