package looker_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/looker"
)

// A form is requested again when an interactive field changes, with the values so far.
func TestInteractiveForm(t *testing.T) {
	t.Parallel()
	_, i, id := crm(t)
	before := len(i.Calls(0))
	form, values, err := i.FillForm(t.Context(), analyst, id, map[string]string{"team": "b", "channel": "random", "nope": "x"})
	if err != nil || form.Error != "" || len(form.Fields) != 2 {
		t.Fatalf("%+v, %v", form, err)
	}
	if diff := cmp.Diff(map[string]string{"team": "b", "channel": "random"}, values); diff != "" {
		t.Error(diff)
	}
	var bodies []string
	for _, c := range i.Calls(0)[before:] {
		_, fields, _ := strings.Cut(c.Body, `"form_params":`)
		fields, _, _ = strings.Cut(fields, "}")
		bodies = append(bodies, fields)
	}
	if diff := cmp.Diff([]string{"{", `{"team":"b"`}, bodies); diff != "" {
		t.Errorf("requests for the form (-want +got):\n%s", diff)
	}
	_, defaults, err := i.FillForm(t.Context(), analyst, id, nil)
	if diff := cmp.Diff(map[string]string{"team": "a"}, defaults); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

// Forms are objects, arrays or errors.
func TestForms(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ answer, want string }{
		"an array":            {`[{"name":"a"}]`, "a"},
		"an object":           {`{"fields":[{"name":"a"}],"state":null}`, "a"},
		"an error":            {`{"error":"The key is wrong."}`, "The key is wrong."},
		"an error object":     {`{"error":{"message":"The key is wrong."}}`, "The key is wrong."},
		"another error":       {`{"error":{"code":1}}`, "The action hub cannot make the form."},
		"no JSON":             {`<html>`, "form is not valid"},
		"a state of no shape": {`{"fields":[],"state":"x"}`, "state in the action hub's response is not valid"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			form := respond(t, 200, tt.answer)
			list := respond(t, 200, `{"label":"x","integrations":[{"name":"a","label":"A","supported_action_types":["query"],"url":"https://x/","form_url":"`+form.URL+`"}]}`)
			i := newInstance(t, nil)
			id := i.addHub(list.URL, "") + "::a"
			got, err := i.Form(t.Context(), admin, id, nil)
			text := got.Error
			if err != nil {
				text = err.Error()
			}
			for _, f := range got.Fields {
				text += f.Name
			}
			if !strings.Contains(text, tt.want) {
				t.Errorf("%+v, %v", got, err)
			}
			want, success := 422, "false"
			if tt.want == "a" {
				want, success = 200, "true"
			}
			i.ask("POST", "/integrations/"+id+"/form", "", want)
			if test := i.ask("POST", "/integrations/"+id+"/test", "", 200); !strings.Contains(test, `"success":`+success) {
				t.Error(test)
			}
		})
	}
}

// A user signs in at a provider. The hub hands the tokens to Looker, or Looker fetches them; then the
// hub has them with each request of this user, and of no other.
func TestSignIn(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"drive", "sheets"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHub(t)
			i := newInstance(t, nil)
			id := i.addHub(h.URL, h.token) + "::" + name
			i.enable(id, nil)
			page, err := i.SignIn(t.Context(), analyst, id)
			if err != nil || page.Status != http.StatusOK || !page.SignedIn {
				t.Fatalf("%+v, %v", page, err)
			}
			if i.HasState(admin, id) {
				t.Error("another user is signed in, too")
			}
			if _, err := i.Run(t.Context(), looker.Action{User: analyst, Integration: id, Format: "csv", Data: []byte("a")}); err != nil {
				t.Fatal(err)
			}
			if _, err := i.Run(t.Context(), looker.Action{User: admin, Integration: id, Format: "csv", Data: []byte("a")}); err != nil {
				t.Fatal(err)
			}
			var states []string
			for _, d := range h.received() {
				states = append(states, d.State)
			}
			if diff := cmp.Diff([]string{`{"token":"provider-token-of-` + name + `"}`, ""}, states); diff != "" {
				t.Errorf("states (-want +got):\n%s", diff)
			}
			if form, err := i.Form(t.Context(), analyst, id, nil); err != nil || form.Fields[0].Name != "team" {
				t.Errorf("the form after the sign-in: %+v, %v", form, err)
			}
			for _, c := range i.Calls(0) {
				if strings.Contains(c.Body+c.Response, "provider-token") {
					t.Errorf("the journal has the tokens: %+v", c)
				}
			}
		})
	}
}

// A sign-in that fails leaves no state, and says why.
func TestSignInFails(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	i := newInstance(t, nil)
	hub := i.addHub(h.URL, h.token)
	for _, name := range []string{"drive", "sheets"} {
		id := hub + "::" + name
		form, err := i.Form(t.Context(), analyst, id, nil)
		if err != nil || form.Fields[0].OAuthURL == "" {
			t.Fatalf("%+v, %v", form, err)
		}
		page := signInWhile(t, h, i, id)
		if page.SignedIn || page.Status != http.StatusBadGateway || !strings.Contains(page.Text, "The code has expired.") || i.HasState(analyst, id) {
			t.Errorf("%s: %+v", name, page)
		}
	}
	if _, err := i.SignIn(t.Context(), analyst, hub+"::bucket"); err == nil {
		t.Error("a sign-in without a form")
	}
	if _, err := i.SignIn(t.Context(), analyst, hub+"::nope"); err == nil {
		t.Error("a sign-in without an integration")
	}
}

