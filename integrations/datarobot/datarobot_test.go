package datarobot_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/datarobot"
	"integrationhub.dev/integrations/internal/rowstest"
)

const (
	token = "s3cret-token"
	csv   = "id,churned\n1,\"x,y\"\n2,\n"
)

type answers = map[string]string

var enabled = answers{"DATAROBOT_ENABLED": "true"}

// project is a created project: its name and file.
type project struct{ Host, Name, Filename, File string }

// fake is a fake of DataRobot.
type fake struct {
	// made is the response to the creation of a project, after the first calls failed.
	made  actiontest.Reply
	fails []actiontest.Reply
	// statuses are the responses to polls. The last one is repeated.
	statuses []actiontest.Reply

	// These are read when the integration has returned.
	projects []project
	calls    int
	looks    []string
}

func (f *fake) start(t *testing.T) action.Integration {
	t.Helper()
	return actiontest.New(t, datarobot.New, actiontest.Deps(t, actiontest.NewSocketless().Handle(f.answer), enabled))
}

func (f *fake) answer(r actiontest.Recorded) actiontest.Reply {
	if r.Header.Get("Authorization") != "Bearer "+token {
		return actiontest.Reply{Status: http.StatusUnauthorized, Body: `{"message":"` + token + `"}`}
	}
	if r.Method == http.MethodGet {
		f.looks = append(f.looks, r.Host+r.Path)
		return f.statuses[min(len(f.looks), len(f.statuses))-1]
	}
	f.calls++
	if f.calls <= len(f.fails) {
		return f.fails[f.calls-1]
	}
	p, err := parse(r)
	if err != nil {
		return actiontest.Reply{Status: http.StatusUnprocessableEntity, Body: `{"message":"` + err.Error() + `"}`}
	}
	f.projects = append(f.projects, p)
	return f.made
}

func parse(r actiontest.Recorded) (project, error) {
	p := project{Host: r.Host + r.Path}
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "multipart/form-data" {
		return p, errors.New("no form")
	}
	form, err := multipart.NewReader(bytes.NewReader(r.Body), params["boundary"]).ReadForm(1 << 20)
	if err != nil {
		return p, err
	}
	if names := form.Value["projectName"]; len(names) == 1 {
		p.Name = names[0]
	}
	if len(form.File["file"]) != 1 {
		return p, errors.New("no file")
	}
	file, err := form.File["file"][0].Open()
	if err != nil {
		return p, err
	}
	body, err := io.ReadAll(file)
	p.Filename, p.File = form.File["file"][0].Filename, string(body)
	return p, err
}

func status(word string) actiontest.Reply {
	return actiontest.Reply{Body: `{"status":"` + word + `","message":"Said of it."}`}
}

func accepted(location string) actiontest.Reply {
	return actiontest.Reply{Status: http.StatusAccepted, Header: answers{"Location": location}}
}

var seeOther = actiontest.Reply{Status: http.StatusSeeOther, Header: answers{"Location": "https://app.datarobot.com/api/v2/projects/1/"}}

func request(t *testing.T, params, form answers) *action.Request {
	t.Helper()
	all := answers{"datarobot_api_token": token}
	maps.Copy(all, params)
	return actiontest.Inline(t, actiontest.Query(all, form), "text/csv", "csv", []byte(csv))
}

