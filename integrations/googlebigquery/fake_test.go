package googlebigquery_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/googlebigquery"
)

const email = "hub@project1.iam.gserviceaccount.com"

// key is the account's private key, which is made once: it takes a while.
var key = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

func pemKey() string {
	der, err := x509.MarshalPKCS8PrivateKey(key())
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// table is a table of the fake.
type table struct {
	// Schema are its columns as "name TYPE", or "name TYPE MODE".
	Schema []string
	// Rows are its rows as JSON.
	Rows []string
	// Partition is the type of its partitions, and Partitions are those that were written to.
	Partition  string
	Partitions []string
}

// session is a resumable upload that is under way, or over.
type session struct {
	job  map[string]any
	body []byte
	made map[string]any
}

// fake is as much of BigQuery as the integration uses. A job loads its data in a later request, and all of it or nothing.
type fake struct {
	// locations are those of the datasets, and tables the tables by project.dataset.table.
	locations map[string]string
	tables    map[string]*table
	// before answers in place of the fake, after once the call did its work; n counts the calls of a kind from 1. The
	// kinds are token, datasets, tables, dataset, table, begin, piece, cancel and job.
	before, after func(what string, n int) *actiontest.Reply
	// pending is how many times a job is seen before it has ended.
	pending int
	// fail is the error of every job, as JSON of its status.
	fail string

	sessions map[string]*session
	jobs     map[string]map[string]any
	seen     map[string]int
	calls    map[string]int
}

func newFake() *fake {
	return &fake{
		locations: map[string]string{"project1.reports": "europe-west3", "project1.archive": "US", "project2.shared": "EU"},
		tables:    map[string]*table{}, sessions: map[string]*session{}, jobs: map[string]map[string]any{}, seen: map[string]int{}, calls: map[string]int{},
	}
}

func (f *fake) start(t *testing.T, env map[string]string) action.Integration {
	t.Helper()
	d := actiontest.NewDestination(t).Handle(f.serve)
	i := actiontest.New(t, googlebigquery.New, actiontest.Deps(t, d, env))
	googlebigquery.Small(i)
	document := discovery(t)
	t.Cleanup(func() {
		for _, r := range d.Requests() {
			for _, problem := range document.check(r) {
				t.Errorf("%s %s: %s", r.Method, r.Path, problem)
			}
		}
	})
	return i
}

func answer(status int, v any) actiontest.Reply {
	body, err := json.Marshal(v)
	if err != nil {
		return actiontest.Reply{Status: http.StatusInternalServerError}
	}
	return actiontest.Reply{Status: status, Header: map[string]string{"Content-Type": "application/json"}, Body: string(body)}
}

func refusal(status int, reason, message string) actiontest.Reply {
	return answer(status, map[string]any{"error": map[string]any{
		"code": status, "message": message, "errors": []any{map[string]any{"reason": reason, "message": message}},
	}})
}

func (f *fake) serve(r actiontest.Recorded) actiontest.Reply {
	what, do := f.route(r)
	if what != "token" && r.Header.Get("Authorization") != "Bearer access" {
		return refusal(http.StatusUnauthorized, "authError", "Invalid Credentials")
	}
	f.calls[what]++
	n := f.calls[what]
	if f.before != nil {
		if reply := f.before(what, n); reply != nil {
			return *reply
		}
	}
	reply := do(r)
	if f.after != nil {
		if other := f.after(what, n); other != nil {
			return *other
		}
	}
	return reply
}

var paths = map[string]*regexp.Regexp{
	"datasets": regexp.MustCompile(`^/bigquery/v2/projects/([^/]+)/datasets$`),
	"dataset":  regexp.MustCompile(`^/bigquery/v2/projects/([^/]+)/datasets/([^/]+)$`),
	"tables":   regexp.MustCompile(`^/bigquery/v2/projects/([^/]+)/datasets/([^/]+)/tables$`),
	"table":    regexp.MustCompile(`^/bigquery/v2/projects/([^/]+)/datasets/([^/]+)/tables/([^/]+)$`),
	"job":      regexp.MustCompile(`^/bigquery/v2/projects/([^/]+)/jobs/([^/]+)$`),
}

func (f *fake) route(r actiontest.Recorded) (what string, do func(actiontest.Recorded) actiontest.Reply) {
	notFound := func(actiontest.Recorded) actiontest.Reply {
		return refusal(http.StatusNotFound, "notFound", "Not Found")
	}
	switch {
	case r.Host == "oauth2.googleapis.com" && r.Path == "/token":
		return "token", token
	case r.Host == "169.254.169.254":
		return "token", metadata
	case r.Host != "bigquery.googleapis.com":
		return "other", notFound
	case r.Method == http.MethodPost:
		return "begin", f.begin
	case r.Method == http.MethodDelete:
		return "cancel", f.cancel
	case r.Method == http.MethodPut:
		return "piece", f.piece
	}
	gets := map[string]func(names []string, r actiontest.Recorded) actiontest.Reply{
		"datasets": f.listDatasets, "dataset": f.getDataset, "tables": f.listTables, "table": f.getTable, "job": f.getJob,
	}
	for what, path := range paths {
		if found := path.FindStringSubmatch(r.Path); found != nil {
			for n := range found {
				found[n], _ = url.PathUnescape(found[n])
			}
			return what, func(r actiontest.Recorded) actiontest.Reply { return gets[what](found[1:], r) }
		}
	}
	return "other", notFound
}

// token checks a sign-in's signature (RFC 7523).
func token(r actiontest.Recorded) actiontest.Reply {
	form, _ := url.ParseQuery(string(r.Body))
	parts := strings.Split(form.Get("assertion"), ".")
	if len(parts) != 3 {
		return answer(http.StatusBadRequest, map[string]string{"error": "invalid_request"})
	}
	signature, _ := base64.RawURLEncoding.DecodeString(parts[2])
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	claims, _ := base64.RawURLEncoding.DecodeString(parts[1])
	var said struct{ Iss, Scope string }
	if err := json.Unmarshal(claims, &said); err != nil {
		return answer(http.StatusBadRequest, map[string]string{"error": "invalid_grant"})
	}
	signed := rsa.VerifyPKCS1v15(&key().PublicKey, crypto.SHA256, sum[:], signature) == nil
	if !signed || said.Iss != email || said.Scope != "https://www.googleapis.com/auth/bigquery" {
		return answer(http.StatusBadRequest, map[string]string{"error": "invalid_grant", "error_description": "quotes " + pemKey()})
	}
	return answer(http.StatusOK, map[string]any{"access_token": "access", "token_type": "Bearer", "expires_in": 3599})
}

// metadata is Google's metadata server.
func metadata(r actiontest.Recorded) actiontest.Reply {
	if r.Header.Get("Metadata-Flavor") != "Google" || r.Query.Get("scopes") != "https://www.googleapis.com/auth/bigquery" {
		return actiontest.Reply{Status: http.StatusForbidden}
	}
	return answer(http.StatusOK, map[string]any{"access_token": "access", "token_type": "Bearer", "expires_in": 3599})
}

// page returns two names of a list, and the token of the next page.
func page(all []string, token string) ([]string, string) {
	from, _ := strconv.Atoi(token)
	to := min(from+2, len(all))
	if to < len(all) {
		return all[from:to], strconv.Itoa(to)
	}
	return all[from:to], ""
}

func (f *fake) listDatasets(names []string, r actiontest.Recorded) actiontest.Reply {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(f.locations)) {
		if id, ours := strings.CutPrefix(name, names[0]+"."); ours {
			all = append(all, id)
		}
	}
	list := []any{}
	some, next := page(all, r.Query.Get("pageToken"))
	for _, id := range some {
		list = append(list, map[string]any{"id": names[0] + ":" + id, "datasetReference": map[string]any{"projectId": names[0], "datasetId": id}})
	}
	return answer(http.StatusOK, map[string]any{"kind": "bigquery#datasetList", "datasets": list, "nextPageToken": next})
}

