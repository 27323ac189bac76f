package auger_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/hub/jobs"
	"integrationhub.dev/integrations/auger"
	"integrationhub.dev/integrations/internal/rowstest"
)

func request(t *testing.T, result string, form, params answers) *action.Request {
	t.Helper()
	all := answers{"project_name": "Churn", "model_type": "regression", "train_data": "true"}
	maps.Copy(all, form)
	settings := answers{"api_token": token}
	maps.Copy(settings, params)
	return actiontest.JSONDetail(t, actiontest.Query(settings, all), result)
}

const two = `{"fields":{"dimensions":[{"name":"orders.id"},{"name":"users.age"}],"measures":[{"name":"orders.spent"}],"filters":[{"name":"orders.day"}]},` +
	`"data":[{"orders.id":{"value":12345678901234567890},"users.age":{"value":null},"orders.spent":{"value":1.50}},{"orders.id":{"value":"a\"b"},"users.age":{"value":true},"orders.spent":{"value":0}}]}`

// unique matches the parts of names that differ between files and experiments.
var unique = regexp.MustCompile(`(orders|looker_file)_\d{12,13}_[a-z2-7]{4}(_\d{12,13})?`)

// uuid matches the random part of a path.
var uuid = regexp.MustCompile(`/files/[a-z2-7]{26}-`)

// masked is JSON with sorted members, without what is random.
func masked(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return uuid.ReplaceAllString(unique.ReplaceAllString(string(text), "FILE"), "/files/UUID-")
}