func TestExecute(t *testing.T) {
	t.Parallel()
	const at = "https://app.datarobot.com/api/v2/status/s-1/"
	for name, tt := range map[string]struct {
		fake         fake
		params, form answers
		project      project
		message      string
		looks        []string
		took         time.Duration
	}{
		"made": {
			fake: fake{made: accepted(at), statuses: []actiontest.Reply{status("INITIALIZED"), status("RUNNING"), seeOther}}, form: answers{"projectName": "Churn \"24\""},
			project: project{"app.datarobot.com/api/v2/projects/", "Churn \"24\"", "Orders by day.csv", csv}, message: `The project Churn "24" was created.`,
			looks: []string{"app.datarobot.com/api/v2/status/s-1/", "app.datarobot.com/api/v2/status/s-1/", "app.datarobot.com/api/v2/status/s-1/"}, took: 15 * time.Second,
		},
		"the plan's title, an old version": {
			fake:    fake{made: accepted(at), statuses: []actiontest.Reply{status("COMPLETED")}},
			project: project{"app.datarobot.com/api/v2/projects/", "Orders by day", "Orders by day.csv", csv}, message: "The project Orders by day was created.",
			looks: []string{"app.datarobot.com/api/v2/status/s-1/"}, took: 5 * time.Second,
		},
		"a company's own": {
			fake:    fake{made: accepted("http://dr.example.com/api/v2/status/s-1/"), statuses: []actiontest.Reply{seeOther}},
			params:  answers{"datarobot_url": "dr.example.com/projects/17?x=y"},
			project: project{"dr.example.com/api/v2/projects/", "Orders by day", "Orders by day.csv", csv}, message: "The project Orders by day was created.",
			looks: []string{"dr.example.com/api/v2/status/s-1/"}, took: 5 * time.Second,
		},
		"below a path": {
			fake:    fake{made: accepted("/dr/api/v2/status/s-1/"), statuses: []actiontest.Reply{seeOther}},
			params:  answers{"datarobot_url": "https://example.com/dr/api/v2/"},
			project: project{"example.com/dr/api/v2/projects/", "Orders by day", "Orders by day.csv", csv}, message: "The project Orders by day was created.",
			looks: []string{"example.com/dr/api/v2/status/s-1/"}, took: 5 * time.Second,
		},
		"a status elsewhere": {
			fake:    fake{made: accepted("https://evil.example.com/api/v2/status/s-1/")},
			project: project{"app.datarobot.com/api/v2/projects/", "Orders by day", "Orders by day.csv", csv}, message: "DataRobot received the data and is still processing it.",
		},
		"a status that is none": {
			fake:    fake{made: accepted("https://app.datarobot.com/api/v2/status/../projects/")},
			project: project{"app.datarobot.com/api/v2/projects/", "Orders by day", "Orders by day.csv", csv}, message: "DataRobot received the data and is still processing it.",
		},
		"takes long": {
			fake:    fake{made: accepted(at), statuses: []actiontest.Reply{{Status: 503}}},
			project: project{"app.datarobot.com/api/v2/projects/", "Orders by day", "Orders by day.csv", csv}, message: "DataRobot received the data and is still processing it.", took: 10 * time.Minute,
		},
		"not yet": {
			fake:    fake{fails: []actiontest.Reply{{Status: 429, Header: answers{"Retry-After": "7"}}}, made: accepted(at), statuses: []actiontest.Reply{seeOther}},
			project: project{"app.datarobot.com/api/v2/projects/", "Orders by day", "Orders by day.csv", csv}, message: "The project Orders by day was created.",
			looks: []string{"app.datarobot.com/api/v2/status/s-1/"}, took: 12 * time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := tt.fake
				start := time.Now()
				res, err := f.start(t).Execute(t.Context(), request(t, tt.params, tt.form))
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff([]project{tt.project}, f.projects); diff != "" {
					t.Errorf("projects (-want +got):\n%s", diff)
				}
				if res.Message != tt.message || time.Since(start) != tt.took {
					t.Errorf("answered %q after %v", res.Message, time.Since(start))
				}
				if diff := cmp.Diff(tt.looks, f.looks); diff != "" && tt.took < time.Minute {
					t.Errorf("looks (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// The URL of one request is not used for another one.
func TestIndependentRequests(t *testing.T) {
	t.Parallel()
	f := &fake{made: actiontest.Reply{Status: http.StatusAccepted}, statuses: []actiontest.Reply{{Header: answers{"Content-Type": "application/json"}}}}
	i := f.start(t)
	if _, err := action.Resolve(i).Form.Form(t.Context(), request(t, answers{"datarobot_url": "https://other.example.com"}, nil)); err != nil {
		t.Fatal(err)
	}
	if _, err := i.Execute(t.Context(), request(t, nil, nil)); err != nil {
		t.Fatal(err)
	}
	if f.looks[0] != "other.example.com/api/v2/projects/" || f.projects[0].Host != "app.datarobot.com/api/v2/projects/" {
		t.Errorf("the form asked %v, the data went to %v", f.looks, f.projects[0].Host)
	}
}

func TestFails(t *testing.T) {
	t.Parallel()
	const at = "https://app.datarobot.com/api/v2/status/s-1/"
	const doubt = " The project may already have been created. Check before retrying."
	const noURL = `"datarobot_url" must be a URL such as https://app.datarobot.com, or one of the regions us, eu and jp.`
	const denied = "DataRobot denied access. The user of the token may lack the role or the seat license to create projects, the " +
		"organization " +
		"may have disabled the API for the user, or its network policy may not allow the hub's address."
	for name, tt := range map[string]struct {
		fake    fake
		params  answers
		kind    action.Kind
		message string
		calls   int
	}{
		"no token": {fake{}, answers{"datarobot_api_token": ""}, action.Unauthenticated, "No DataRobot API Token configured; consult your Looker admin.", 0},
		"wrong token": {
			fake{},
			answers{"datarobot_api_token": "other"},
			action.Unauthenticated,
			"Your DataRobot API token is invalid. It must be a token of app.datarobot.com.", 0,
		},
		"no address":                {fake{}, answers{"datarobot_url": "ftp://x"}, action.Invalid, noURL, 0},
		"a user":                    {fake{}, answers{"datarobot_url": "https://u:p@x"}, action.Invalid, noURL, 0},
		"rejected":                  {fake{fails: []actiontest.Reply{{Status: 422, Body: `{"message":"File is\nempty."}`}}}, nil, action.Invalid, "DataRobot rejected the data: File is empty.", 1},
		"rejected without a reason": {fake{fails: []actiontest.Reply{{Status: 422, Body: `<html>`}}}, nil, action.Invalid, "DataRobot returned 422 Unprocessable Entity.", 1},
		"too large":                 {fake{fails: []actiontest.Reply{{Status: 413}}}, nil, action.TooLarge, "DataRobot returned 413 Request Entity Too Large.", 1},
		"forbidden":                 {fake{fails: []actiontest.Reply{{Status: 403}}}, nil, action.Forbidden, denied, 1},
		"forbidden with a reason": {
			fake{fails: []actiontest.Reply{{Status: 403, Body: `{"message":"No\nseat."}`}}},
			nil,
			action.Forbidden, denied + " DataRobot reported: No seat.", 1,
		},
		"a web page":  {fake{made: actiontest.Reply{Body: "<html>"}}, nil, action.Unavailable, "Unexpected response from DataRobot." + doubt, 1},
		"unavailable": {fake{fails: []actiontest.Reply{{Status: 500}, {}}}, nil, action.Unavailable, "DataRobot returned 500 Internal Server Error." + doubt, 1},
		"resets":      {fake{fails: []actiontest.Reply{{Reset: true}, {}}}, nil, action.Unavailable, "The connection to DataRobot failed." + doubt, 1},
		"bad data":    {fake{made: accepted(at), statuses: []actiontest.Reply{status("RUNNING"), status("ERROR")}}, nil, action.Invalid, "DataRobot could not create a project from the data: Said of it.", 1},
		"aborted":     {fake{made: accepted(at), statuses: []actiontest.Reply{status("ABORTED")}}, nil, action.Invalid, "DataRobot could not create a project from the data: Said of it.", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := tt.fake
				_, err := f.start(t).Execute(t.Context(), request(t, tt.params, nil))
				if got, want := action.KindOf(err), tt.kind; got != want {
					t.Errorf("kind %v, want %v", got, want)
				}
				if got, want := action.MessageOf(err), tt.message; got != want {
					t.Errorf("error %q, want %q", got, want)
				}
				if got, want := f.calls, tt.calls; got != want {
					t.Errorf("%d calls, want %d", got, want)
				}
				if err != nil && strings.Contains(err.Error(), token) {
					t.Errorf("the error holds the token: %v", err)
				}
			})
		})
	}
}

// Truncated data creates no project.
func TestWithoutData(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		serve   http.HandlerFunc
		message string
	}{
		"truncated": {actiontest.BrokenDownload(csv), "The download from Looker ended before the data was complete."},
		"empty":     {func(http.ResponseWriter, *http.Request) {}, "Looker sent no data."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fake{}
			req := actiontest.Download(t, request(t, nil, nil), tt.serve)
			if _, err := f.start(t).Execute(t.Context(), req); action.MessageOf(err) != tt.message || f.calls != 0 {
				t.Errorf("error %v after %d calls", err, f.calls)
			}
		})
	}
}

