package integrations_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"flag"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"integrationhub.dev/hub"
	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/catalog"
	"integrationhub.dev/hub/config"
	"integrationhub.dev/hub/telemetry"
	"integrationhub.dev/hub/token"
	"integrationhub.dev/integrations"
)

// somePrivateKey is a key that nothing is signed with.
func somePrivateKey() string {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// settings are what administrators set for the integrations that ask for something.
var settings = map[string]string{
	"AIRTABLE_CLIENT_ID": "id", "AIRTABLE_CLIENT_SECRET": "secret",
	"BOX_CLIENT_ID": "id", "BOX_CLIENT_SECRET": "secret",
	"DATAROBOT_ENABLED":      "true",
	"DROPBOX_ACTION_APP_KEY": "id", "DROPBOX_ACTION_APP_SECRET": "secret",
	"EMAIL_SMTP_HOST": "smtp.example.com", "EMAIL_FROM": "looker@example.com",
	"FACEBOOK_CLIENT_ID": "id", "FACEBOOK_CLIENT_SECRET": "secret",
	"FIREBASE_PROJECT_ID": "p", "FIREBASE_CLIENT_EMAIL": "e", "FIREBASE_PRIVATE_KEY": somePrivateKey(),
	"GOOGLE_ADS_CLIENT_ID": "id", "GOOGLE_ADS_CLIENT_SECRET": "secret", "GOOGLE_ADS_DEVELOPER_TOKEN": "token",
	"GOOGLE_ANALYTICS_CLIENT_ID": "id", "GOOGLE_ANALYTICS_CLIENT_SECRET": "secret",
	"KLOUDIO_SIGNED_URL": "https://kloudio.example.com/?key=", "KLOUDIO_API_URL": "https://kloudio.example.com",
	"GOOGLE_DRIVE_CLIENT_ID": "id", "GOOGLE_DRIVE_CLIENT_SECRET": "secret",
	"GOOGLE_SHEET_CLIENT_ID": "id", "GOOGLE_SHEET_CLIENT_SECRET": "secret",
	"MICROSOFT_SHAREPOINT_CLIENT_ID": "id", "MICROSOFT_SHAREPOINT_CLIENT_SECRET": "secret",
	"SALESFORCE_CLIENT_ID": "id", "SALESFORCE_CLIENT_SECRET": "secret",
	"ACTION_HUB_DEBUG_ENDPOINT": "1", "CHILD_TEST": "1",
}

// What the reference was seen to answer lies in testdata/reference: its lists by Looker's
// version, and its forms without settings and with invented ones. Integrations that it does
// not list have their definitions in testdata/definitions.
const reference = "testdata/reference/"

// newHub makes a hub with every integration, from which nothing can be reached.
func newHub(t *testing.T) http.Handler {
	t.Helper()
	return newHubWith(t, slog.New(slog.DiscardHandler), settings, unreachable{})
}

// newHubWith makes a hub with every integration, all of whose calls go to one transport.
func newHubWith(t *testing.T, log *slog.Logger, env map[string]string, transport http.RoundTripper) http.Handler {
	t.Helper()
	cfg := config.Config{
		BaseURL: "BASE_URL", Label: "Golden Hub", Secret: "secret", KeepAliveSeconds: 30, FormTimeout: time.Minute,
		DeliveryTimeout: time.Hour, MaxDeliveries: 32, MaxForms: 64,
	}
	secrets, err := config.LoadSecrets(cfg.Secret, nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	dial := func(context.Context, string, string) (net.Conn, error) { return nil, net.ErrClosed }
	available, err := catalog.New(integrations.All(), cfg, action.Deps{Env: env, Log: log, HTTP: client, Identity: client, Dial: dial, StartJob: unfollowed})
	if err != nil {
		t.Fatal(err)
	}
	s, err := hub.New(hub.Parts{
		Config: cfg, Catalog: available, Secrets: secrets, Looker: client, Telemetry: telemetry.New(log, prometheus.NewRegistry()),
	})
	if err != nil {
		t.Fatal(err)
	}
	return s.Handler()
}

// unfollowed begins what would be watched, and does not wait for it.
func unfollowed(ctx context.Context, begin func(context.Context) (action.Job, error)) error {
	_, err := begin(ctx)
	return err
}

type unreachable struct{}

func (unreachable) RoundTrip(*http.Request) (*http.Response, error) { return nil, http.ErrServerClosed }

// ask asks as a version of Looker does.
func ask(t *testing.T, h http.Handler, version, path string, body any) (int, []byte) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	minted, err := token.New([]byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(string(text)))
	req.Header.Set("Authorization", `Token token="`+minted+`"`)
	if version != "none" {
		req.Header.Set("User-Agent", "LookerOutgoingWebhook/"+version)
	}
	req.Header.Set("X-Looker-Webhook-Id", "wh-golden-1")
	res := httptest.NewRecorder()
	h.ServeHTTP(res, req)
	return res.Code, res.Body.Bytes()
}

// definitions reads a list's integrations by name.
func definitions(t *testing.T, text []byte) map[string]map[string]any {
	t.Helper()
	var list struct{ Integrations []map[string]any }
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatalf("%.200s: %v", text, err)
	}
	all := map[string]map[string]any{}
	for _, i := range list.Integrations {
		name, _ := i["name"].(string)
		all[name] = i
	}
	return all
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Each version of Looker is told what the reference tells it, so that schedules that exist
// go on working.
func TestLists(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	// An integration is in the reference's list for no version, or for some.
	listed := map[string]bool{}
	files, err := filepath.Glob(reference + "lists/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d lists: %v", len(files), err)
	}
	for _, file := range files {
		for name := range definitions(t, readFile(t, file)) {
			listed[name] = true
		}
	}
	for _, file := range files {
		version := strings.TrimSuffix(filepath.Base(file), ".json")
		status, text := ask(t, h, version, "/", nil)
		if status != http.StatusOK {
			t.Fatalf("%s: %d", version, status)
		}
		want, got := definitions(t, readFile(t, file)), definitions(t, text)
		for _, e := range integrations.All() {
			if !listed[e.Name] {
				delete(got, e.Name) // see TestOwnDefinitions
				continue
			}
			if icon, _ := got[e.Name]["icon_data_uri"].(string); got[e.Name] != nil && !strings.HasPrefix(icon, "data:image/") {
				t.Errorf("%s has no icon", e.Name)
			}
			withoutEmpty(want[e.Name])
			withSensitive(want[e.Name])
			withAdditions(want[e.Name])
			withNewForm(want[e.Name])
			withTags(want[e.Name])
			withNewDescriptions(want[e.Name])
			delete(want[e.Name], "icon_data_uri")
			delete(got[e.Name], "icon_data_uri")
			if diff := cmp.Diff(want[e.Name], got[e.Name]); diff != "" {
				t.Errorf("%s for Looker %s (-reference +ours):\n%s", e.Name, version, diff)
			}
		}
		for name := range got {
			if want[name] == nil {
				t.Errorf("%s is listed for Looker %s", name, version)
			}
		}
	}
}

