package auger_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/hub/jobs"
	"integrationhub.dev/integrations/auger"
)

const token = "s3cret-token"

type (
	answers = map[string]string
	object  = map[string]any
)

// fake is a fake of Auger and its object store. It answers as Auger did when its own client was recorded:
// https://github.com/augerai/a2ml/tree/master/tests/cassettes/auger
type fake struct {
	// projects are the names of the projects that exist.
	projects []string
	// deployed is set if the project's machines are running.
	deployed bool
	// ends is the last status of the file; "processed" if empty. stays are the resources that stay in their first status.
	ends  string
	stays string
	// parts makes Auger ask for an upload in parts.
	parts bool
	// renames makes Auger change the names of columns.
	renames bool
	// fail returns the response to the nth call of an operation that must fail, or nil.
	fail func(operation string, nth int) *actiontest.Reply

	// These are read when no job is running.
	count    map[string]int
	bodies   map[string][]object
	sizes    map[string]float64
	stored   map[string]string
	problems []string
	outcomes []jobs.Outcome
	watches  *jobs.Pool
}

func (f *fake) start(t *testing.T) action.Integration {
	t.Helper()
	f.count, f.bodies, f.stored, f.sizes = map[string]int{}, map[string][]object{}, map[string]string{}, map[string]float64{}
	deps := actiontest.Deps(t, actiontest.NewSocketless().Handle(f.answer), nil)
	f.watches = jobs.New(jobs.Options{MaxJobs: 1, Timeout: 24 * time.Hour, Observer: f, Log: slog.New(slog.DiscardHandler)})
	deps.StartJob = f.watches.Start
	t.Cleanup(func() {
		for _, p := range f.problems {
			t.Errorf("invalid request: %s", p)
		}
	})
	return actiontest.New(t, auger.New, deps)
}

func (*fake) JobStarted(context.Context)                   {}
func (*fake) JobRefused(context.Context)                   {}
func (f *fake) JobEnded(_ context.Context, o jobs.Outcome) { f.outcomes = append(f.outcomes, o) }

// files are the contents of the stored files.
func (f *fake) files() []string { return slices.Sorted(maps.Values(f.stored)) }

const (
	storeHost = "auger-mt-org-cinpns.s3.us-west-2.amazonaws.com"
	policy    = "eyJwb2xpY3kiOiBzZWNyZXR9"
)

// operation names a call, without IDs.
func operation(r actiontest.Recorded) string {
	if r.Host == storeHost {
		return r.Method + " store"
	}
	parts := strings.Split(strings.Trim(strings.TrimPrefix(r.Path, "/api/v1"), "/"), "/")
	if len(parts) > 1 {
		parts[1] = "ID"
	}
	return r.Method + " " + strings.Join(parts, "/")
}

func (f *fake) answer(r actiontest.Recorded) actiontest.Reply {
	operation := operation(r)
	f.count[operation]++
	if f.fail != nil {
		if reply := f.fail(operation, f.count[operation]); reply != nil {
			return *reply
		}
	}
	if r.Host == storeHost {
		return f.store(r)
	}
	in := object{}
	_ = json.Unmarshal(r.Body, &in) // a call without a body has its token in the query
	if r.Query.Get("token") != token && in["token"] != token || r.Host != "app.auger.ai" {
		return actiontest.Reply{Status: http.StatusUnauthorized, Body: `{"errors":"` + token + `"}`}
	}
	delete(in, "token")
	if len(in) > 0 {
		f.bodies[operation] = append(f.bodies[operation], in)
	}
	data, err := f.say(operation, r, in)
	if err != nil {
		f.problems = append(f.problems, operation+": "+err.Error())
		return actiontest.Reply{Status: http.StatusUnprocessableEntity, Body: `{"errors":"` + token + `"}`}
	}
	text, err := json.Marshal(object{"data": data, "meta": object{"status": 200}})
	if err != nil {
		panic(err)
	}
	return actiontest.Reply{Body: string(text)}
}

// later is the first status at the first poll, and then the last one.
func (f *fake) later(operation, first, last string) string {
	if f.count[operation] == 1 || strings.Contains(operation, f.stays) && f.stays != "" {
		return first
	}
	return last
}

func (f *fake) say(operation string, r actiontest.Recorded, in object) (any, error) {
	switch operation {
	case "GET user":
		return object{"object": "user", "id": 20}, nil
	case "GET organizations":
		return []object{{"object": "organization", "id": 97, "name": "mt-org", "status": "ready", "cluster_mode": "multi_tenant"}}, nil
	case "GET projects":
		found := []object{}
		for n, name := range f.projects {
			if name == r.Query.Get("name") && r.Query.Get("organization_id") == "97" {
				found = append(found, object{"object": "project", "id": 821 + n, "name": name, "status": "undeployed"})
			}
		}
		return found, nil
	case "POST projects":
		if in["organization_id"] != 97.0 {
			return nil, errors.New("no such organization")
		}
		return object{"object": "project", "id": 880, "name": in["name"], "status": "undeployed"}, nil
	case "GET projects/ID":
		if f.deployed {
			return object{"id": 821, "status": "running"}, nil
		}
		return object{"id": 821, "status": "undeployed"}, nil
	case "PATCH projects/ID/deploy":
		f.deployed = f.stays != "projects"
		return object{"id": 821, "status": "deploying"}, nil
	case "POST project_file_urls":
		return f.url(in)
	case "GET cluster_tasks/ID":
		return f.task(operation), nil
	case "POST project_files":
		address, _ := in["url"].(string)
		if f.stored[strings.TrimPrefix(address, "s3://auger-mt-org-cinpns/")] == "" {
			return nil, errors.New("no such file")
		}
		return object{"object": "project_file", "id": 3273, "status": "processing"}, nil
	case "GET project_files/ID":
		ends := "processed"
		if f.ends != "" {
			ends = f.ends
		}
		return object{"id": 3273, "status": f.later(operation, "processing", ends), "statistics": f.statistics()}, nil
	case "POST experiments":
		return object{"object": "experiment", "id": "6d140bb67b8dd221", "project_file_id": 3273}, nil
	case "POST experiment_sessions":
		return object{"object": "experiment_session", "id": "29654979bf8a1877", "status": "waiting"}, f.check(in)
	case "PATCH experiment_sessions/ID":
		return object{"id": "29654979bf8a1877", "status": "preprocess"}, nil
	}
	return nil, errors.New("no such call")
}