func (f *fake) getDataset(names []string, _ actiontest.Recorded) actiontest.Reply {
	location, ok := f.locations[strings.Join(names, ".")]
	if !ok {
		return refusal(http.StatusNotFound, "notFound", "Not found: Dataset "+names[0]+":"+names[1])
	}
	return answer(http.StatusOK, map[string]any{"kind": "bigquery#dataset", "location": location})
}

func (f *fake) listTables(names []string, r actiontest.Recorded) actiontest.Reply {
	prefix := strings.Join(names, ".") + "."
	var all []string
	for _, name := range slices.Sorted(maps.Keys(f.tables)) {
		if id, ours := strings.CutPrefix(name, prefix); ours {
			all = append(all, id)
		}
	}
	list := []any{map[string]any{"type": "VIEW", "tableReference": map[string]any{"tableId": "a_view"}}}
	some, next := page(all, r.Query.Get("pageToken"))
	for _, id := range some {
		list = append(list, map[string]any{"type": "TABLE", "tableReference": map[string]any{"projectId": names[0], "datasetId": names[1], "tableId": id}})
	}
	return answer(http.StatusOK, map[string]any{"tables": list, "nextPageToken": next})
}

func (f *fake) getTable(names []string, _ actiontest.Recorded) actiontest.Reply {
	t, ok := f.tables[strings.Join(names, ".")]
	if !ok {
		return refusal(http.StatusNotFound, "notFound", "Not found: Table "+strings.Join(names, "."))
	}
	return answer(http.StatusOK, map[string]any{"schema": map[string]any{"fields": fieldsOf(t.Schema)}})
}

