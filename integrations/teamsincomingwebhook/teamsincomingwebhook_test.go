package teamsincomingwebhook_test

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/teamsincomingwebhook"
)

const (
	connector = "https://acme.webhook.office.com/webhookb2/11@22/IncomingWebhook/s3cret/44"
	workflow  = "https://prod-23.westeurope.logic.azure.com:443/workflows/11/triggers/manual/paths/invoke?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sig=s3cret"
	platform  = "https://11.09.environment.api.powerplatform.com:443/powerautomate/automations/direct/workflows/22/triggers/manual/paths/invoke?api-version=1&sig=s3cret"
)

func request(address string) *action.Request {
	req := actiontest.Query(nil, map[string]string{"webhookUrl": address, "title": "Orders", "text": "First\nSecond\r\nThird", "isAttached": "true"})
	req.Plan.Model, req.Plan.View = "shop", "orders"
	return req
}

func TestForm(t *testing.T) {
	t.Parallel()
	i := actiontest.New(t, teamsincomingwebhook.New, actiontest.Deps(t, nil, nil))
	got, err := action.Resolve(i).Form.Form(t.Context(), actiontest.Query(nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("testdata/form.json")
	if err != nil {
		t.Fatal(err)
	}
	want := &action.Form{}
	if err := json.Unmarshal(text, want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("form (-want +got):\n%s", diff)
	}
}

// An old URL in a form is described by what to do about it.
func TestFormWithOldURL(t *testing.T) {
	t.Parallel()
	const standard = "The URL of a workflow. Old ones at logic.azure.com and those of connectors no longer work: copy the new URL from the workflow."
	for name, tt := range map[string]struct{ address, want string }{
		"none":       {"", standard},
		"new":        {platform, standard},
		"not a URL":  {"://\x00", standard},
		"workflow":   {" " + workflow, "Microsoft replaced the URLs of workflows at logic.azure.com on November 30, 2025. Open the workflow in Teams or Power Automate, and copy the new URL."},
		"connector":  {connector, "Microsoft has retired this type of webhook. Create one with the Workflows app in Teams, and copy the new URL."},
		"look-alike": {"https://evil-logic.azure.com/x", standard},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := actiontest.New(t, teamsincomingwebhook.New, actiontest.Deps(t, nil, nil))
			form, err := action.Resolve(i).Form.Form(t.Context(), actiontest.Query(nil, map[string]string{"webhookUrl": tt.address}))
			if err != nil {
				t.Fatal(err)
			}
			if got := form.Fields[0].Description; got != tt.want {
				t.Errorf("description %q, want %q", got, tt.want)
			}
		})
	}
}

// The field says what to do, too. A host that no longer exists is a reason as well.
func TestOldURLThatIsGone(t *testing.T) {
	t.Parallel()
	missing := &http.Client{Transport: transport(func(*http.Request) (*http.Response, error) {
		return nil, &net.DNSError{Err: "no such host", Name: "prod-23.westeurope.logic.azure.com", IsNotFound: true}
	})}
	i := actiontest.New(t, teamsincomingwebhook.New, action.Deps{HTTP: missing})
	_, err := i.Execute(t.Context(), request(workflow))
	e, ok := errors.AsType[*action.Error](err)
	if !ok {
		t.Fatalf("error %v", err)
	}
	const hint = "Microsoft replaced the URLs of workflows at logic.azure.com on November 30, 2025. Open the workflow in Teams or Power Automate, and copy the new URL."
	if got, want := e.Message, "The host name of Teams does not exist. "+hint; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	if diff := cmp.Diff(map[string]string{"webhookUrl": hint}, e.Fields); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}

type transport func(*http.Request) (*http.Response, error)

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