// withoutEmpty drops the params' empty descriptions, which are the same as none.
func withoutEmpty(definition map[string]any) {
	params, _ := definition["params"].([]any)
	for _, p := range params {
		if param, ok := p.(map[string]any); ok && param["description"] == "" {
			delete(param, "description")
		}
	}
}

// sensitive are params that hold a secret, which the reference shows to every administrator.
var sensitive = []string{"smtpPass"}

func withSensitive(definition map[string]any) {
	params, _ := definition["params"].([]any)
	for _, p := range params {
		if param, ok := p.(map[string]any); ok && slices.Contains(sensitive, param["name"].(string)) {
			param["sensitive"] = true
		}
	}
}

// additions are what an integration offers beyond the reference: action types, formats and settings that are added at the end.
var additions = map[string]map[string][]any{
	"facebook_custom_audiences": {"params": {map[string]any{
		"name": "system_user_token", "label": "System User Token", "required": false, "sensitive": true,
		"description": "An access token of a system user of your business portfolio, generated for the hub's Facebook app with the permissions " +
			"ads_management and business_management. All users of this action then use it, without logging in to Facebook.",
	}}},
	"google_sheets": {"supported_action_types": {"dashboard"}, "supported_formats": {"csv_zip"}},
}

func withAdditions(definition map[string]any) {
	name, _ := definition["name"].(string)
	for key, more := range additions[name] {
		offered, _ := definition[key].([]any)
		definition[key] = append(offered, more...)
	}
}

// newForms are the integrations that have a form though the reference has none. All of its fields are optional.
var newForms = []string{
	"digitalocean_droplet", // its vendor says that droplets should be shut down before they are powered off
	"hubspot_companies", "hubspot_contacts",
}

func withNewForm(definition map[string]any) {
	if name, _ := definition["name"].(string); slices.Contains(newForms, name) {
		definition["form_url"] = "BASE_URL/actions/" + name + "/form"
	}
}

