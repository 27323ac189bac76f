package auger_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"regexp"
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
)

const token = "s3cret-token"

type answers = map[string]string

// fake is a fake of Auger and its object store.
type fake struct {
	// fail returns the response to the nth call of an operation that must fail, or nil.
	fail func(operation string, nth int) *actiontest.Reply
	// project and file are the statuses, one for each poll. The last one is repeated.
	project, file []string

	// These are read when no job is running.
	operations []string
	count      map[string]int
	bodies     map[string][]string
	stored     map[string]string
	outcomes   []jobs.Outcome
	watches    *jobs.Pool
}

func (f *fake) start(t *testing.T) action.Integration {
	t.Helper()
	f.count, f.bodies, f.stored = map[string]int{}, map[string][]string{}, map[string]string{}
	deps := actiontest.Deps(t, actiontest.NewSocketless().Handle(f.answer), nil)
	f.watches = jobs.New(jobs.Options{MaxJobs: 1, Timeout: 24 * time.Hour, Observer: f, Log: slog.New(slog.DiscardHandler)})
	deps.StartJob = f.watches.Start
	return actiontest.New(t, auger.New, deps)
}

func (*fake) JobStarted(context.Context)                   {}
func (*fake) JobRefused(context.Context)                   {}
func (f *fake) JobEnded(_ context.Context, o jobs.Outcome) { f.outcomes = append(f.outcomes, o) }

var ids = regexp.MustCompile(`/(7|"?f-1"?)\b`)

func (f *fake) answer(r actiontest.Recorded) actiontest.Reply {
	operation := r.Method + " " + strings.TrimPrefix(ids.ReplaceAllString(r.Path, "/ID"), "/api/v1")
	if r.Host == "store.example.com" {
		operation = "PUT store"
	}
	f.operations = append(f.operations, operation)
	f.count[operation]++
	if f.fail != nil {
		if reply := f.fail(operation, f.count[operation]); reply != nil {
			return *reply
		}
	}
	if r.Host == "store.example.com" {
		if strings.Contains(string(r.Body)+r.Query.Encode(), token) || r.Header.Get("Content-Type") != "application/json" {
			return actiontest.Reply{Status: http.StatusBadRequest}
		}
		f.stored[unique.ReplaceAllString(r.Path, "FILE")] = string(r.Body)
		return actiontest.Reply{}
	}
	var in map[string]any
	_ = json.Unmarshal(r.Body, &in) // invalid JSON has no token
	if r.Query.Get("token") != token && in["token"] != token || r.Host != "app.auger.ai" {
		return actiontest.Reply{Status: http.StatusUnauthorized, Body: `{"errors":"` + token + `"}`}
	}
	delete(in, "token")
	body, _ := json.Marshal(in) // it was JSON
	f.bodies[operation] = append(f.bodies[operation], unique.ReplaceAllString(string(body), "FILE"))
	return actiontest.Reply{Body: f.say(operation, in)}
}

func (f *fake) say(operation string, in map[string]any) string {
	look := func(all []string) string { return all[min(f.count[operation], len(all))-1] }
	switch operation {
	case "PUT /project_file_urls/":
		return fmt.Sprintf(`{"data":{"project_id":7,"main_bucket":"main","url":"https://store.example.com/%s?X-Amz-Signature=sig"}}`, in["file_path"])
	case "GET /projects/ID":
		return `{"data":{"id":7,"status":"` + look(f.project) + `"}}`
	case "GET /project_files/ID":
		return `{"data":{"id":"f-1","status":"` + look(f.file) + `"}}`
	case "POST /projects/ID/files/":
		return `{"data":{"id":"f-1"}}`
	case "POST /experiments/":
		return `{"data":{"id":9}}`
	case "POST /experiment_sessions/":
		return `{"data":{"id":"s-1"}}`
	}
	return `{"data":{}}`
}

// unique matches the parts of names that differ between files and experiments.
var unique = regexp.MustCompile(`(orders|looker_file)_\d{12,13}_[a-z2-7]{4}(_\d{12,13})?`)

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