func TestCards(t *testing.T) {
	t.Parallel()
	one, taken := actiontest.Reply{Body: "1\n"}, actiontest.Reply{Status: http.StatusAccepted}
	for _, tt := range []struct {
		name, address, golden string
		reply                 actiontest.Reply
		change                func(*action.Request)
	}{
		{"a connector", connector, "connector", one, nil},
		{"an old connector", "https://outlook.office.com/webhook/11@22/IncomingWebhook/33/44", "connector", one, nil},
		{"a connector behind a gateway", "https://gateway.example.com/teams/IncomingWebhook/33/44", "connector", one, nil},
		{"a workflow", workflow, "workflow", taken, nil},
		{"a workflow at the new addresses", platform, "workflow", taken, nil},
		{"a workflow that answers at length", workflow, "workflow", actiontest.Reply{Body: "Accepted"}, nil},
		{"a workflow behind a gateway", "https://gateway.example.com/flow", "workflow", actiontest.Reply{Status: 204}, nil},
		{"a connector, no facts", connector, "connector-plain", one, plain},
		{"a workflow, no facts", workflow, "workflow-plain", taken, plain},
		{"a connector, no flag", connector, "connector-plain", one, func(r *action.Request) { plain(r); delete(r.Form, "isAttached") }},
		{"a connector, a dashboard", connector, "connector-dashboard", one, dashboard},
		{"a workflow, a dashboard", workflow, "workflow-dashboard", taken, dashboard},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(tt.reply)
			i := actiontest.New(t, teamsincomingwebhook.New, actiontest.Deps(t, d, nil))
			req := request(tt.address)
			if tt.change != nil {
				tt.change(req)
			}
			res, err := i.Execute(t.Context(), actiontest.Inline(t, req, "text/csv", "csv", []byte("secret,rows\n")))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&action.Response{Message: "success"}, res); diff != "" {
				t.Errorf("response (-want +got):\n%s", diff)
			}
			requests := d.Requests()
			if len(requests) != 1 {
				t.Fatalf("%d cards arrived, want 1", len(requests))
			}
			r := requests[0]
			u, err := url.Parse(tt.address)
			if err != nil {
				t.Fatal(err)
			}
			wantHead := []string{http.MethodPost, u.Host, u.Path, u.Query().Encode(), "application/json; charset=utf-8"}
			gotHead := []string{r.Method, r.Host, r.Path, r.Query.Encode(), r.Header.Get("Content-Type")}
			if diff := cmp.Diff(wantHead, gotHead); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
			text, err := os.ReadFile("testdata/" + tt.golden + ".json")
			if err != nil {
				t.Fatal(err)
			}
			var want, got any
			if err := json.Unmarshal(text, &want); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(r.Body, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("card (-want +got):\n%s", diff)
			}
		})
	}
}

func plain(r *action.Request) {
	r.Form["text"], r.Form["isAttached"] = "", "false"
}

func dashboard(r *action.Request) {
	r.Type, r.Form["text"] = action.TypeDashboard, ""
	r.Plan.Title, r.Plan.Model, r.Plan.View = "Sales", "", ""
	r.Plan.Type = "Dashboard"
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		change  func(*action.Request)
		kind    action.Kind
		message string
		fields  map[string]string
	}{
		{
			"nothing answered", func(r *action.Request) { clear(r.Form) }, action.Invalid, `"webhookUrl" is required. "title" is required.`,
			map[string]string{"webhookUrl": `"webhookUrl" is required.`, "title": `"title" is required.`},
		},
		{
			"clear text", func(r *action.Request) { r.Form["webhookUrl"] = "http://acme.webhook.office.com/x" }, action.Invalid, "The url must begin with https://.",
			map[string]string{"webhookUrl": "The url must begin with https://."},
		},
		{
			"no host", func(r *action.Request) { r.Form["webhookUrl"] = "https:///x" }, action.Invalid, "The url is not valid.",
			map[string]string{"webhookUrl": "The url is not valid."},
		},
		{
			"a user name", func(r *action.Request) { r.Form["webhookUrl"] = "https://webhook.office.com@example.com/x" }, action.Invalid,
			"The url must not contain a user name.",
			map[string]string{"webhookUrl": "The url must not contain a user name."},
		},
		{
			"an odd flag", func(r *action.Request) { r.Form["isAttached"] = "maybe" }, action.Invalid, `"isAttached" must be yes or no.`,
			map[string]string{"isAttached": `"isAttached" must be yes or no.`},
		},
		{"no plan", func(r *action.Request) { r.Plan = action.Plan{} }, action.Invalid, "Teams Error: Couldn't get data from scheduledPlan", nil},
		{"a link that is a program", func(r *action.Request) { r.Plan.URL = "javascript:alert(1)" }, action.Invalid, "Teams Error: Couldn't get data from scheduledPlan", nil},
		{
			"too long", func(r *action.Request) { r.Form["text"] = strings.Repeat("x", 28<<10) }, action.TooLarge,
			"The card exceeds Teams' limit of 28 KB. Shorten its text.", nil,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t)
			i := actiontest.New(t, teamsincomingwebhook.New, actiontest.Deps(t, d, nil))
			req := request(workflow)
			tt.change(req)
			_, err := i.Execute(t.Context(), req)
			e, ok := err.(*action.Error) //nolint:errorlint // Looker gets the outermost error
			if !ok {
				t.Fatalf("error %v, want %q", err, tt.message)
			}
			if e.Message != tt.message {
				t.Errorf("message %q, want %q", e.Message, tt.message)
			}
			if e.Kind != tt.kind {
				t.Errorf("kind %v, want %v", e.Kind, tt.kind)
			}
			if len(tt.fields)+len(e.Fields) > 0 {
				if diff := cmp.Diff(tt.fields, e.Fields); diff != "" {
					t.Errorf("fields (-want +got):\n%s", diff)
				}
			}
			if len(d.Requests()) != 0 {
				t.Error("Teams was called")
			}
		})
	}
}