// moreTags are tags that a field of a query can have instead of the reference's.
var moreTags = map[string]string{"hubspot_companies": "domain", "hubspot_contacts": "email"}

func withTags(definition map[string]any) {
	name, _ := definition["name"].(string)
	fields, _ := definition["required_fields"].([]any)
	if moreTags[name] == "" || len(fields) == 0 {
		return
	}
	field, _ := fields[0].(map[string]any)
	tags, _ := field["any_tag"].([]any)
	field["any_tag"] = append(tags, moreTags[name])
}

// newDescriptions are those of params whose description in the reference is out of date.
var newDescriptions = map[string]string{
	"hubspot_access_token": "A HubSpot service key, or the access token of an existing private app.", // which replace private apps
}

func withNewDescriptions(definition map[string]any) {
	params, _ := definition["params"].([]any)
	for _, p := range params {
		param, _ := p.(map[string]any)
		if name, _ := param["name"].(string); newDescriptions[name] != "" {
			param["description"] = newDescriptions[name]
		}
	}
}

var update = flag.Bool("update", false, "write the definitions of integrations that the reference does not have")

// Integrations that the reference does not list are described by files of their own.
func TestOwnDefinitions(t *testing.T) {
	t.Parallel()
	_, text := ask(t, newHub(t), "24.0.0", "/", nil)
	all := definitions(t, text)
	list := definitions(t, readFile(t, reference+"lists/24.0.0.json"))
	for name, got := range all {
		if list[name] != nil {
			continue
		}
		delete(got, "icon_data_uri")
		if *update {
			writeDefinition(t, name, got)
		}
		var want map[string]any
		if err := json.Unmarshal(readFile(t, "testdata/definitions/"+name+".json"), &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-file +ours):\n%s", name, diff)
		}
	}
	files, err := filepath.Glob("testdata/definitions/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if name := strings.TrimSuffix(filepath.Base(file), ".json"); all[name] == nil || list[name] != nil {
			t.Errorf("%s is of no use", file)
		}
	}
}