// fieldsOf are the fields of a schema, with a description that must not get lost.
func fieldsOf(schema []string) []any {
	fields := []any{}
	for _, text := range schema {
		parts := strings.Fields(text)
		field := map[string]any{"name": parts[0], "type": parts[1], "description": "by hand"}
		if len(parts) > 2 {
			field["mode"] = parts[2]
		}
		fields = append(fields, field)
	}
	return fields
}

func (f *fake) begin(r actiontest.Recorded) actiontest.Reply {
	var job map[string]any
	err := json.Unmarshal(r.Body, &job)
	if err != nil || r.Query.Get("uploadType") != "resumable" || !strings.HasPrefix(r.Path, "/upload/bigquery/v2/projects/") {
		return refusal(http.StatusBadRequest, "invalid", "Bad Request")
	}
	id := strconv.Itoa(len(f.sessions) + 1)
	f.sessions[id] = &session{job: job}
	return actiontest.Reply{Header: map[string]string{"Location": "https://bigquery.googleapis.com" + r.Path + "?uploadType=resumable&upload_id=" + id}}
}

func (f *fake) cancel(r actiontest.Recorded) actiontest.Reply {
	delete(f.sessions, r.Query.Get("upload_id"))
	return actiontest.Reply{Status: 499}
}

// piece takes "bytes 0-9/*" and "bytes 10-12/13", and tells where it is on "bytes */*".
func (f *fake) piece(r actiontest.Recorded) actiontest.Reply {
	s := f.sessions[r.Query.Get("upload_id")]
	switch {
	case s == nil:
		return refusal(http.StatusNotFound, "notFound", "Not Found")
	case s.made != nil:
		return answer(http.StatusOK, s.made)
	}
	span, total, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("Content-Range"), "bytes "), "/")
	whole := -1
	if total != "*" {
		whole, _ = strconv.Atoi(total)
	}
	if span != "*" {
		var from, to int
		if _, err := fmt.Sscanf(span, "%d-%d", &from, &to); err != nil {
			return refusal(http.StatusBadRequest, "invalid", "No range")
		}
		fits := to-from+1 == len(r.Body) && from == len(s.body)
		if !fits || whole < 0 && (to+1)%googlebigquery.Piece != 0 {
			return refusal(http.StatusBadRequest, "invalid", "The bytes do not fit: "+r.Header.Get("Content-Range"))
		}
		s.body = append(s.body, r.Body...)
	}
	if whole == len(s.body) {
		return f.insert(s)
	}
	header := map[string]string{}
	if n := len(s.body); n > 0 {
		header["Range"] = fmt.Sprintf("bytes=0-%d", n-1)
	}
	return actiontest.Reply{Status: http.StatusPermanentRedirect, Header: header}
}

