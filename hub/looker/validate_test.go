package looker_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"integrationhub.dev/hub/looker"
	"integrationhub.dev/hub/looker/openapi"
)

// allowed reports whether a request may have a value. It is a second reading of the document, by hand:
// types, null, enums, required members, and read-only members, which a request must not have.
func allowed(s *openapi3.Schema, v any) bool {
	if v == nil {
		return s.Nullable
	}
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, v) {
		return false
	}
	switch v := v.(type) {
	case bool:
		return s.Type.Is("boolean")
	case string:
		return s.Type.Is("string")
	case float64:
		return s.Type.Is("number") || s.Type.Is("integer") && v == float64(int64(v))
	case []any:
		return s.Type.Is("array") && !slices.ContainsFunc(v, func(item any) bool { return !allowed(s.Items.Value, item) })
	case map[string]any:
		return s.Type.Is("object") && allowedObject(s, v)
	}
	return false
}

func allowedObject(s *openapi3.Schema, object map[string]any) bool {
	for _, name := range s.Required {
		if _, ok := object[name]; !ok {
			return false
		}
	}
	for name, member := range object {
		p, known := s.Properties[name]
		switch {
		case !known && s.AdditionalProperties.Schema != nil:
			if !allowed(s.AdditionalProperties.Schema.Value, member) {
				return false
			}
		case known && (p.Value.ReadOnly && member != nil || !allowed(p.Value, member)):
			return false
		}
	}
	return true
}

// validator is a simulator without a network, for requests that the document allows or not.
type validator struct {
	*looker.Looker
	doc   *openapi.Document
	token string
}