func writeDefinition(t *testing.T, name string, definition map[string]any) {
	t.Helper()
	text, err := json.MarshalIndent(definition, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("testdata/definitions/"+name+".json", append(text, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A list is small enough to be read often.
func TestListIsSmall(t *testing.T) {
	t.Parallel()
	const most = 150_000
	if _, text := ask(t, newHub(t), "24.0.0", "/", nil); len(text) > most {
		t.Errorf("the list has %d bytes, more than %d", len(text), most)
	}
}

// formsOfOurOwn are the forms with invented settings that differ from the reference's, and why.
var formsOfOurOwn = map[string]string{
	"auger":                "an Auger that is out of reach does not make the token invalid",
	"google_cloud_storage": "an invented key is told to be none, in words; the reference shows OpenSSL's error",
	"salesforce_campaigns": "users are not sent to sign in at a domain that is not Salesforce's",
}

// fieldsOfOurOwn are asked for beside the reference's.
var fieldsOfOurOwn = map[string][]string{
	"braze": {
		"braze_label_action", "braze_alias_label", "braze_record", "braze_event_name", "braze_currency", "time_zone",
	},
	"dropbox":               {"overwrite", "compression", "time_zone", "byte_order_mark", "pgp_public_keys", "pgp_format"},
	"mparticle":             {"region"},
	"marketo":               {"partition", "program_id", "program_status", "time_zone", "mirror", "mirror_limit"},
	"google_drive":          {"overwrite", "compression", "time_zone", "byte_order_mark", "pgp_public_keys", "pgp_format"},
	"sendgrid":              {"message", "cc", "bcc", "reply_to", "template_id", "template_data", "region", "time_zone", "byte_order_mark"},
	"segment_track":         {"time_zone"},
	"slack":                 {"more_channels", "thread_ts", "time_zone", "byte_order_mark"},
	"twilio":                {"content_sid", "content_variables"},
	"twilio_message":        {"content_sid", "content_variables"},
	"teams_incomingwebhook": {"preview"},
}

// descriptionsOfOurOwn are fields of the reference whose description differs from its.
var descriptionsOfOurOwn = map[string][]string{
	"braze":                 {"braze_segment"}, // how many labels Braze stores
	"teams_incomingwebhook": {"webhookUrl"},    // which URLs Microsoft has replaced
}

// optionsOfOurOwn are offered in fields of the reference, after its own.
var optionsOfOurOwn = map[string]map[string][]string{
	"braze": {"braze_key": {"email", "phone", "user_alias"}},
}

var sealedState = regexp.MustCompile(`oauth\?state=[^"]+`)

// The forms are the reference's, as far as it was seen to answer them without a network.
func TestForms(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	for _, e := range integrations.All() {
		file := reference + "forms/" + e.Name + ".json"
		if _, err := os.Stat(file); err != nil || slices.Contains(newForms, e.Name) {
			continue
		}
		var seen struct {
			NoParams answer            `json:"no_params"`
			Params   map[string]string `json:"fake_params_request"`
			Invented answer            `json:"fake_params_no_network"`
		}
		if err := json.Unmarshal(readFile(t, file), &seen); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		seen.NoParams.compare(t, h, e.Name+" without settings", e.Name, map[string]any{})
		if formsOfOurOwn[e.Name] != "" {
			continue
		}
		params, body := map[string]string{}, map[string]any{}
		for name, value := range seen.Params {
			if strings.HasPrefix(name, "state_") {
				body[name] = "https://looker.example.com/action_hub_state/abc"
			} else {
				params[name] = value
			}
		}
		body["data"] = params
		seen.Invented.compare(t, h, e.Name+" with invented settings", e.Name, body)
	}
	for name := range formsOfOurOwn {
		if !slices.ContainsFunc(integrations.All(), func(e action.Registration) bool { return e.Name == name }) {
			t.Errorf("%s has no form", name)
		}
	}
}

// answer is a recorded answer.
type answer struct {
	Status int
	JSON   any
}

func (a answer) compare(t *testing.T, h http.Handler, what, name string, body map[string]any) {
	t.Helper()
	if a.Status != http.StatusOK && a.Status != http.StatusNotFound {
		return // a fault of the reference
	}
	status, text := ask(t, h, "24.0.0", "/actions/"+name+"/form", body)
	text = sealedState.ReplaceAll(text, []byte("oauth?state=SEALED"))
	var got any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatalf("%s: %s: %v", what, text, err)
	}
	withoutFields(got, fieldsOfOurOwn[name])
	withoutDescriptions(got, descriptionsOfOurOwn[name])
	withoutOptions(got, optionsOfOurOwn[name])
	withoutDescriptions(a.JSON, descriptionsOfOurOwn[name])
	// A sign-in that Looker awaits nowhere leads nowhere.
	links := body["state_url"] != nil || body["state_redir_url"] != nil
	if diff := cmp.Diff(normal(a.JSON, links), normal(got, links)); status != a.Status || diff != "" {
		t.Errorf("%s: %d (-reference +ours):\n%s", what, status, diff)
	}
}

// withoutFields removes fields from a form.
func withoutFields(form any, names []string) {
	object, _ := form.(map[string]any)
	if fields, ok := object["fields"].([]any); ok {
		object["fields"] = slices.DeleteFunc(fields, func(f any) bool {
			field, _ := f.(map[string]any)
			name, _ := field["name"].(string)
			return slices.Contains(names, name)
		})
	}
}

// withoutOptions removes options of fields from a form.
func withoutOptions(form any, names map[string][]string) {
	object, _ := form.(map[string]any)
	fields, _ := object["fields"].([]any)
	for _, f := range fields {
		field, _ := f.(map[string]any)
		name, _ := field["name"].(string)
		options, _ := field["options"].([]any)
		if names[name] == nil {
			continue
		}
		field["options"] = slices.DeleteFunc(options, func(o any) bool {
			option, _ := o.(map[string]any)
			optionName, _ := option["name"].(string)
			return slices.Contains(names[name], optionName)
		})
	}
}

// withoutDescriptions removes fields' descriptions from a form.
func withoutDescriptions(form any, names []string) {
	object, _ := form.(map[string]any)
	fields, _ := object["fields"].([]any)
	for _, f := range fields {
		field, _ := f.(map[string]any)
		if name, _ := field["name"].(string); slices.Contains(names, name) {
			delete(field, "description")
		}
	}
}

// normal is a form without what is the same as nothing, and maybe without its links.
func normal(form any, links bool) any {
	object, _ := form.(map[string]any)
	fields, _ := object["fields"].([]any)
	for _, f := range fields {
		field, ok := f.(map[string]any)
		if !ok {
			continue
		}
		if !links {
			delete(field, "oauth_url")
		}
		for name, value := range field {
			if value == false || value == "" {
				delete(field, name)
			}
		}
	}
	return form
}