func TestTeamsFails(t *testing.T) {
	t.Parallel()
	const (
		doubt   = " The card may already have been posted. Check before retrying."
		retired = " Microsoft has retired this type of webhook. Create one with the Workflows app in Teams, and copy the new URL."
		moved   = " Microsoft replaced the URLs of workflows at logic.azure.com on November 30, 2025. Open the workflow in Teams or Power Automate, and copy the new URL."
	)
	for _, tt := range []struct {
		name, address string
		reply         actiontest.Reply
		kind          action.Kind
		message       string
	}{
		{"a connector that does not confirm", connector, actiontest.Reply{Body: "Bad payload s3cret"}, action.Invalid, "The webhook did not confirm the card."},
		{"a connector that says nothing", connector, actiontest.Reply{}, action.Invalid, "The webhook did not confirm the card."},
		{"a connector that says more than 1", connector, actiontest.Reply{Body: "11"}, action.Invalid, "The webhook did not confirm the card."},
		{
			"a connector for which Teams refused the size", connector,
			actiontest.Reply{Body: "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 413 with ContextId tcid=1."},
			action.TooLarge, "Teams returned 413 Request Entity Too Large. The card is too large. Shorten its text.",
		},
		{
			"Teams is unavailable behind a connector", connector,
			actiontest.Reply{Body: "Microsoft Teams endpoint returned HTTP error 502 with ContextId"},
			action.Unavailable, "Teams returned 502 Bad Gateway." + doubt,
		},
		{"a retired connector", connector, actiontest.Reply{Status: 410}, action.NotFound, "Teams returned 410 Gone." + retired},
		{
			"a connector that refuses", connector,
			actiontest.Reply{Status: 400, Body: "Bad payload received by generic incoming webhook."},
			action.Invalid, "Teams returned 400 Bad Request.",
		},
		{
			"a workflow for its tenant only", workflow,
			actiontest.Reply{Status: 401, Body: `{"error":{"code":"DirectApiAuthorizationRequired","message":"s3cret"}}`},
			action.Unauthenticated, "Teams returned 401 Unauthorized (DirectApiAuthorizationRequired). Allow anyone to trigger the workflow, and enter its complete URL, including the signature." + moved,
		},
		{
			"a new workflow for its tenant only", platform,
			actiontest.Reply{Status: 401, Body: `{"error":{"code":"DirectApiAuthorizationRequired","message":"s3cret"}}`},
			action.Unauthenticated, "Teams returned 401 Unauthorized (DirectApiAuthorizationRequired). Allow anyone to trigger the workflow, and enter its complete URL, including the signature.",
		},
		{"a connector that is not found", connector, actiontest.Reply{Status: 404}, action.NotFound, "Teams returned 404 Not Found." + retired},
		{"a connector that is forbidden", connector, actiontest.Reply{Status: 403}, action.Forbidden, "Teams returned 403 Forbidden." + retired},
		{
			"a connector of the first kind", "https://outlook.office.com/webhook/11@22/IncomingWebhook/33/44",
			actiontest.Reply{Status: 410},
			action.NotFound, "Teams returned 410 Gone." + retired,
		},
		{
			"a connector that says gone", connector,
			actiontest.Reply{Body: "Microsoft Teams endpoint returned HTTP error 410 with ContextId"},
			action.NotFound, "Teams returned 410 Gone." + retired,
		},
		{"a new workflow that is gone", platform, actiontest.Reply{Status: 404}, action.NotFound, "Teams returned 404 Not Found. There is no workflow at this URL."},
		{
			"a workflow that is off", workflow,
			actiontest.Reply{Status: 400, Body: `{"error":{"code":"WorkflowTriggerIsNotEnabled"}}`},
			action.Invalid, "Teams returned 400 Bad Request (WorkflowTriggerIsNotEnabled).",
		},
		{"a workflow that is gone", workflow, actiontest.Reply{Status: 404, Body: `{"error":{"code":"<b>"}}`}, action.NotFound, "Teams returned 404 Not Found. There is no workflow at this URL." + moved},
		{"a workflow that fails", workflow, actiontest.Reply{Status: 502}, action.Unavailable, "Teams returned 502 Bad Gateway." + doubt},
		{"another address", workflow, actiontest.Reply{Status: 302, Header: map[string]string{"Location": "https://example.com/"}}, action.Invalid, "Teams returned 302 Found."},
		{"a reset", workflow, actiontest.Reply{Reset: true}, action.Unavailable, "The connection to Teams failed." + doubt},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(tt.reply)
			i := actiontest.New(t, teamsincomingwebhook.New, actiontest.Deps(t, d, nil))
			_, err := i.Execute(t.Context(), request(tt.address))
			if got := action.MessageOf(err); got != tt.message {
				t.Errorf("message %q, want %q", got, tt.message)
			}
			if got := action.KindOf(err); got != tt.kind {
				t.Errorf("kind %v, want %v", got, tt.kind)
			}
			if err != nil && strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the error tells too much: %v", err)
			}
			if n := len(d.Requests()); n != 1 {
				t.Errorf("%d cards: none may be posted twice", n)
			}
		})
	}
}