func newValidator(t testing.TB) *validator {
	t.Helper()
	doc := document(t)
	hub := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"label":"x","integrations":[{"name":"a","label":"A","supported_action_types":["query"],"url":"https://hub.example.com/a","params":[{"name":"key","label":"Key"}]}]}`))
	}))
	l, err := looker.New(looker.Options{
		URL: "https://looker.example.com", Document: doc, Roots: roots(hub), RateLimit: looker.RateLimit{Requests: -1},
		Users: []looker.User{{ID: admin, ClientID: adminID, ClientSecret: adminSecret, Permissions: []looker.Permission{looker.Admin}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.AddHub(t.Context(), hub.URL, ""); err != nil {
		t.Fatal(err)
	}
	hub.Close() // calls are refused at once from here on
	v := &validator{Looker: l, doc: doc}
	status, text := v.send("POST", "/login", "application/x-www-form-urlencoded", "client_id="+adminID+"&client_secret="+adminSecret)
	var login struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(text), &login); status != 200 || err != nil {
		t.Fatal(status, text, err)
	}
	v.token = login.Token
	return v
}

func (v *validator) send(method, path, contentType, body string) (int, string) {
	r := httptest.NewRequest(method, looker.APIPath+path, strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("Authorization", "token "+v.token)
	w := httptest.NewRecorder()
	v.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// bodies are the operations with a JSON body, and its schema.
func (v *validator) bodies() []struct {
	method, path string
	schema       *openapi3.Schema
} {
	schemas := v.doc.Components.Schemas
	return []struct {
		method, path string
		schema       *openapi3.Schema
	}{
		{"POST", "/integration_hubs", schemas["IntegrationHub"].Value},
		{"PATCH", "/integration_hubs/2", schemas["IntegrationHub"].Value},
		{"PATCH", "/integrations/2::a", schemas["Integration"].Value},
		{"POST", "/integrations/2::a/form", v.doc.Paths.Value("/integrations/{integration_id}/form").Post.RequestBody.Value.Content["application/json"].Schema.Value},
	}
}

// check sends a body, and compares the answer with what the document says of it.
func (v *validator) check(t *testing.T, method, path, body string, s *openapi3.Schema) {
	t.Helper()
	status, text := v.send(method, path, "application/json", body)
	var value any
	switch err := json.Unmarshal([]byte(body), &value); {
	case err != nil:
		if status != 400 && body != "" { // the form's body is optional
			t.Errorf("%s %s %q: %d %s, want 400", method, path, body, status, text)
		}
	case allowed(s, value):
		// The simulator has rules of its own, but the document's are not among its reasons.
		if status == 400 || status >= 500 {
			t.Errorf("%s %s %s: %d %s, although the document allows it", method, path, body, status, text)
		}
	case status != 422:
		t.Errorf("%s %s %s: %d %s, want 422", method, path, body, status, text)
	}
}

// Each member of each body is accepted or refused as the document has it, with a value of each type.
func TestValidation(t *testing.T) {
	t.Parallel()
	v := newValidator(t)
	values := []string{
		"null", "true", "1", "1.5", `"x"`, `"csv"`, "[]", "[null]", `["csv"]`, `["x"]`, "[1]", "{}", "[{}]", `{"x":true}`, `{"x":"y"}`, `{"x":null}`,
	}
	refused := 0
	for _, b := range v.bodies() {
		for _, value := range values {
			v.check(t, b.method, b.path, value, b.schema)
		}
		for _, name := range slices.Sorted(maps.Keys(b.schema.Properties)) {
			for _, value := range values {
				var member any
				if err := json.Unmarshal([]byte(value), &member); err != nil {
					t.Fatal(err)
				}
				if !allowed(b.schema, map[string]any{name: member}) {
					refused++
				}
				v.check(t, b.method, b.path, `{"`+name+`":`+value+`}`, b.schema)
			}
		}
	}
	param := v.doc.Components.Schemas["IntegrationParam"].Value
	for _, name := range slices.Sorted(maps.Keys(param.Properties)) {
		for _, value := range values {
			v.check(t, "PATCH", "/integrations/2::a", `{"params":[{"name":"key"},{"`+name+`":`+value+`}]}`, v.doc.Components.Schemas["Integration"].Value)
		}
	}
	if refused < 400 {
		t.Errorf("only %d bodies are refused by the document", refused)
	}
}

// Each operation can be made to answer with each status that the document lists for it, and with those
// that every server has; the simulator checks these responses, too.
func TestEveryStatus(t *testing.T) {
	t.Parallel()
	v := newValidator(t)
	answered := 0
	for path, item := range v.doc.Paths.Map() {
		path = strings.NewReplacer("{integration_hub_id}", "2", "{integration_id}", "2::a").Replace(path)
		for method, spec := range item.Operations() {
			statuses := []int{401, 403, 500, 502, 503}
			for text := range spec.Responses.Map() {
				if status, err := strconv.Atoi(text); err == nil && status >= 400 {
					statuses = append(statuses, status)
				}
			}
			for _, status := range statuses {
				if err := v.InjectFault(looker.Fault{Method: method, Path: looker.APIPath + path, Status: status, Times: 1}); err != nil {
					t.Fatal(err)
				}
				got, text := v.send(method, path, "application/json", "{}")
				if got != status || !strings.Contains(text, `"message":`) {
					t.Errorf("%s %s: %d %s, want %d", method, path, got, text, status)
				}
				answered++
			}
		}
	}
	if answered < 100 || len(v.Faults()) > 0 {
		t.Errorf("%d answers, %d faults are left", answered, len(v.Faults()))
	}
}

// FuzzRequest checks bodies of any kind in the same way.
func FuzzRequest(f *testing.F) {
	for _, body := range []string{
		"", "{", "{} {}", "00", `{"url":"https://x"}`, `{"url":"https://x","id":null}`, `{"params":[{"name":"key","value":"x"}]}`,
		`{"params":[{"name":"key","user_attribute_name":null}],"enabled":true}`, `{"a":"b"}`, `{"can":{"x":true}}`, "\xff", `{"url":"\ud800"}`,
	} {
		for n := range 4 {
			f.Add(n, body)
		}
	}
	v := newValidator(f)
	f.Fuzz(func(t *testing.T, n int, body string) {
		bodies := v.bodies()
		b := bodies[uint(n)%uint(len(bodies))]
		v.check(t, b.method, b.path, body, b.schema)
		for _, hub := range v.Hubs() {
			if *hub.ID != "2" {
				_ = v.DeleteHub(*hub.ID) // the next body may have the same URL
			}
		}
	})
}
