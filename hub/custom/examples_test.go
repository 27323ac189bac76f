package custom_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/hub/custom/manifest"
)

func reply(status int, body string) actiontest.Reply {
	return actiontest.Reply{Status: status, Body: body, Header: settings{"Content-Type": "application/json"}}
}

// mattermost is a server with one webhook. It answers as described at
// https://developers.mattermost.com/integrate/webhooks/incoming; errors are those of its API
// (https://api.mattermost.com/#section/Introduction/Errors).
func mattermost(r actiontest.Recorded) actiontest.Reply {
	var post struct{ Text, Channel string }
	switch {
	case r.Host != "mattermost.example.com" || r.Path != "/hooks/k3y-0f-th3-webhook":
		return reply(400, `{"id":"web.incoming_webhook.invalid.app_error","message":"Invalid webhook.","status_code":400}`)
	case json.Unmarshal(r.Body, &post) != nil || post.Text == "":
		return reply(400, `{"id":"web.incoming_webhook.text.app_error","message":"No text specified.","status_code":400}`)
	case post.Channel == "gone":
		return reply(404, `{"id":"web.incoming_webhook.channel.app_error","message":"Couldn't find the channel.","status_code":404}`)
	}
	return actiontest.Reply{Status: 200, Body: "ok", Header: settings{"Content-Type": "text/plain"}}
}