// result has n rows of one column.
func result(n int) string {
	rows := make([]string, n)
	for i := range rows {
		rows[i] = fmt.Sprintf(`{"o.n":{"value":%d}}`, i)
	}
	return `{"fields":{"measures":[{"name":"o.n"}]},"data":[` + strings.Join(rows, ",") + `]}`
}

func TestWire(t *testing.T) {
	t.Parallel()
	const (
		features = `"features":[{"column_name":"id"},{"column_name":"age"},{"column_name":"spent","isTarget":true}]`
		session  = `{"experiment_id":9,"model_settings":{` + features + `,"max_n_trials":"%s","max_total_time_mins":"%s"},"model_type":"regression","status":"preprocess"}`
	)
	for name, tt := range map[string]struct {
		form, params answers
		session      []string
	}{
		"trained":            {nil, nil, []string{fmt.Sprintf(session, "100", "60")}},
		"the admin's limits": {nil, answers{"max_n_trials": "20", "max_total_time_mins": "30"}, []string{fmt.Sprintf(session, "20", "30")}},
		"the user's limit":   {answers{"max_n_trials": "5"}, answers{"max_n_trials": "20"}, []string{fmt.Sprintf(session, "5", "60")}},
		"only sent":          {answers{"train_data": "false"}, nil, nil},
		"no answer":          {answers{"train_data": ""}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &fake{project: []string{"deploying", "deploying", "running"}, file: []string{"processing", "processed"}}
				start := time.Now()
				res, err := f.start(t).Execute(t.Context(), request(t, two, tt.form, tt.params))
				if err != nil {
					t.Fatal(err)
				}
				if got := unique.ReplaceAllString(res.Message, "FILE"); got != "2 rows were sent to Auger as FILE." || time.Since(start) != 0 {
					t.Errorf("answered %q after %v", got, time.Since(start))
				}
				f.watches.Drain(context.Background())
				want := map[string][]string{
					"PUT /project_file_urls/":    {`{"file_path":"workspace/projects/Churn/files/FILE.json","project_name":"Churn"}`},
					"PATCH /projects/ID/deploy":  {`{"cluster_autoterminate_minutes":10,"worker_type_id":1,"workers_count":2}`},
					"GET /projects/ID":           {"null", "null", "null"},
					"POST /projects/ID/files/":   {`{"content_type":"application/json","file_name":"FILE.json","name":"FILE","project_id":7,"url":"s3://main/workspace/projects/Churn/files/FILE.json"}`},
					"GET /project_files/ID":      {"null", "null"},
					"POST /experiments/":         {`{"name":"FILE","project_file_id":"f-1","project_id":7}`},
					"POST /experiment_sessions/": tt.session,
				}
				if tt.session == nil {
					delete(want, "POST /experiments/")
					delete(want, "POST /experiment_sessions/")
				}
				if diff := cmp.Diff(want, f.bodies); diff != "" {
					t.Errorf("calls (-want +got):\n%s", diff)
				}
				rows := map[string]string{"/workspace/projects/Churn/files/FILE.json": `[{"id":12345678901234567890,"age":null,"spent":1.50},{"id":"a\"b","age":true,"spent":0}]`}
				if diff := cmp.Diff(rows, f.stored); diff != "" {
					t.Errorf("stored (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff([]jobs.Outcome{jobs.Completed}, f.outcomes); diff != "" {
					t.Errorf("outcomes (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// Each row is in one chunk. Chunks are numbered from 1. Rows that fit into one chunk are a single file.
func TestChunks(t *testing.T) {
	t.Parallel()
	for rows, files := range map[int][]string{
		10_000: {"/workspace/projects/Churn/files/FILE.json"},
		10_001: {"/workspace/projects/Churn/files/FILE/1.json", "/workspace/projects/Churn/files/FILE/2.json"},
		25_000: {"/workspace/projects/Churn/files/FILE/1.json", "/workspace/projects/Churn/files/FILE/2.json", "/workspace/projects/Churn/files/FILE/3.json"},
	} {
		t.Run(fmt.Sprint(rows), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &fake{project: []string{"running"}, file: []string{"processed"}}
				f.fail = func(operation string, nth int) *actiontest.Reply { // one in three is retried
					if operation == "PUT store" && nth%3 == 1 {
						return &actiontest.Reply{Status: http.StatusServiceUnavailable}
					}
					return nil
				}
				if _, err := f.start(t).Execute(t.Context(), request(t, result(rows), nil, nil)); err != nil {
					t.Fatal(err)
				}
				f.watches.Drain(context.Background())
				var names []string
				seen := map[int]int{}
				for name, body := range f.stored {
					names = append(names, name)
					var chunk []struct{ N int }
					if err := json.Unmarshal([]byte(body), &chunk); err != nil {
						t.Fatal(err)
					}
					for _, r := range chunk {
						seen[r.N]++
					}
				}
				slices.Sort(names)
				if diff := cmp.Diff(files, names); diff != "" {
					t.Errorf("files (-want +got):\n%s", diff)
				}
				for n := range rows {
					if seen[n] != 1 {
						t.Fatalf("row %d is there %d times", n, seen[n])
					}
				}
				contentType := `"content_type":"application/json"`
				if len(files) > 1 {
					contentType = `"content_type":"multipart"`
				}
				if got := f.bodies["POST /projects/ID/files/"][0]; !strings.Contains(got, contentType) || !strings.Contains(got, `"url":"s3://main/workspace/projects/Churn/files/FILE.json"`) {
					t.Errorf("file %s", got)
				}
			})
		})
	}
}

// Wide rows make smaller chunks.
func TestWideRows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wide := strings.Repeat("x", 3<<20)
		f := &fake{project: []string{"running"}, file: []string{"processed"}}
		row := `{"o.n":{"value":"` + wide + `"}}`
		req := request(t, `{"fields":{"measures":[{"name":"o.n"}]},"data":[`+row+","+row+","+row+`]}`, nil, nil)
		if _, err := f.start(t).Execute(t.Context(), req); err != nil {
			t.Fatal(err)
		}
		f.watches.Drain(context.Background())
		if len(f.stored) != 2 || f.stored["/workspace/projects/Churn/files/FILE/2.json"] == "" {
			t.Errorf("%d files", len(f.stored))
		}
	})
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
				f := &fake{project: []string{"running"}, file: []string{"processed"}}
				if _, err := f.start(t).Execute(t.Context(), request(t, tt.result, answers{"train_data": "no"}, nil)); err != nil {
					t.Fatal(err)
				}
				f.watches.Drain(context.Background())
				for _, got := range f.stored {
					if diff := cmp.Diff(tt.want, got); diff != "" {
						t.Errorf("stored (-want +got):\n%s", diff)
					}
				}
				if len(f.stored) != 1 {
					t.Errorf("%d files", len(f.stored))
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

// A chunk that fails fails the delivery: the project does not start with truncated data.
func TestInvalidInput(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		result       string
		form, params answers
		fail         func(string, int) *actiontest.Reply
		kind         action.Kind
		message      string
	}{
		"no token": {
			result: two, params: answers{"api_token": ""}, kind: action.Unauthenticated,
			message: "No Auger API Token configured; consult your Looker admin.",
		},
		"wrong token": {
			result: two, params: answers{"api_token": "other"}, kind: action.Unauthenticated,
			message: "0 of 2 rows delivered, 2 failed. Your Auger API token is invalid.",
		},
		"no project": {
			result: two, form: answers{"project_name": ""}, kind: action.Invalid,
			message: `"project_name" is required.`,
		},
		"a path": {
			result: two, form: answers{"project_name": "../x"}, kind: action.Invalid,
			message: `"project_name" must be the name of a project, without slashes.`,
		},
		"no model type": {
			result: two, form: answers{"model_type": ""}, kind: action.Invalid,
			message: `"model_type" is required.`,
		},
		"another type": {
			result: two, form: answers{"model_type": "x"}, kind: action.Invalid,
			message: `"model_type" must be classification or regression.`,
		},
		"no trials": {
			result: two, form: answers{"max_n_trials": "0"}, kind: action.Invalid,
			message: `"max_n_trials" must be a whole number above 0.`,
		},
		"no rows": {
			result: `{"fields":{"dimensions":[]},"data":[]}`, kind: action.Invalid,
			message: "Looker sent no rows.",
		},
		"a chunk": {
			result: result(25_000), fail: failing("PUT store", 3, actiontest.Reply{Status: 400}),
			kind: action.Invalid, message: "failed. Auger's object store answered 400 Bad Request.",
		},
		"a chunk, later": {
			result: two, fail: failing("PUT store", 1, actiontest.Reply{Status: 503}), kind: action.Unavailable,
			message: "0 of 2 rows delivered, 2 failed. Auger's object store answered 503 Service Unavailable.",
		},
		"an old address": {
			result: two, fail: failing("PUT store", 1, actiontest.Reply{Status: 403, Body: "sig"}),
			kind:    action.Unavailable,
			message: "0 of 2 rows delivered, 2 failed. Auger's object store answered 403 Forbidden.",
		},
		"resets": {
			result: two, fail: failing("PUT /project_file_urls/", 1, actiontest.Reply{Reset: true}),
			kind: action.Unavailable, message: "0 of 2 rows delivered, 2 failed. The connection to Auger failed.",
		},
		"rate": {
			result:  two,
			fail:    failing("PUT /project_file_urls/", 1, actiontest.Reply{Status: 429, Header: answers{"Retry-After": "7"}}),
			kind:    action.RateLimited,
			message: "0 of 2 rows delivered, 2 failed. Auger answered 429 Too Many Requests.",
		},
		"lies": {
			result: two, fail: failing("PUT /project_file_urls/", 1, actiontest.Reply{Body: "<html>"}),
			kind:    action.Unavailable,
			message: "0 of 2 rows delivered, 2 failed. Unexpected response from Auger. Auger may already have accepted the request. Check before retrying.",
		},
		"no address": {
			result: two,
			fail:   failing("PUT /project_file_urls/", 1, actiontest.Reply{Body: `{"data":{"project_id":7,"main_bucket":"m","url":"ftp://x"}}`}),
			kind:   action.Unavailable, message: "0 of 2 rows delivered, 2 failed. Unexpected response from Auger.",
		},
		"the project": {
			result: two, fail: failing("PATCH /projects/ID/deploy", 1, actiontest.Reply{Status: 500}),
			kind: action.Unavailable, message: "Auger answered 500 Internal Server Error.",
		},
		"no such project": {
			result: two, fail: failing("PATCH /projects/ID/deploy", 1, actiontest.Reply{Status: 404}),
			kind: action.NotFound, message: "Auger answered 404 Not Found.",
		},
		"the project's key": {
			result: two, fail: failing("PATCH /projects/ID/deploy", 1, actiontest.Reply{Status: 401}),
			kind: action.Unauthenticated, message: "Your Auger API token is invalid.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &fake{fail: tt.fail}
				_, err := f.start(t).Execute(t.Context(), request(t, tt.result, tt.form, tt.params))
				if action.KindOf(err) != tt.kind || !strings.HasSuffix(action.MessageOf(err), tt.message) {
					t.Errorf("error %v (%v)\n%s, want\n%s", err, action.KindOf(err), action.MessageOf(err), tt.message)
				}
				if err != nil && (strings.Contains(err.Error(), token) || strings.Contains(err.Error(), "sig")) {
					t.Errorf("the error tells too much: %v", err)
				}
				if f.watches.Drain(context.Background()); len(f.outcomes) != 0 || f.count["POST /projects/ID/files/"] != 0 {
					t.Errorf("it was followed: %v", f.operations)
				}
				if !strings.Contains(name, "project") && f.count["PATCH /projects/ID/deploy"] != 0 {
					t.Error("the project was started")
				}
			})
		})
	}
}