func member(v any, names ...string) any {
	for _, name := range names {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

func text(v any, names ...string) string {
	s, _ := member(v, names...).(string)
	return s
}

// insert starts a job. An ID can be used once.
func (f *fake) insert(s *session) actiontest.Reply {
	id := text(s.job, "jobReference", "jobId")
	if _, exists := f.jobs[id]; exists {
		return refusal(http.StatusConflict, "duplicate", "Already Exists: Job project1:"+id)
	}
	load := member(s.job, "configuration", "load")
	name, partition, _ := strings.Cut(text(load, "destinationTable", "tableId"), "$")
	dataset := text(load, "destinationTable", "projectId") + "." + text(load, "destinationTable", "datasetId")
	made := map[string]any{
		"jobReference":  map[string]any{"projectId": "project1", "jobId": id, "location": f.locations[dataset]},
		"configuration": s.job["configuration"], "status": map[string]any{"state": "PENDING"},
	}
	status, n := f.run(load, dataset+"."+name, partition, s.body)
	f.jobs[id] = maps.Clone(made)
	f.jobs[id]["status"] = status
	f.jobs[id]["statistics"] = map[string]any{"load": map[string]any{"outputRows": strconv.Itoa(n)}}
	s.made = made
	return answer(http.StatusOK, made)
}

// run is the job: it writes the rows, or fails.
func (f *fake) run(load any, name, partition string, body []byte) (status any, rows int) {
	if f.fail != "" {
		var failed any
		if err := json.Unmarshal([]byte(f.fail), &failed); err != nil {
			return map[string]any{"state": "DONE", "errorResult": map[string]any{"reason": "internalError"}}, 0
		}
		return failed, 0
	}
	t := f.tables[name]
	if t == nil {
		if text(load, "createDisposition") == "CREATE_NEVER" {
			return failed("notFound", "Not found: Table "+name), 0
		}
		t = &table{Partition: text(load, "timePartitioning", "type")}
		f.tables[name] = t
	}
	if fields, ok := member(load, "schema", "fields").([]any); ok {
		t.Schema = nil
		for _, field := range fields {
			t.Schema = append(t.Schema, strings.TrimSpace(text(field, "name")+" "+text(field, "type")+" "+text(field, "mode")))
		}
	}
	switch text(load, "writeDisposition") {
	case "WRITE_TRUNCATE":
		t.Rows = nil
	case "WRITE_EMPTY":
		if len(t.Rows) > 0 {
			return failed("duplicate", "Already Exists: Table "+name), 0
		}
	}
	if partition != "" {
		t.Partitions = append(t.Partitions, partition)
	}
	for line := range bytes.Lines(body) {
		if problem := t.problem(line); problem != "" {
			return failed("invalid", problem), 0
		}
		t.Rows = append(t.Rows, strings.TrimSuffix(string(line), "\n"))
		rows++
	}
	return map[string]any{"state": "DONE"}, rows
}

func failed(reason, message string) any {
	return map[string]any{
		"state": "DONE", "errorResult": map[string]any{"reason": reason, "message": message},
		"errors": []any{map[string]any{"reason": reason, "message": message}},
	}
}

// tooLong are decimals that BigQuery does not round: "Invalid NUMERIC value: -0.8534597960201471 Field: … Value: …".
// https://github.com/GoogleCloudPlatform/professional-services/issues/750
var tooLong = map[string]*regexp.Regexp{
	"NUMERIC": regexp.MustCompile(`\.[0-9]{10}`), "BIGNUMERIC": regexp.MustCompile(`\.[0-9]{39}`),
}

// problem says which column of a row is unknown, or has too many decimals.
func (t *table) problem(line []byte) string {
	var row map[string]any
	if err := json.Unmarshal(line, &row); err != nil {
		return "JSON parsing error in row starting at position 0: Parser terminated before end of string"
	}
	for name, value := range row {
		n := slices.IndexFunc(t.Schema, func(field string) bool { return strings.HasPrefix(field, name+" ") })
		if n < 0 {
			return "JSON parsing error in row starting at position 0: No such field: " + name + "."
		}
		kind := strings.Fields(t.Schema[n])[1]
		if pattern := tooLong[kind]; pattern != nil && pattern.MatchString(fmt.Sprint(value)) {
			return fmt.Sprintf("Invalid %s value: %v Field: %s; Value: %v", kind, value, name, value)
		}
	}
	return ""
}

// getJob finds a job only in its location, unless that is US or EU.
func (f *fake) getJob(names []string, r actiontest.Recorded) actiontest.Reply {
	job, ok := f.jobs[names[1]]
	location := text(job, "jobReference", "location")
	if given := r.Query.Get("location"); !ok || given != location && (given != "" || location != "US" && location != "EU") {
		return refusal(http.StatusNotFound, "notFound", "Not found: Job "+names[0]+":"+names[1])
	}
	if f.seen[names[1]]++; f.seen[names[1]] <= f.pending {
		job = maps.Clone(job)
		job["status"] = map[string]any{"state": "RUNNING"}
	}
	return answer(http.StatusOK, job)
}

// document is a description of the API: https://developers.google.com/discovery/v1/reference/apis
type document struct {
	Schemas    map[string]property
	Parameters map[string]property
	Resources  map[string]struct {
		Methods map[string]method
	}
}

type method struct {
	HTTPMethod  string
	Path        string
	Parameters  map[string]property
	Request     property
	MediaUpload struct {
		Protocols struct {
			Simple struct{ Path string }
		}
	}
}

type property struct {
	Type                 string
	Ref                  string `json:"$ref"`
	Properties           map[string]property
	AdditionalProperties *property
	Items                *property
	Enum                 []string
	ReadOnly, Deprecated bool
}

// discovery reads the document in Google's module, if it is on this machine.
func discovery(t *testing.T) *document {
	t.Helper()
	d := readDiscovery()
	if d == nil {
		t.Log("the requests are not checked: the module google.golang.org/api is not on this machine")
	}
	return d
}

var readDiscovery = sync.OnceValue(func() *document {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "google.golang.org/api").Output()
	if err != nil {
		return nil
	}
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "bigquery", "v2", "bigquery-api.json"))
	if err != nil {
		return nil
	}
	d := &document{}
	if err := json.Unmarshal(text, d); err != nil {
		return nil
	}
	return d
})