func TestMattermost(t *testing.T) {
	t.Parallel()
	data := result([]string{"orders.day:Day", "orders.count:Orders"}, []string{`"2026-11-23"`, `17`}, []string{`"a|b"`, `12345678901234567890`})
	for name, tt := range map[string]struct {
		params, form settings
		want         string
		message      string
	}{
		"a table": {
			settings{"webhook_key": "k3y-0f-th3-webhook"},
			settings{"channel": "town-square", "message": "Hello"},
			`{"channel":"town-square","text":"Hello\n\n| Day | Orders |\n| --- | --- |\n| 2026-11-23 | 17 |\n| a\\|b | 12345678901234567890 |\n"}`, "",
		},
		"the webhook's own channel, and the default message": {
			settings{"webhook_key": "k3y-0f-th3-webhook"},
			settings{"channel": ""},
			`{"text":"Orders by day\n\n| Day | Orders |\n| --- | --- |\n| 2026-11-23 | 17 |\n| a\\|b | 12345678901234567890 |\n"}`, "",
		},
		"a channel that is not valid": {
			settings{"webhook_key": "k3y-0f-th3-webhook"},
			settings{"channel": "Town Square"},
			"",
			"The channel must be a name such as town-square, or @ and a user name.",
		},
		"no such channel": {
			settings{"webhook_key": "k3y-0f-th3-webhook"},
			settings{"channel": "gone"},
			"",
			"Mattermost returned 404 Not Found: Couldn't find the channel.",
		},
		"another key": {
			settings{"webhook_key": "../api/v4/users"}, nil, "", `An ID or name for Mattermost must not be "." or "..".`,
		},
		"a key with a slash": {
			settings{"webhook_key": "a/b?c#d%2e"}, nil, "", "Mattermost returned 400 Bad Request: Invalid webhook.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(mattermost)
			_, err := compile(t, example(t, "mattermost"), d, nil).Execute(t.Context(), query(t, tt.params, tt.form, data))
			if got := messageOf(err); got != tt.message {
				t.Errorf("message %q, want %q", got, tt.message)
			}
			if requests := d.Requests(); tt.want != "" {
				if len(requests) != 1 {
					t.Fatalf("%d requests, want 1", len(requests))
				}
				if diff := cmp.Diff(tt.want, string(requests[0].Body)); diff != "" {
					t.Errorf("body (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// servicenow is an instance with the Table API
// (https://www.servicenow.com/docs/r/api-reference/rest-apis/c_TableAPI.html): 201 with the record, and errors as
// {"error": {"message", "detail"}, "status": "failure"}. Groups come in pages, by sysparm_limit and sysparm_offset.
func servicenow(groups int) func(actiontest.Recorded) actiontest.Reply {
	return func(r actiontest.Recorded) actiontest.Reply {
		if r.Header.Get("Authorization") != "Basic "+base64.StdEncoding.EncodeToString([]byte("looker:p4ssword!")) {
			return reply(401, `{"error":{"message":"User Not Authenticated","detail":"Required to provide Auth information"},"status":"failure"}`)
		}
		if r.Host != "acme.service-now.com" {
			return reply(404, "")
		}
		var incident struct {
			Short string `json:"short_description"`
		}
		switch r.Method + " " + r.Path {
		case "GET /api/now/table/sys_user_group":
			var limit, offset int
			_, _ = fmt.Sscan(r.Query.Get("sysparm_limit"), &limit)
			_, _ = fmt.Sscan(r.Query.Get("sysparm_offset"), &offset)
			list := []map[string]string{}
			for n := offset; n < min(offset+limit, groups); n++ {
				list = append(list, map[string]string{"sys_id": fmt.Sprintf("id%d", n), "name": fmt.Sprintf("Group %d", n)})
			}
			text, _ := json.Marshal(map[string]any{"result": list})
			return reply(200, string(text))
		case "POST /api/now/table/incident":
			if json.Unmarshal(r.Body, &incident) != nil || incident.Short == "" {
				return reply(403, `{"error":{"message":"Operation Failed","detail":"Data Policy Exception: Short description is mandatory"},"status":"failure"}`)
			}
			return reply(201, `{"result":{"sys_id":"46f67787a9fe198101e06dfcf3a78e99","number":"INC0010002"}}`)
		}
		return reply(400, `{"error":{"message":"Requested URI does not represent any resource","detail":null},"status":"failure"}`)
	}
}

var acme = settings{"instance": "acme", "username": "looker", "password": "p4ssword!"}

func TestServiceNow(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(servicenow(250))
	i := compile(t, example(t, "servicenow"), d, nil)
	data := result([]string{"t.summary:Summary:short_description", "t.n:N"}, []string{`"Disk \"full\""`, `1`}, []string{`"Slow"`, `null`})
	res, err := i.Execute(t.Context(), query(t, acme, settings{"urgency": "1", "assignment_group": "id7"}, data))
	if err != nil || res.Message != "2 rows sent to ServiceNow Incident." {
		t.Fatalf("%+v, %v", res, err)
	}
	got := map[string]bool{}
	for _, r := range d.Requests() {
		got[string(r.Body)] = true
		if r.Query.Get("sysparm_fields") != "sys_id,number" || r.Header.Get("Accept") != "application/json" {
			t.Errorf("query %v, header %v", r.Query, r.Header)
		}
	}
	want := map[string]bool{
		`{"short_description":"Disk \"full\"","description":"Summary: Disk \"full\"\nN: 1","urgency":"1","assignment_group":"id7"}`: true,
		`{"short_description":"Slow","description":"Summary: Slow\nN: ","urgency":"1","assignment_group":"id7"}`:                    true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("bodies (-want +got):\n%s", diff)
	}
}

func TestServiceNowForm(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(servicenow(250))
	i := compile(t, example(t, "servicenow"), d, nil)
	form, err := i.Form.Form(t.Context(), actiontest.Query(acme, nil))
	if err != nil {
		t.Fatal(err)
	}
	urgency, group := form.Fields[0], form.Fields[1]
	if urgency.Default != "3" || len(urgency.Options) != 3 || urgency.Type != action.Select || !urgency.Required {
		t.Errorf("urgency %+v", urgency)
	}
	if len(group.Options) != 250 || group.Options[249] != (action.Option{Name: "id249", Label: "Group 249"}) || len(d.Requests()) != 2 {
		t.Errorf("%d groups in %d pages", len(group.Options), len(d.Requests()))
	}
}

// A user's value decides neither about the host nor about anything else than one segment of the path.
func TestServiceNowFails(t *testing.T) {
	t.Parallel()
	data := result([]string{"t.summary:Summary:short_description"}, []string{`"a"`}, []string{`""`}, []string{`"c"`})
	for name, tt := range map[string]struct {
		params, form settings
		data         string
		message      string
		requests     int
	}{
		"another password": {
			settings{"instance": "acme", "username": "looker", "password": "wr0ng-passw0rd"},
			settings{"urgency": "1"},
			data,
			" failed. ServiceNow Incident returned 401 Unauthorized: User Not Authenticated Required to provide Auth information", 4,
		},
		"another host": {
			settings{"instance": "evil.example.org/", "username": "looker", "password": "p4ssword!"},
			settings{"urgency": "1"},
			data,
			"0 of 3 rows delivered, 3 rejected. The integration cannot create its request: request.url: the host is not valid.", 0,
		},
		"a host with a user name": {
			settings{"instance": "x@evil.example.org#", "username": "looker", "password": "p4ssword!"},
			settings{"urgency": "1"},
			data,
			"0 of 3 rows delivered, 3 rejected. The integration cannot create its request: request.url: the host is not valid.", 0,
		},
		"no urgency":      {acme, settings{"urgency": ""}, data, "Urgency is required.", 0},
		"another urgency": {acme, settings{"urgency": "9"}, data, "Urgency must be one of the options.", 0},
		"no tag": {
			acme, settings{"urgency": "1"}, result([]string{"a:A"}, []string{"1"}), "Query requires a field tagged short_description.", 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(servicenow(0))
			_, err := compile(t, example(t, "servicenow"), d, nil).Execute(t.Context(), query(t, tt.params, tt.form, tt.data))
			got := messageOf(err)
			// How many rows were read before the first answer stops the delivery is left to chance.
			if !strings.HasSuffix(got, tt.message) || len(d.Requests()) > tt.requests || strings.Count(got, "401") > 1 {
				t.Errorf("message %q after %d requests, want %q", got, len(d.Requests()), tt.message)
			}
			if strings.Contains(fmt.Sprintf("%v %s", err, got), "wr0ng-passw0rd") {
				t.Errorf("the error contains the password: %v", err)
			}
		})
	}
}

// opsgenie is the Alert API (https://docs.opsgenie.com/docs/alert-api): 202, and for an error a message. Limits of
// fields: https://docs.opsgenie.com/docs/alerts-and-alert-fields.
func opsgenie(r actiontest.Recorded) actiontest.Reply {
	var alert struct {
		Message, Alias, Priority string
		Details                  map[string]string
	}
	switch {
	case r.Host != "api.eu.opsgenie.com" || r.Method != http.MethodPost || r.Path != "/v2/alerts":
		return reply(404, "")
	case r.Header.Get("Authorization") != "GenieKey 0ps-k3y":
		return reply(401, `{"message":"Could not authenticate","took":0.001,"requestId":"1"}`)
	case json.Unmarshal(r.Body, &alert) != nil:
		return reply(400, `{"message":"Body is not processable. Please check the body of your request.","took":0.001,"requestId":"2"}`)
	case alert.Message == "" || len(alert.Message) > 130 || len(alert.Alias) > 512:
		return reply(422, `{"message":"Request body is not processable. Please check the errors.","errors":{"message":"Message can not be empty."},"took":0.002,"requestId":"3"}`)
	}
	return reply(202, `{"result":"Request will be processed","took":0.302,"requestId":"43a29c5c-3dbf-4fa4-9c26-f4f71023e120"}`)
}

func TestOpsgenie(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(opsgenie)
	i := compile(t, example(t, "opsgenie"), d, nil)
	data := result([]string{"a.m:Message:alert_message", "a.i:ID:alert_alias"},
		[]string{`"` + strings.Repeat("x", 200) + `"`, `12345678901234567`}, []string{`""`, `2`})
	_, err := i.Execute(t.Context(), query(t, settings{"api_key": "0ps-k3y", "region": "eu"}, nil, data))
	const want = "1 of 2 rows delivered, 1 rejected. Opsgenie returned 422 Unprocessable Entity: " +
		"Request body is not processable. Please check the errors."
	if got := messageOf(err); got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	body := string(d.Requests()[0].Body)
	if !strings.Contains(body, `"message":"`+strings.Repeat("x", 127)+`..."`) || !strings.Contains(body, `"alias":"looker-12345678901234567"`) ||
		!strings.Contains(body, `"priority":"P3"`) || !strings.Contains(body, `"details":{"a.m":`) {
		t.Errorf("body %s", body)
	}
}

// jira is a rule's incoming webhook
// (https://support.atlassian.com/cloud-automation/docs/jira-automation-triggers/): the secret is in a header.
func jira(r actiontest.Recorded) actiontest.Reply {
	var hook struct {
		Issues []string
		Data   map[string]any
	}
	switch {
	case r.Host != "api-private.atlassian.com" || r.Path != "/automation/webhooks/jira/a/cloud-1/rule-2":
		return reply(404, "")
	case r.Header.Get("X-Automation-Webhook-Token") != "j1ra-t0ken":
		return reply(401, "")
	case json.Unmarshal(r.Body, &hook) != nil || len(hook.Issues) != 1:
		return reply(400, `{"error":"bad"}`)
	}
	return actiontest.Reply{Status: 200}
}

func TestJiraAutomation(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(jira)
	secrets := settings{"jira-automation/token": "j1ra-t0ken\n"}
	i := compile(t, example(t, "jira-automation"), d, secrets)
	if i.Definition.Name != "custom_jira_automation" {
		t.Errorf("name %q", i.Definition.Name)
	}
	data := result([]string{"i.key:Key:jira_issue_key", "i.n:Number"}, []string{`"OPS-1"`, `1.50`})
	req := query(t, settings{"cloud_id": "cloud-1", "rule_id": "rule-2"}, settings{"comment": "Hi"}, data)
	if _, err := i.Execute(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	const want = `{"issues":["OPS-1"],"data":{"comment":"Hi","report":"Orders by day","row":{"Key":"OPS-1","Number":1.50}}}`
	if got := string(d.Requests()[0].Body); got != want {
		t.Errorf("body %s, want %s", got, want)
	}
}

// customers is an internal service with OAuth 2.0 client credentials (RFC 6749, section 4.4), and an answer for
// each record. It ignores a repeated Idempotency-Key, and accepts the token with one number only.
type customers struct {
	tokens int
	valid  int
	keys   map[string]bool
	stored []string
}

func (c *customers) handle(r actiontest.Recorded) actiontest.Reply {
	if r.Host == "login.internal.example.com" {
		form, _ := url.ParseQuery(string(r.Body))
		basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("cl1ent%2Fid:s3cret%2Fvalue"))
		if r.Path != "/oauth2/token" || form.Get("grant_type") != "client_credentials" || form.Get("scope") != "customers.write" ||
			r.Header.Get("Authorization") != basic {
			return reply(400, `{"error":"invalid_client"}`)
		}
		c.tokens++
		return reply(200, fmt.Sprintf(`{"access_token":"t0ken-number-%d","token_type":"Bearer","expires_in":3600}`, c.tokens))
	}
	if r.Header.Get("Authorization") != fmt.Sprintf("Bearer t0ken-number-%d", c.valid) {
		return reply(401, `{"error":"invalid_token"}`)
	}
	if r.Method+r.Path != "POST/v1/segments/gold/members" {
		return reply(404, "")
	}
	var batch struct {
		Source  string
		Records []struct {
			ID         json.Number
			Attributes map[string]any
		}
	}
	if err := json.Unmarshal(r.Body, &batch); err != nil || batch.Source != "looker" || len(batch.Records) > 500 {
		return reply(400, "")
	}
	results := make([]map[string]string, len(batch.Records))
	for n, record := range batch.Records {
		results[n] = map[string]string{"status": "created"}
		if strings.HasSuffix(record.ID.String(), "7") {
			results[n] = map[string]string{"status": "invalid", "reason": "The ID ends with 7."}
		} else if !c.keys[r.Header.Get("Idempotency-Key")] {
			c.stored = append(c.stored, record.ID.String())
		}
	}
	if c.keys == nil {
		c.keys = map[string]bool{}
	}
	c.keys[r.Header.Get("Idempotency-Key")] = true
	text, _ := json.Marshal(map[string]any{"results": results})
	return reply(200, string(text))
}

func TestRESTBatches(t *testing.T) {
	t.Parallel()
	service := &customers{valid: 1}
	d := actiontest.NewDestination(t).Handle(service.handle)
	i := compile(t, example(t, "rest-batches"), d, settings{
		"customer-service/client-id": "cl1ent/id", "customer-service/client-secret": "s3cret/value",
	})
	rows := make([][]string, 1200)
	for n := range rows {
		rows[n] = []string{fmt.Sprint(n + 1), `"x"`}
	}
	data := result([]string{"c.id:ID:customer_id", "c.name:Name"}, rows...)
	_, err := i.Execute(t.Context(), query(t, nil, settings{"segment": "gold"}, data))
	const want = "1080 of 1200 rows delivered, 120 rejected. Customer Service did not accept a row: The ID ends with 7."
	if got := messageOf(err); got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	if len(service.stored) != 1080 || service.tokens != 1 {
		t.Errorf("%d rows stored, with %d tokens", len(service.stored), service.tokens)
	}
	// A token that was kept and is revoked is fetched again, within the delivery.
	one := result([]string{"c.id:ID:customer_id"}, []string{"1"})
	service.valid = 2
	if _, err := i.Execute(t.Context(), query(t, nil, settings{"segment": "gold"}, one)); err != nil || service.tokens != 2 {
		t.Errorf("with a revoked token: %v, %d tokens", err, service.tokens)
	}
	// One that is new and rejected is not.
	service.valid = 99
	_, err = i.Execute(t.Context(), query(t, nil, settings{"segment": "gold"}, one))
	if got := messageOf(err); got != "Customer Service returned 401 Unauthorized." || service.tokens != 3 {
		t.Errorf("without a valid token: %q, %d tokens", got, service.tokens)
	}
	if _, err := i.Execute(t.Context(), query(t, nil, settings{"segment": "../x"}, data)); messageOf(err) != "The segment must consist of lowercase letters, digits and hyphens." {
		t.Errorf("%v", err)
	}
}

// pubsub is a project with topics (https://docs.cloud.google.com/pubsub/docs/reference/rest/v1/projects.topics), and
// Google's token endpoint. Requests are also checked against Google's discovery document.
type pubsub struct {
	t        *testing.T
	messages []string
}

func (p *pubsub) handle(r actiontest.Recorded) actiontest.Reply {
	if r.Host == "oauth2.googleapis.com" {
		form, _ := url.ParseQuery(string(r.Body))
		if form.Get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" || strings.Count(form.Get("assertion"), ".") != 2 {
			return reply(400, `{"error":"invalid_grant"}`)
		}
		return reply(200, `{"access_token":"g00gle-t0ken","token_type":"Bearer","expires_in":3599}`)
	}
	switch {
	case r.Header.Get("Authorization") != "Bearer g00gle-t0ken":
		return reply(401, `{"error":{"code":401,"message":"Request had invalid authentication credentials.","status":"UNAUTHENTICATED"}}`)
	case r.Method+r.Path == "GET/v1/projects/acme/topics" && r.Query.Get("pageToken") == "":
		return reply(200, `{"topics":[{"name":"projects/acme/topics/orders"}],"nextPageToken":"n3xt"}`)
	case r.Method+r.Path == "GET/v1/projects/acme/topics" && r.Query.Get("pageToken") == "n3xt":
		return reply(200, `{"topics":[{"name":"projects/acme/topics/returns"}]}`)
	case r.Method+r.Path != "POST/v1/projects/acme/topics/orders:publish":
		return reply(404, `{"error":{"code":404,"message":"Resource not found (resource=gone).","status":"NOT_FOUND"}}`)
	}
	var publish struct {
		Messages []struct {
			Data       []byte
			Attributes map[string]string
		}
	}
	if err := json.Unmarshal(r.Body, &publish); err != nil || len(publish.Messages) == 0 || len(publish.Messages) > 1000 {
		return reply(400, `{"error":{"code":400,"message":"The value for message_count is too large.","status":"INVALID_ARGUMENT"}}`)
	}
	ids := make([]string, len(publish.Messages))
	for n, m := range publish.Messages {
		ids[n] = fmt.Sprint(len(p.messages))
		p.messages = append(p.messages, string(m.Data))
	}
	text, _ := json.Marshal(map[string]any{"messageIds": ids})
	return reply(200, string(text))
}

// keyFile is a service account's key file.
func keyFile(t testing.TB) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(settings{
		"type": "service_account", "client_email": "hub@acme.iam.gserviceaccount.com", "private_key_id": "1",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "token_uri": "https://evil.example.org/token",
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestPubSub(t *testing.T) {
	t.Parallel()
	service := &pubsub{t: t}
	d := actiontest.NewDestination(t).Handle(service.handle)
	i := compile(t, example(t, "pubsub"), d, settings{"pubsub-publisher/key.json": keyFile(t)})
	form, err := i.Form.Form(t.Context(), actiontest.Query(settings{"project": "acme"}, nil))
	if err != nil {
		t.Fatal(err)
	}
	want := []action.Option{{Name: "orders", Label: "orders"}, {Name: "returns", Label: "returns"}}
	if diff := cmp.Diff(want, form.Fields[0].Options); diff != "" {
		t.Errorf("topics (-want +got):\n%s", diff)
	}
	rows := make([][]string, 1500)
	for n := range rows {
		rows[n] = []string{fmt.Sprint(n), `12345678901234567890.10`}
	}
	data := result([]string{"o.id:ID", "o.sum:Sum"}, rows...)
	res, err := i.Execute(t.Context(), query(t, settings{"project": "acme"}, settings{"topic": "orders"}, data))
	if err != nil || res.Message != "1500 rows sent to Pub/Sub." {
		t.Fatalf("%+v, %v", res, err)
	}
	if len(service.messages) != 1500 || service.messages[1499] != `{"o.id":1499,"o.sum":12345678901234567890.10}` {
		t.Errorf("%d messages, the last is %s", len(service.messages), service.messages[len(service.messages)-1])
	}
	_, err = i.Execute(t.Context(), query(t, settings{"project": "acme"}, settings{"topic": "gone"}, data))
	if got := messageOf(err); !strings.HasSuffix(got, "Pub/Sub returned 404 Not Found: Resource not found (resource=gone).") {
		t.Errorf("message %q", got)
	}
}

// Every example is tested above, and compiles with nothing but itself.
func TestExamplesCompile(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("examples/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	tests, err := os.ReadFile("examples_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		if !strings.Contains(string(tests), `example(t, "`+name+`")`) {
			t.Errorf("the example %s has no test", name)
		}
		if _, err := manifest.Parse(file, []byte(example(t, name))); err != nil {
			t.Error(err)
		}
	}
}

// A project without topics has an empty form, not an error.
func TestPubSubWithoutTopics(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(func(r actiontest.Recorded) actiontest.Reply {
		if r.Host == "oauth2.googleapis.com" {
			return reply(200, `{"access_token":"g00gle-t0ken","token_type":"Bearer","expires_in":3599}`)
		}
		return reply(200, `{}`)
	})
	i := compile(t, example(t, "pubsub"), d, settings{"pubsub-publisher/key.json": keyFile(t)})
	form, err := i.Form.Form(t.Context(), actiontest.Query(settings{"project": "acme"}, nil))
	if err != nil || len(form.Fields) != 1 || len(form.Fields[0].Options) != 0 {
		t.Errorf("%+v, %v", form, err)
	}
}