// A truncated source starts nothing.
func TestTruncatedSource(t *testing.T) {
	t.Parallel()
	f := &fake{}
	i := f.start(t)
	req := actiontest.Download(t, request(t, two, nil, nil), actiontest.BrokenDownload(strings.TrimSuffix(result(15_000), "]}")))
	_, err := i.Execute(t.Context(), req)
	if !strings.Contains(action.MessageOf(err), "The download from Looker broke off before the data was complete.") || f.count["PATCH /projects/ID/deploy"] != 0 {
		t.Errorf("error %v after %v", err, slices.Compact(f.operations))
	}
}

// The job after the response succeeds or counts as failed, and creates nothing twice.
func TestFollow(t *testing.T) {
	t.Parallel()
	running, processed := []string{"running"}, []string{"processed"}
	later := actiontest.Reply{Status: 503}
	for name, tt := range map[string]struct {
		project, file []string
		fail          func(string, int) *actiontest.Reply
		outcome       jobs.Outcome
		took          time.Duration
		files, trains int
	}{
		"runs already": {
			project: running, file: processed,
			fail: failing("PATCH /projects/ID/deploy", 1, actiontest.Reply{Status: 422}), outcome: jobs.Completed,
			took: 20 * time.Second, files: 1, trains: 1,
		},
		"never runs": {
			project: []string{"deploying"}, file: processed, outcome: jobs.Failed, took: 30 * time.Minute,
		},
		"unavailable for long": {
			project: running, file: processed, fail: failing("GET /projects/ID", 1, later), outcome: jobs.Failed,
			took: 30 * time.Minute,
		},
		"errors in the file": {
			project: running, file: []string{"processed_with_error"}, outcome: jobs.Failed, took: 20 * time.Second,
			files: 1,
		},
		"never processed": {
			project: running, file: []string{"processing"}, outcome: jobs.Failed,
			took: 6*time.Hour + 10*time.Second, files: 1,
		},
		"the file is rejected": {
			project: running, file: processed,
			fail: failing("POST /projects/ID/files/", 1, actiontest.Reply{Status: 400}), outcome: jobs.Failed,
			took: 10 * time.Second, files: 1,
		},
		"a file in doubt": {
			project: running, file: processed,
			fail: failing("POST /projects/ID/files/", 1, actiontest.Reply{Reset: true}), outcome: jobs.Failed,
			took: 10 * time.Second, files: 1,
		},
		"the training rejected": {
			project: running, file: processed,
			fail: failing("POST /experiment_sessions/", 1, actiontest.Reply{Status: 500}), outcome: jobs.Failed,
			took: 20 * time.Second, files: 1, trains: 1,
		},
		"an answer without id": {
			project: running, file: processed,
			fail:    failing("POST /experiments/", 1, actiontest.Reply{Body: `{"data":{"id":null}}`}),
			outcome: jobs.Failed, took: 20 * time.Second, files: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &fake{project: tt.project, file: tt.file, fail: tt.fail}
				if _, err := f.start(t).Execute(t.Context(), request(t, two, nil, nil)); err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				f.watches.Drain(context.Background())
				if diff := cmp.Diff([]jobs.Outcome{tt.outcome}, f.outcomes); diff != "" || time.Since(start) != tt.took {
					t.Errorf("after %v outcomes (-want +got):\n%s", time.Since(start), diff)
				}
				if files, trains := f.count["POST /projects/ID/files/"], f.count["POST /experiment_sessions/"]; files != tt.files || trains != tt.trains {
					t.Errorf("%d files and %d trainings were made: %v", files, trains, slices.Compact(f.operations))
				}
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
		"unavailable":  {token, &actiontest.Reply{Status: 500}, "Auger answered 500 Internal Server Error."},
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
		if action.MessageOf(err) != "Auger did not answer in time." || time.Since(start) != 2*time.Minute {
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