// The calls are those of Auger's own client: https://github.com/augerai/a2ml/tree/master/tests/cassettes/auger
func TestWire(t *testing.T) {
	t.Parallel()
	const (
		address = "workspace/projects/Churn/files/UUID-FILE"
		options = `{"classification":%s,"crossValidationFolds":5,"max_eval_time_mins":6,"max_n_trials":%d,"max_total_time_mins":%d,` +
			`"scoring":"%s","use_ensemble":true}`
		column = `{"column_name":"%s","datatype":"double","isTarget":%t,"range":["1","2"],"use":%t}`
	)
	session := func(classification, scoring, model string, trials, minutes int) string {
		return `{"dataset_statistics":{"columns_count":3,"count":2,"stat_data":[` + fmt.Sprintf(column, "id", false, true) + "," +
			fmt.Sprintf(column, "age", false, true) + "," + fmt.Sprintf(column, "spent", true, false) +
			`]},"experiment_id":"6d140bb67b8dd221",` +
			`"model_settings":{"evaluation_options":` + fmt.Sprintf(options, classification, trials, minutes, scoring) +
			`},"model_type":"` + model + `"}`
	}
	for name, tt := range map[string]struct {
		form, params answers
		session      string
	}{
		"trained":        {nil, nil, session("false", "r2", "regression", 100, 60)},
		"classification": {answers{"model_type": "classification"}, nil, session("true", "accuracy", "classification", 100, 60)},
		"the admin's limits": {nil, answers{"max_n_trials": "20", "max_total_time_mins": "30"}, session(
			"false", "r2", "regression", 20, 30)},
		"the user's limit": {answers{"max_n_trials": "5"}, answers{"max_n_trials": "20"}, session("false", "r2", "regression", 5, 60)},
		"only sent":        {answers{"train_data": "false"}, nil, ""},
		"no answer":        {answers{"train_data": ""}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &fake{projects: []string{"Churn"}}
				res, err := f.start(t).Execute(t.Context(), request(t, two, tt.form, tt.params))
				if err != nil {
					t.Fatal(err)
				}
				if got := unique.ReplaceAllString(res.Message, "FILE"); got != "2 rows were sent to Auger as FILE." {
					t.Errorf("answered %q", got)
				}
				f.watches.Drain(context.Background())
				want := map[string]string{
					"POST project_file_urls": `[{"async":true,"file_path":"` + address + `.json","file_size":88,"project_id":821}]`,
					"POST project_files": `[{"description":null,"file_name":"FILE.json","name":"FILE.json","project_id":821,` +
						`"url":"s3://auger-mt-org-cinpns/` + address + `-e1af44.json"}]`,
					"PATCH projects/ID/deploy": `[{"cluster_autoterminate_minutes":10,"worker_type_id":1,"workers_count":2}]`,
					"POST experiments": `[{"data_path":"s3://auger-mt-org-cinpns/` + address +
						`-e1af44.json","name":"FILE","project_id":821}]`,
					"POST experiment_sessions":     "[" + tt.session + "]",
					"PATCH experiment_sessions/ID": `[{"status":"preprocess"}]`,
				}
				if tt.session == "" {
					maps.DeleteFunc(want, func(operation, _ string) bool { return !strings.Contains(operation, "project_file") })
				}
				got := map[string]string{}
				for operation, bodies := range f.bodies {
					got[operation] = masked(t, bodies)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("calls (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff([]string{`[{"id":12345678901234567890,"age":null,"spent":1.50},{"id":"a\"b","age":true,"spent":0}]`},
					f.files()); diff != "" {
					t.Errorf("stored (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff([]jobs.Outcome{jobs.Completed}, f.outcomes); diff != "" {
					t.Errorf("outcomes (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// A project is created if none has the name. Auger's own client takes a hyphen for an underscore.
func TestProjects(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		projects []string
		created  string
		project  float64
	}{
		"the only one": {[]string{"Churn"}, "", 821},
		"the second":   {[]string{"Churn2", "Churn"}, "", 822},
		"none":         {[]string{"Orders"}, `[{"name":"Churn","organization_id":97}]`, 880},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &fake{projects: tt.projects}
				if _, err := f.start(t).Execute(t.Context(), request(t, two, answers{"train_data": "no"}, nil)); err != nil {
					t.Fatal(err)
				}
				f.watches.Drain(context.Background())
				created := ""
				if bodies := f.bodies["POST projects"]; bodies != nil {
					created = masked(t, bodies)
				}
				if created != tt.created {
					t.Errorf("created %s, want %s", created, tt.created)
				}
				if got := f.bodies["POST project_files"][0]["project_id"]; got != tt.project {
					t.Errorf("project %v, want %v", got, tt.project)
				}
			})
		})
	}
}

func TestColumns(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ result, want string }{
		"two views have a field of the same name": {
			`{"fields":{"dimensions":[{"name":"a.id"},{"name":"b.id"}]},"data":[{"a.id":{"value":1},"b.id":{"value":2}}]}`, `[{"a_id":1,"b_id":2}]`,
		},
		"a table calculation has no view": {
			`{"fields":{"measures":[{"name":"a.n"}],"table_calculations":[{"name":"share"}]},"data":[{"a.n":{"value":1},"share":{"value":0.5}}]}`, `[{"n":1,"share":0.5}]`,
		},
		"pivots": {
			`{"fields":{"dimensions":[{"name":"a.id"}],"measures":[{"name":"a.n"}]},"pivots":[{"key":"x"},{"key":"y"}],"data":[{"a.id":{"value":1},"a.n":{"x":{"value":2},"y":{"value":3}}}]}`,
			`[{"id":1,"n_x":2,"n_y":3}]`,
		},
		"a cell that is missing": {
			`{"fields":{"dimensions":[{"name":"a.id"},{"name":"a.b"}]},"data":[{"a.id":{"value":1}}]}`, `[{"id":1,"b":null}]`,
		},
		"filters and parameters are no columns": {
			`{"fields":{"dimensions":[{"name":"a.id"}],"filters":[{"name":"a.f"}],"parameters":[{"name":"a.p"}]},"data":[{"a.id":{"value":1}}]}`, `[{"id":1}]`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &fake{}
				if _, err := f.start(t).Execute(t.Context(), request(t, tt.result, answers{"train_data": "no"}, nil)); err != nil {
					t.Fatal(err)
				}
				f.watches.Drain(context.Background())
				if diff := cmp.Diff([]string{tt.want}, f.files()); diff != "" {
					t.Errorf("stored (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// failing returns a response for every call of an operation from the nth on.
func failing(operation string, from int, r actiontest.Reply) func(string, int) *actiontest.Reply {
	return func(o string, nth int) *actiontest.Reply {
		if o == operation && nth >= from {
			return &r
		}
		return nil
	}
}

func TestInvalidInput(t *testing.T) {
	t.Parallel()
	const doubt = " It may already have been created. Check before retrying."
	for name, tt := range map[string]struct {
		result       string
		form, params answers
		fake         fake
		kind         action.Kind
		message      string
	}{
		"no token": {
			params: answers{"api_token": ""}, kind: action.Unauthenticated,
			message: "No Auger API Token configured; consult your Looker admin.",
		},
		"wrong token": {params: answers{"api_token": "other"}, kind: action.Unauthenticated, message: "Your Auger API token is invalid."},
		"denied": {
			fake: fake{fail: failing("GET organizations", 1, actiontest.Reply{Status: 403})}, kind: action.Forbidden,
			message: "Auger denied access. The user of the API token may lack a permission in the organization or the project, or the " +
				"organization may have no subscription.",
		},
		"no project": {form: answers{"project_name": ""}, kind: action.Invalid, message: `"project_name" is required.`},
		"a path": {
			form: answers{"project_name": "../x"}, kind: action.Invalid,
			message: `"project_name" must be the name of a project, without slashes.`,
		},
		"no model type": {form: answers{"model_type": ""}, kind: action.Invalid, message: `"model_type" is required.`},
		"another type": {
			form: answers{"model_type": "x"}, kind: action.Invalid, message: `"model_type" must be classification or regression.`,
		},
		"no trials": {
			form: answers{"max_n_trials": "0"}, kind: action.Invalid, message: `"max_n_trials" must be a whole number above 0.`,
		},
		"half a trial": {
			form: answers{"max_n_trials": "1.5"}, kind: action.Invalid, message: `"max_n_trials" must be a whole number above 0.`,
		},
		"no rows": {result: `{"fields":{"dimensions":[]},"data":[]}`, kind: action.Invalid, message: "Looker sent no rows."},
		"in parts": {
			fake: fake{parts: true}, kind: action.TooLarge,
			message: "Auger requires a multipart upload for a file of 0 MiB, which the hub does not support. Send fewer rows.",
		},
		"no URL in time": {
			fake: fake{stays: "cluster_tasks"}, kind: action.Timeout, message: "Auger took longer than 5m0s.",
		},
		"the store": {
			fake: fake{fail: failing("POST store", 1, actiontest.Reply{Status: 503})}, kind: action.Unavailable,
			message: "Auger's object store returned 503 Service Unavailable.",
		},
		"a form that has expired": {
			fake: fake{fail: failing("POST store", 1, actiontest.Reply{Status: 403, Body: policy})}, kind: action.Unavailable,
			message: "Auger's object store returned 403 Forbidden.",
		},
		"resets": {
			fake: fake{fail: failing("GET organizations", 1, actiontest.Reply{Reset: true})}, kind: action.Unavailable,
			message: "The connection to Auger failed.",
		},
		"rate": {
			fake: fake{fail: failing("GET projects", 1, actiontest.Reply{Status: 429, Header: answers{"Retry-After": "7"}})},
			kind: action.RateLimited, message: "Auger returned 429 Too Many Requests.",
		},
		"a web page": {
			fake: fake{fail: failing("POST project_file_urls", 1, actiontest.Reply{Body: "<html>"})}, kind: action.Unavailable,
			message: "Unexpected response from Auger. Auger may already have accepted the request. Check before retrying.",
		},
		"no task": {
			fake: fake{fail: failing("POST project_file_urls", 1, actiontest.Reply{Body: `{"data":{}}`})}, kind: action.Unavailable,
			message: "Unexpected response from Auger.",
		},
		"no organization": {
			fake: fake{fail: failing("GET organizations", 1, actiontest.Reply{Body: `{"data":[]}`})}, kind: action.Forbidden,
			message: "The user of the Auger API token has no organization.",
		},
		"an unknown address": {
			fake: fake{fail: failing("GET cluster_tasks/ID", 1, actiontest.Reply{
				Body: `{"data":{"status":"success","result":{"url":"ftp://x","bucket":"b","fields":{"key":"k"}}}}`,
			})},
			kind: action.Unavailable, message: "Unexpected response from Auger.",
		},
		"a file in doubt": {
			fake: fake{fail: failing("POST project_files", 1, actiontest.Reply{Reset: true})}, kind: action.Unavailable,
			message: "The connection to Auger failed." + doubt,
		},
		"a file that is rejected": {
			fake: fake{fail: failing("POST project_files", 1, actiontest.Reply{Status: 422})}, kind: action.Invalid,
			message: "Auger returned 422 Unprocessable Entity.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := tt.fake
				f.projects = []string{"Churn"}
				result := tt.result
				if result == "" {
					result = two
				}
				_, err := f.start(t).Execute(t.Context(), request(t, result, tt.form, tt.params))
				if action.KindOf(err) != tt.kind || action.MessageOf(err) != tt.message {
					t.Errorf("error %v (%v), want %q", err, action.KindOf(err), tt.message)
				}
				if text := fmt.Sprint(err); strings.Contains(text, token) || strings.Contains(text, policy) {
					t.Errorf("the error contains a secret: %v", err)
				}
				if f.count["POST project_files"] > 1 {
					t.Errorf("%d files were added", f.count["POST project_files"])
				}
				f.watches.Drain(context.Background())
			})
		})
	}
}

// An upload is repeated after each fault, each time to another address, and a file with all 100,000 rows is added once.
func TestUploadAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const total = 100_000
		faults := []actiontest.Reply{{Status: 503}, {Reset: true}, {Status: 403, Body: policy}, {Status: 429, Header: answers{"Retry-After": "2"}}}
		f := &fake{projects: []string{"Churn"}, fail: func(operation string, nth int) *actiontest.Reply {
			if operation == "POST store" && nth <= len(faults) {
				return &faults[nth-1]
			}
			return nil
		}}
		req := rowstest.Query(t, request(t, two, answers{"train_data": "no"}, nil), `{"fields":{"dimensions":[{"name":"o.id"}]}`, total,
			func(i int) string { return fmt.Sprintf(`{"o.id":{"value":%d}}`, i) })
		res, err := f.start(t).Execute(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		if want := "100000 rows were sent to Auger as "; !strings.HasPrefix(res.Message, want) {
			t.Errorf("message %q, want prefix %q", res.Message, want)
		}
		for _, file := range f.files() {
			if n := strings.Count(file, `{"id":`); n != total {
				t.Errorf("the file has %d rows, want %d", n, total)
			}
		}
		f.watches.Drain(context.Background())
		if len(f.stored) != 1 || f.count["POST project_file_urls"] != len(faults)+1 || f.count["POST project_files"] != 1 {
			t.Errorf("calls %v", f.count)
		}
	})
}

// Truncated data does not become a file.
func TestTruncatedSource(t *testing.T) {
	t.Parallel()
	f := &fake{}
	req := actiontest.Download(t, request(t, two, nil, nil), actiontest.BrokenDownload(two[:len(two)-20]))
	_, err := f.start(t).Execute(t.Context(), req)
	if got := action.MessageOf(err); got != "The download from Looker ended before the data was complete." || len(f.count) != 0 {
		t.Errorf("message %q after calls %v", got, f.count)
	}
}

// The job after the response succeeds or counts as failed, and creates nothing twice.
func TestFollow(t *testing.T) {
	t.Parallel()
	later := actiontest.Reply{Status: 503}
	for name, tt := range map[string]struct {
		fake    fake
		outcome jobs.Outcome
		took    time.Duration
		// trains and starts are the numbers of sessions that were created and started.
		trains, starts int
	}{
		"starts the project": {fake{}, jobs.Completed, 30 * time.Second, 1, 1},
		"runs already":       {fake{deployed: true}, jobs.Completed, 20 * time.Second, 1, 1},
		"is being started": {
			fake{fail: failing("PATCH projects/ID/deploy", 1, actiontest.Reply{Status: 422}), stays: "projects"},
			jobs.Failed, 30*time.Minute + 20*time.Second, 0, 0,
		},
		"never runs":           {fake{stays: "projects"}, jobs.Failed, 30*time.Minute + 20*time.Second, 0, 0},
		"unavailable for long": {fake{fail: failing("GET project_files/ID", 1, later)}, jobs.Failed, 6 * time.Hour, 0, 0},
		"errors in the file":   {fake{ends: "processed_with_error"}, jobs.Failed, 20 * time.Second, 0, 0},
		"never processed":      {fake{stays: "project_files"}, jobs.Failed, 6 * time.Hour, 0, 0},
		"no such column":       {fake{deployed: true, renames: true}, jobs.Failed, 20 * time.Second, 0, 0},
		"no statistics": {
			fake{deployed: true, fail: failing("GET project_files/ID", 3, actiontest.Reply{Body: `{"data":{"status":"processed",` +
				`"statistics":null}}`})},
			jobs.Failed, 20 * time.Second, 0, 0,
		},
		"the training rejected": {
			fake{deployed: true, fail: failing("POST experiment_sessions", 1, actiontest.Reply{Status: 500})},
			jobs.Failed, 20 * time.Second, 1, 0,
		},
		"a training in doubt": {
			fake{deployed: true, fail: failing("POST experiment_sessions", 1, actiontest.Reply{Reset: true})},
			jobs.Failed, 20 * time.Second, 1, 0,
		},
		"an answer without id": {fake{deployed: true, fail: failing("POST experiments", 1,
			actiontest.Reply{Body: `{"data":{"id":null}}`})}, jobs.Failed, 20 * time.Second, 0, 0},
		"the start rejected": {
			fake{deployed: true, fail: failing("PATCH experiment_sessions/ID", 1, actiontest.Reply{Status: 422})},
			jobs.Failed, 20 * time.Second, 1, 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := tt.fake
				f.projects = []string{"Churn"}
				if _, err := f.start(t).Execute(t.Context(), request(t, two, nil, nil)); err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				f.watches.Drain(context.Background())
				if diff := cmp.Diff([]jobs.Outcome{tt.outcome}, f.outcomes); diff != "" || time.Since(start) != tt.took {
					t.Errorf("after %v outcomes (-want +got):\n%s", time.Since(start), diff)
				}
				if trains, starts := f.count["POST experiment_sessions"], f.count["PATCH experiment_sessions/ID"]; trains != tt.trains ||
					starts != tt.starts {
					t.Errorf("%d trainings were created, and %d started: %v", trains, starts, f.count)
				}
			})
		})
	}
}

// meter measures the heap while a file is read and stored, and counts its rows.
type meter struct {
	http.RoundTripper
	rows int
	heap uint64
}

func (m *meter) measure() {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	m.heap = max(m.heap, stats.HeapInuse)
}

// RoundTrip implements [http.RoundTripper]. The fake would hold the file in memory.
func (m *meter) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Host != storeHost {
		return m.RoundTripper.RoundTrip(req)
	}
	r := bufio.NewReader(req.Body)
	for {
		part, err := r.ReadSlice('}')
		if bytes.Contains(part, []byte(`"id":`)) {
			if m.rows++; m.rows%100_000 == 0 {
				m.measure()
			}
		}
		if err != nil {
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: req}, nil //nolint:nilerr // the body ended
		}
	}
}

// Each of a million rows is in the file, and the memory does not depend on their number. Not parallel: it measures the heap.
func TestMemory(t *testing.T) { //nolint:paralleltest // measures the heap
	for _, way := range rowstest.Ways {
		t.Run(way.Name, func(t *testing.T) {
			actiontest.Serial(t)
			synctest.Test(t, func(t *testing.T) {
				const total, most = 1_000_000, 32 << 20
				f := &fake{projects: []string{"Churn"}}
				f.fail = func(operation string, _ int) *actiontest.Reply {
					if operation == "POST project_files" { // the fake has no file
						return &actiontest.Reply{Body: `{"data":{"id":3273}}`}
					}
					return nil
				}
				f.start(t)
				deps := actiontest.Deps(t, actiontest.NewSocketless().Handle(f.answer), nil)
				m := &meter{RoundTripper: deps.HTTP.Transport}
				deps.HTTP = &http.Client{Transport: m}
				deps.StartJob = func(ctx context.Context, begin func(context.Context) (action.Job, error)) error {
					_, err := begin(ctx)
					return err
				}
				req := way.Query(t, request(t, two, nil, nil), `{"fields":{"dimensions":[{"name":"o.id"},{"name":"o.city"}]}`, total,
					func(i int) string {
						if i%100_000 == 0 {
							m.measure()
						}
						return fmt.Sprintf(`{"o.id":{"value":%d},"o.city":{"value":"Zürich"}}`, i)
					})
				res, err := actiontest.New(t, auger.New, deps).Execute(t.Context(), req)
				if err != nil || !strings.HasPrefix(res.Message, "1000000 rows were sent to Auger as ") {
					t.Fatalf("%+v, %v", res, err)
				}
				if m.rows != total {
					t.Errorf("%d rows arrived, want %d", m.rows, total)
				}
				if m.heap > most {
					t.Errorf("the heap grew to %d MiB, more than %d", m.heap>>20, most>>20)
				}
				t.Logf("%d rows, heap at most %.1f MiB", total, float64(m.heap)/(1<<20))
			})
		})
	}
}

func TestForm(t *testing.T) {
	t.Parallel()
	for params, trials := range map[string]string{"": "100", "20": "20"} {
		f := &fake{}
		got, err := action.Resolve(f.start(t)).Form.Form(t.Context(), actiontest.Query(answers{"api_token": token, "max_n_trials": params}, nil))
		if err != nil {
			t.Fatal(err)
		}
		want := &action.Form{Fields: []action.Field{
			{Name: "project_name", Label: "Project Name", Type: action.String, Required: true, Description: "The project in Auger that gets the data. It is created if it does not exist."},
			{
				Name: "model_type", Label: "Model Type", Type: action.Select, Required: true, Default: "classification",
				Options: []action.Option{{Name: "classification", Label: "Classification"}, {Name: "regression", Label: "Regression"}},
			},
			{Name: "max_n_trials", Label: "Trials to run", Type: action.String, Default: trials, Description: "The number of models to try."},
			{Name: "train_data", Label: "Train after data transfer", Type: action.Select, Default: "false", Options: []action.Option{{Name: "true", Label: "True"}, {Name: "false", Label: "False"}}},
		}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("form (-want +got):\n%s", diff)
		}
	}
}

func TestFormFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		token   string
		reply   *actiontest.Reply
		message string
	}{
		"no token":     {"", nil, "No Auger API Token configured; consult your Looker admin."},
		"wrong token":  {"other", nil, "Your Auger API token is invalid."},
		"no user":      {token, &actiontest.Reply{Status: 404}, "Your Auger API token is invalid."},
		"unavailable":  {token, &actiontest.Reply{Status: 500}, "Auger returned 500 Internal Server Error."},
		"out of reach": {token, &actiontest.Reply{Reset: true}, "The connection to Auger failed."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fake{fail: func(string, int) *actiontest.Reply { return tt.reply }}
			_, err := action.Resolve(f.start(t)).Form.Form(t.Context(), actiontest.Query(answers{"api_token": tt.token}, nil))
			if action.MessageOf(err) != tt.message || strings.Contains(err.Error(), token) {
				t.Errorf("error %v, want %q", err, tt.message)
			}
		})
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		deps := action.Deps{HTTP: actiontest.Late()}
		start := time.Now()
		_, err := action.Resolve(actiontest.New(t, auger.New, deps)).Form.Form(t.Context(), actiontest.Query(answers{"api_token": token}, nil))
		if action.MessageOf(err) != "Auger did not respond in time." || time.Since(start) != 2*time.Minute {
			t.Errorf("error %v after %v", err, time.Since(start))
		}
	})
}

func TestFormats(t *testing.T) {
	t.Parallel()
	formats := actiontest.New(t, auger.New, action.Deps{}).Definition().FormatsFor
	for v, want := range map[action.Version]action.Format{
		{}: action.JSONDetail, action.V(6, 1, 9): action.JSONDetail, action.V(6, 2, 0): action.JSONDetailLiteStream, action.V(24, 0, 0): action.JSONDetailLiteStream,
	} {
		if got := formats(v); !slices.Equal(got, []action.Format{want}) {
			t.Errorf("Looker %v: %v", v, got)
		}
	}
}