// Characters that HTML would escape do not make the card larger.
func TestNearlyTooLong(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Reply(actiontest.Reply{Status: http.StatusAccepted})
	i := actiontest.New(t, teamsincomingwebhook.New, actiontest.Deps(t, d, nil))
	req := request(workflow)
	req.Form["text"] = strings.Repeat("&", 27<<10)
	if _, err := i.Execute(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(d.Requests()[0].Body), req.Form["text"]) {
		t.Error("the text did not arrive as it was")
	}
}

// A card that was refused for its rate was not posted.
func TestRateLimit(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		address     string
		first, then actiontest.Reply
	}{
		"a workflow":  {workflow, actiontest.Reply{Status: 429, Header: map[string]string{"Retry-After": "1"}}, actiontest.Reply{Status: 202}},
		"a connector": {connector, actiontest.Reply{Body: "Microsoft Teams endpoint returned HTTP error 429 with ContextId tcid=0"}, actiontest.Reply{Body: "1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(tt.first, tt.then)
			i := actiontest.New(t, teamsincomingwebhook.New, actiontest.Deps(t, d, nil))
			if _, err := i.Execute(t.Context(), request(tt.address)); err != nil || len(d.Requests()) != 2 {
				t.Errorf("%d calls, %v", len(d.Requests()), err)
			}
		})
	}
}

func TestAnswersLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := actiontest.New(t, teamsincomingwebhook.New, action.Deps{HTTP: actiontest.Late()})
		start := time.Now()
		_, err := i.Execute(t.Context(), request(workflow))
		const want = "Teams did not respond in time. The card may already have been posted. Check before retrying."
		if got := time.Since(start); got != time.Minute {
			t.Errorf("it took %v, want %v", got, time.Minute)
		}
		if got := action.MessageOf(err); got != want {
			t.Errorf("message %q, want %q", got, want)
		}
		if got := action.KindOf(err); got != action.Timeout {
			t.Errorf("kind %v, want %v", got, action.Timeout)
		}
	})
}