// url starts the task that makes an upload URL.
func (f *fake) url(in object) (any, error) {
	path, _ := in["file_path"].(string)
	size, isNumber := in["file_size"].(float64)
	if !isNumber || in["async"] != true || !strings.HasPrefix(path, "workspace/projects/") || f.sizes[path] != 0 {
		return nil, fmt.Errorf("an upload URL for %v", in)
	}
	f.sizes[path] = size
	f.count["GET cluster_tasks/ID"] = 0
	return object{"object": "cluster_task", "id": 157963, "status": "pending", "result": nil}, nil
}

func (f *fake) task(operation string) any {
	if f.later(operation, "pending", "success") == "pending" {
		return object{"id": 157963, "status": "pending", "result": nil}
	}
	if f.parts {
		return object{"id": 157963, "status": "success", "result": object{"multipart": object{
			"bucket": "b", "key": "k",
			"config": object{},
		}}}
	}
	fields := object{"policy": policy, "x-amz-signature": "sig", "success_action_status": "200"}
	for path, size := range f.sizes {
		if size > 0 { // Auger adds a suffix
			fields["key"] = strings.TrimSuffix(path, ".json") + "-e1af44.json"
		}
	}
	return object{"id": 157963, "status": "success", "result": object{
		"url": "https://" + storeHost + "/", "bucket": "auger-mt-org-cinpns", "fields": fields,
	}}
}

// store accepts a form of Amazon S3: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTForms.html
func (f *fake) store(r actiontest.Recorded) actiontest.Reply {
	denied := actiontest.Reply{Status: http.StatusForbidden, Body: "<Error><Code>AccessDenied</Code></Error>"}
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || strings.Contains(string(r.Body)+r.Query.Encode(), token) {
		return denied
	}
	form, fields := multipart.NewReader(bytes.NewReader(r.Body), params["boundary"]), map[string]string{}
	for {
		part, err := form.NextPart()
		if err != nil {
			return denied // a form without a file
		}
		text, err := io.ReadAll(part)
		if err != nil {
			return denied
		}
		if part.FormName() != "file" {
			fields[part.FormName()] = string(text)
			continue
		}
		path := strings.TrimSuffix(fields["key"], "-e1af44.json") + ".json"
		if fields["policy"] != policy || fields["x-amz-signature"] != "sig" || float64(len(text)) != f.sizes[path] {
			return denied
		}
		f.stored[fields["key"]] = string(text)
		return actiontest.Reply{}
	}
}

// statistics are what Auger found in the stored file.
func (f *fake) statistics() any {
	for _, text := range f.stored {
		d := json.NewDecoder(strings.NewReader(text))
		var columns []object
		for n := 0; ; n++ { // the names of the first object, in their order
			t, err := d.Token()
			if err != nil || t == json.Delim('}') {
				break
			}
			if name, ok := t.(string); ok {
				if f.renames {
					name = strings.ToUpper(name)
				}
				columns = append(columns, object{
					"column_name": name, "datatype": "double", "range": []string{"1", "2"},
					"isTarget": false, "use": true,
				})
				var value json.RawMessage
				if d.Decode(&value) != nil {
					break
				}
			}
		}
		return object{"count": 2, "columns_count": len(columns), "stat_data": columns}
	}
	return nil
}

// check requires what a session needs: numbers that are numbers, and one target that is no feature.
func (*fake) check(in object) error {
	settings, _ := in["model_settings"].(object)
	options, _ := settings["evaluation_options"].(object)
	for _, name := range []string{"max_n_trials", "max_total_time_mins", "max_eval_time_mins", "crossValidationFolds"} {
		if _, ok := options[name].(float64); !ok {
			return fmt.Errorf("%s is not a number", name)
		}
	}
	statistics, _ := in["dataset_statistics"].(object)
	columns, _ := statistics["stat_data"].([]any)
	targets := 0
	for _, c := range columns {
		column, _ := c.(object)
		if column["isTarget"] == column["use"] || column["datatype"] != "double" {
			return fmt.Errorf("column %v", column)
		}
		if column["isTarget"] == true {
			targets++
		}
	}
	if targets != 1 {
		return fmt.Errorf("%d targets", targets)
	}
	return nil
}