// A file that does not fit into memory is sent with its length, over a real connection.
func TestLargeFile(t *testing.T) {
	t.Parallel()
	data := strings.Repeat("0123456789abcde\n", 1<<20)
	d := actiontest.NewDestination(t).Reply(actiontest.Reply{Status: http.StatusAccepted})
	i := actiontest.New(t, datarobot.New, actiontest.Deps(t, d, enabled))
	req := actiontest.Download(t, request(t, nil, nil), func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, data) })
	if _, err := i.Execute(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	sent := d.Requests()[0]
	p, err := parse(sent)
	if err != nil {
		t.Fatal(err)
	}
	if p.File != data {
		t.Errorf("%d bytes arrived, want other %d", len(p.File), len(data))
	}
	if got, want := sent.Header.Get("Content-Length"), strconv.Itoa(len(sent.Body)); got != want {
		t.Errorf("Content-Length %q, want %q", got, want)
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := actiontest.New(t, datarobot.New, action.Deps{Env: enabled, HTTP: actiontest.Late()})
		start := time.Now()
		_, err := i.Execute(t.Context(), request(t, nil, nil))
		if got, want := action.KindOf(err), action.Timeout; got != want {
			t.Errorf("kind %v, want %v", got, want)
		}
		if got, want := time.Since(start), 5*time.Minute; got != want {
			t.Errorf("it took %v, want %v", got, want)
		}
		if got, want := action.MessageOf(err), "DataRobot did not respond in time. The project may"; !strings.HasPrefix(got, want) {
			t.Errorf("error %q, want prefix %q", got, want)
		}
	})
}