// signInWhile signs in while the provider refuses codes: only the form works.
func signInWhile(t *testing.T, h *realHub, i *instance, id string) looker.Page {
	t.Helper()
	h.refuseCodes(true)
	defer h.refuseCodes(false)
	page, err := i.SignIn(t.Context(), analyst, id)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// The addresses of a sign-in are valid once, for an hour, and for nothing else.
func TestOneTimeAddresses(t *testing.T) {
	t.Parallel()
	var bodies []string
	form := serveBodies(t, `{"fields":[]}`, &bodies)
	list := respond(t, 200, `{"label":"x","integrations":[{"name":"a","label":"A","supported_action_types":["query"],"url":"`+form.URL+`","form_url":"`+form.URL+`","token_url":"`+form.URL+`","uses_oauth":true,"supported_download_settings":["url"]}]}`)
	i := newInstance(t, nil)
	id := i.addHub(list.URL, "") + "::a"
	i.enable(id, nil)
	ask := func() map[string]string {
		t.Helper()
		if _, err := i.Form(t.Context(), admin, id, nil); err != nil {
			t.Fatal(err)
		}
		all := decode[struct {
			Data          map[string]string
			StateURL      string `json:"state_url"`
			StateRedirURL string `json:"state_redir_url"`
		}](t, bodies[len(bodies)-1]).T
		if all.Data["state_url"] != all.StateURL {
			t.Errorf("two addresses: %+v", all)
		}
		return map[string]string{"state": all.StateURL, "redirect": all.StateRedirURL}
	}
	post := func(address, body string) int {
		t.Helper()
		res, err := i.Client().Post(address, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res.StatusCode
	}
	get := func(address string) int {
		t.Helper()
		res, err := i.Client().Get(address)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res.StatusCode
	}
	first := ask()
	for _, step := range []struct {
		what      string
		got, want int
	}{
		{"GET of the state address", get(first["state"]), 405},
		{"an empty state", post(first["state"], ""), 400},
		{"a state that is too large", post(first["state"], strings.Repeat("x", 33<<10)), 400},
		{"the state", post(first["state"], `{"token":"t"}`), 200},
		{"the state again", post(first["state"], `{"token":"t"}`), 404},
		{"an address that was never given", post(i.URL+"/action_hub_state/x", "{}"), 404},
		{"the browser without a state", get(first["redirect"]), 404},
		{"the browser again", get(first["redirect"] + "?state=x"), 404},
	} {
		if step.got != step.want {
			t.Errorf("%s: %d, want %d", step.what, step.got, step.want)
		}
	}
	if !i.HasState(admin, id) {
		t.Error("the state was not stored")
	}
	late := ask()
	i.now.Advance(time.Hour)
	if got := post(late["state"], "{}"); got != 404 {
		t.Errorf("after an hour: %d", got)
	}
	if _, err := i.Run(t.Context(), looker.Action{User: admin, Integration: id, Format: "csv", Data: []byte("a,b\n")}); err == nil {
		t.Error("the destination's answer is not an outcome")
	}
	download := decode[struct {
		Plan struct {
			URL string `json:"download_url"`
		} `json:"scheduled_plan"`
	}](t, bodies[len(bodies)-1]).T.Plan.URL
	if got := post(download, ""); got != 404 {
		t.Errorf("POST of a download: %d", got)
	}
	if got := get(download); got != 200 {
		t.Errorf("the download: %d", got)
	}
	if got := get(download); got != 404 {
		t.Errorf("the download again: %d", got)
	}
	forgotten := ask()
	i.Restart()
	if got := post(forgotten["state"], "{}"); got != 404 {
		t.Errorf("after a restart: %d", got)
	}
}

// A hub can replace and delete the state with each response, and Looker requests the form again when
// it is due, at most every ten minutes.
func TestState(t *testing.T) {
	t.Parallel()
	h, i, id := crm(t)
	run := func(state *action.State) {
		t.Helper()
		h.set(state, nil)
		if result, err := i.Run(t.Context(), looker.Action{User: analyst, Integration: id, Format: "csv", Data: []byte("a")}); err != nil || !result.Success {
			t.Fatalf("%+v, %v", result, err)
		}
	}
	refreshed := func(after time.Duration, want int) {
		t.Helper()
		i.now.Advance(after)
		if got, err := i.RefreshStates(t.Context()); err != nil || got != want {
			t.Errorf("%d forms were requested, want %d: %v", got, want, err)
		}
	}
	run(&action.State{Data: `{"refresh":"refresh-token-1"}`, RefreshTime: 60})
	refreshed(9*time.Minute, 0)
	h.set(&action.State{Data: `{"refresh":"refresh-token-2"}`, RefreshTime: 3600}, nil)
	refreshed(time.Minute, 1)
	refreshed(59*time.Minute, 0)
	h.set(nil, action.Errorf(action.Unavailable, "Later."))
	refreshed(time.Minute, 1)
	refreshed(time.Minute, 0)
	h.set(nil, nil)
	run(nil)
	all := h.received()
	if got := all[len(all)-1].State; got != `{"refresh":"refresh-token-2"}` {
		t.Errorf("the state is %s", got)
	}
	run(&action.State{Data: "reset"})
	if i.HasState(analyst, id) {
		t.Error("the state was not deleted")
	}
	if err := i.SetState(analyst, id, "x", 0); err != nil || !i.HasState(analyst, id) {
		t.Error(err)
	}
	run(&action.State{RefreshTime: 600})
	if i.HasState(analyst, id) {
		t.Error("a state without data was not deleted")
	}
	for _, err := range []error{
		i.SetState(analyst, id, strings.Repeat("x", 33<<10), 0), i.SetState("9", id, "x", 0), i.SetState(analyst, "9::x", "x", 0),
	} {
		if err == nil {
			t.Error("a state was accepted that Looker does not store")
		}
	}
}