// check says what the document does not allow in a request.
func (d *document) check(r actiontest.Recorded) []string {
	if d == nil || r.Host != "bigquery.googleapis.com" || r.Query.Has("upload_id") {
		return nil
	}
	m, found := d.find(r)
	if !found {
		return []string{"no such method"}
	}
	var problems []string
	for name, values := range r.Query {
		p, ok := m.Parameters[name]
		if !ok {
			p, ok = d.Parameters[name]
		}
		switch {
		case !ok && name != "uploadType":
			problems = append(problems, "no parameter "+name)
		case len(p.Enum) > 0 && !slices.Contains(p.Enum, values[0]):
			problems = append(problems, "parameter "+name+" cannot be "+values[0])
		}
	}
	if len(r.Body) > 0 {
		var body any
		if err := json.Unmarshal(r.Body, &body); err != nil {
			return append(problems, err.Error())
		}
		problems = append(problems, d.value(m.Request, "body", body)...)
	}
	return problems
}

var pathParameter = regexp.MustCompile(`\{\+?[A-Za-z]+\}`)

// find returns the method of a request.
func (d *document) find(r actiontest.Recorded) (method, bool) {
	for _, resource := range d.Resources {
		for _, m := range resource.Methods {
			for _, path := range []string{"/bigquery/v2/" + m.Path, m.MediaUpload.Protocols.Simple.Path} {
				pattern := "^" + pathParameter.ReplaceAllString(path, "[^/]+") + "$"
				if path != "" && m.HTTPMethod == r.Method && regexp.MustCompile(pattern).MatchString(r.Path) {
					return m, true
				}
			}
		}
	}
	return method{}, false
}

// value says what a schema does not allow in a value.
func (d *document) value(p property, at string, v any) []string {
	if p.Ref != "" {
		p = d.Schemas[p.Ref]
	}
	switch v := v.(type) {
	case map[string]any:
		var problems []string
		for name, value := range v {
			inner, ok := p.Properties[name]
			switch {
			case !ok && p.AdditionalProperties == nil:
				problems = append(problems, at+" has no member "+name)
				continue
			case !ok:
				inner = *p.AdditionalProperties
			case inner.ReadOnly:
				problems = append(problems, at+"."+name+" is for output only")
			case inner.Deprecated:
				problems = append(problems, at+"."+name+" is deprecated")
			}
			problems = append(problems, d.value(inner, at+"."+name, value)...)
		}
		return problems
	case []any:
		if p.Type != "array" {
			return []string{at + " is not an array"}
		}
		var problems []string
		for _, value := range v {
			problems = append(problems, d.value(*p.Items, at+"[]", value)...)
		}
		return problems
	case string:
		switch {
		case p.Type != "string":
			return []string{at + " is not a string"}
		case len(p.Enum) > 0 && !slices.Contains(p.Enum, v):
			return []string{at + " cannot be " + v}
		}
	case bool:
		if p.Type != "boolean" {
			return []string{at + " is not a boolean"}
		}
	case float64:
		if p.Type != "integer" && p.Type != "number" {
			return []string{at + " is not a number"}
		}
	}
	return nil
}