func TestForm(t *testing.T) {
	t.Parallel()
	const denied = "DataRobot denied access. The user of the token may lack the role or the seat license to create projects, the " +
		"organization " +
		"may have disabled the API for the user, or its network policy may not allow the hub's address."
	ok := actiontest.Reply{Header: answers{"Content-Type": "application/json"}, Body: "[]"}
	for name, tt := range map[string]struct {
		params  answers
		reply   actiontest.Reply
		message string
	}{
		"good":            {nil, ok, ""},
		"a company's own": {answers{"datarobot_url": "https://dr.example.com"}, ok, ""},
		"no token":        {answers{"datarobot_api_token": ""}, ok, "No DataRobot API Token configured; consult your Looker admin."},
		"wrong token": {answers{"datarobot_api_token": "other"}, ok, "Your DataRobot API token is invalid. It must be a token " +
			"of app.datarobot.com."},
		"a token of elsewhere": {
			answers{"datarobot_api_token": "other", "datarobot_url": "jp"},
			ok,
			"Your DataRobot API token is invalid. It must be a token of app.jp.datarobot.com.",
		},
		"no role": {nil, actiontest.Reply{Status: 403}, denied},
		"a cloud without a page": {
			answers{"datarobot_url": "https://app.eu.datarobot.com"},
			actiontest.Reply{Status: 404},
			"DataRobot returned 404 Not Found.",
		},
		"wrong token elsewhere": {
			answers{"datarobot_api_token": "other", "datarobot_url": "https://dr.example.com"},
			ok,
			"Your DataRobot API token is invalid. It must be a token of dr.example.com.",
		},
		"another server": {
			answers{"datarobot_url": "https://dr.example.com"},
			actiontest.Reply{Body: "<html>"},
			"URL for on-premise instance is not valid.",
		},
		"nothing there": {
			answers{"datarobot_url": "https://dr.example.com"},
			actiontest.Reply{Status: 404},
			"URL for on-premise instance is not valid.",
		},
		"no connection": {
			answers{"datarobot_url": "https://dr.example.com"},
			actiontest.Reply{Reset: true},
			"URL for on-premise instance is not valid.",
		},
		"unavailable": {nil, actiontest.Reply{Status: 503}, "DataRobot returned 503 Service Unavailable."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fake{statuses: []actiontest.Reply{tt.reply}}
			got, err := action.Resolve(f.start(t)).Form.Form(t.Context(), request(t, tt.params, nil))
			if tt.message != "" {
				if action.MessageOf(err) != tt.message || strings.Contains(err.Error(), token) {
					t.Errorf("error %v, want %q", err, tt.message)
				}
				return
			}
			want := &action.Form{Fields: []action.Field{{Name: "projectName", Label: "The name of the project to be created", Type: action.String}}}
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("form (-want +got):\n%s, %v", diff, err)
			}
		})
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	for env, offered := range map[string]bool{"": false, "false": false, "true": true, "1": true} {
		_, err := datarobot.New(action.Deps{Env: answers{"DATAROBOT_ENABLED": env}})
		if _, missing := errors.AsType[*action.MissingSettingsError](err); missing == offered || (err == nil) != offered {
			t.Errorf("DATAROBOT_ENABLED=%s: %v", env, err)
		}
	}
}

// DataRobot has clouds in three regions. A URL in Looker's settings comes before the hub's region.
func TestRegions(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ region, url, host string }{
		"the default":      {"", "", "app.datarobot.com"},
		"Europe":           {"eu", "", "app.eu.datarobot.com"},
		"Japan":            {"JP", "", "app.jp.datarobot.com"},
		"in Looker":        {"", " EU ", "app.eu.datarobot.com"},
		"in Looker, a URL": {"jp", "https://app.eu.datarobot.com/", "app.eu.datarobot.com"},
		"back to the US":   {"eu", "us", "app.datarobot.com"},
		"a company's own":  {"eu", "dr.example.com", "dr.example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fake{statuses: []actiontest.Reply{{Header: answers{"Content-Type": "application/json"}, Body: "[]"}}}
			env := answers{"DATAROBOT_ENABLED": "true"}
			if tt.region != "" {
				env["DATAROBOT_REGION"] = tt.region
			}
			i := actiontest.New(t, datarobot.New, actiontest.Deps(t, actiontest.NewSocketless().Handle(f.answer), env))
			if _, err := action.Resolve(i).Form.Form(t.Context(), request(t, answers{"datarobot_url": tt.url}, nil)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{tt.host + "/api/v2/projects/"}, f.looks); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
	if _, err := datarobot.New(action.Deps{Env: answers{"DATAROBOT_ENABLED": "true", "DATAROBOT_REGION": "mars"}}); err == nil ||
		!strings.Contains(err.Error(), "but must be us, eu or jp") {
		t.Errorf("error %v", err)
	}
}

// lines counts the rows of a file, and measures the heap while it is sent.
type lines struct {
	rowstest.Sink

	n int
}

// RoundTrip implements [http.RoundTripper].
func (l *lines) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body == nil {
		return nil, errors.New("no file")
	}
	body := bufio.NewReader(req.Body)
	for {
		line, err := body.ReadSlice('\n')
		if bytes.HasSuffix(line, []byte(",no\n")) {
			l.n++
		}
		if errors.Is(err, io.EOF) {
			return l.Sink.RoundTrip(req)
		}
		if err != nil {
			return nil, err
		}
	}
}

// repeated is a CSV file of n rows that is generated as it is read.
type repeated struct {
	n, next int
	part    strings.Reader
}

// Read implements [io.Reader].
func (r *repeated) Read(p []byte) (int, error) {
	if r.part.Len() == 0 {
		switch {
		case r.next > r.n:
			return 0, io.EOF
		case r.next == 0:
			r.part.Reset("id,churned\n")
		default:
			r.part.Reset(strconv.Itoa(r.next) + ",no\n")
		}
		r.next++
	}
	return r.part.Read(p)
}

// A project gets all 100,000 rows once, although DataRobot limits the rate and calls about the status fail.
func TestBadDay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const total = 100_000
		limited := actiontest.Reply{Status: http.StatusTooManyRequests, Header: answers{"Retry-After": "2"}}
		f := &fake{
			fails: []actiontest.Reply{limited, limited}, made: accepted("/api/v2/status/s-1/"),
			statuses: []actiontest.Reply{status("RUNNING"), limited, {Status: http.StatusBadGateway}, {Reset: true}, seeOther},
		}
		req := actiontest.Query(answers{"datarobot_api_token": token}, answers{"projectName": "Churn"})
		res, err := f.start(t).Execute(t.Context(), rowstest.Download(t, req, &repeated{n: total}))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := res.Message, "The project Churn was created."; got != want {
			t.Errorf("message %q, want %q", got, want)
		}
		if len(f.projects) != 1 {
			t.Fatalf("%d projects, want one", len(f.projects))
		}
		if n := strings.Count(f.projects[0].File, ",no\n"); n != total {
			t.Errorf("%d rows arrived, want %d", n, total)
		}
	})
}

// The memory does not depend on the number of rows.
func TestMemory(t *testing.T) { //nolint:paralleltest // measures the heap
	for _, way := range rowstest.Ways {
		t.Run(way.Name, func(t *testing.T) {
			const total, most = 1_000_000, 32 << 20
			l := &lines{Sink: rowstest.Sink{Answer: rowstest.Answer{Status: http.StatusAccepted}}}
			i := actiontest.New(t, datarobot.New, action.Deps{Env: enabled, HTTP: &http.Client{Transport: l}})
			req := actiontest.Query(answers{"datarobot_api_token": token}, answers{"projectName": "Churn"})
			if _, err := i.Execute(t.Context(), way.Body(t, req, "text/csv", &repeated{n: total})); err != nil {
				t.Fatal(err)
			}
			if l.n != total {
				t.Errorf("%d rows arrived, want %d", l.n, total)
			}
			if heap := l.Heap(t); heap > most {
				t.Errorf("the heap grew to %d MiB, more than %d", heap>>20, most>>20)
			}
			t.Logf("%d rows, heap at most %.1f MiB", total, float64(l.Heap(t))/(1<<20))
		})
	}
}
