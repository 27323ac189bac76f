package googleadscustomermatch_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/googleadscustomermatch"
	"integrationhub.dev/integrations/internal/rowstest"
)

// unreliable fails at every other upload, each time with another fault. It rejects device IDs that end in
// 000 always, and those that end in 500 once. It needs no sockets, so waits take no time under
// testing/synctest.
type unreliable struct {
	uploads  int
	seen     map[string]bool // that ended in 500
	added    map[string]bool
	rejected map[string]bool
	ran      map[string]bool // the people in the list after the job ran
}

func (u *unreliable) RoundTrip(req *http.Request) (*http.Response, error) {
	text, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	switch path := req.URL.Path; {
	case strings.HasSuffix(path, ":create"):
		return answer(200, `{"resourceName":"`+job+`"}`), nil
	case strings.HasSuffix(path, ":run"):
		u.ran = u.added
		return answer(200, `{}`), nil
	}
	u.uploads++
	switch u.uploads % 10 {
	case 1:
		return answer(429, failed(429, "quotaError", "RESOURCE_TEMPORARILY_EXHAUSTED").Body), nil
	case 3: // the people are added, but the response is lost
		u.take(text)
		return nil, errors.New("connection reset by peer")
	case 5:
		<-req.Context().Done()
		return nil, req.Context().Err()
	case 7:
		return answer(502, "<html>"), nil
	case 9:
		return answer(200, `{"partial`), nil
	}
	return answer(200, u.take(text)), nil
}

// take stores the people of an upload, and responds with the rejected ones. Repeated people have no effect.
func (u *unreliable) take(text []byte) string {
	call, err := parse(text)
	if err != nil {
		return "{}"
	}
	var bad, later []int
	for n, o := range call.Operations {
		id := fmt.Sprint(o.Create.Identifiers[0]["mobile_id"])
		switch {
		case strings.HasSuffix(id, "000"):
			u.rejected[id] = true
			bad = append(bad, n)
		case strings.HasSuffix(id, "500") && !u.seen[id]:
			u.seen[id] = true
			later = append(later, n)
		default:
			u.added[id] = true
		}
	}
	if len(bad)+len(later) == 0 {
		return "{}"
	}
	// A response has both kinds of rejection.
	merged := strings.TrimSuffix(partly("INVALID_MOBILE_ID_FORMAT", bad...), "]}]}}")
	rest := partly("TRANSIENT_ERROR", later...)
	rest = rest[strings.Index(rest, `"errors":[`)+len(`"errors":[`):]
	if len(bad) > 0 && len(later) > 0 {
		merged += ","
	}
	return merged + rest
}

func answer(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

var devices = map[string]string{"mobileDevice": "yes", "mobileAppId": "com.example"}

// The message reports exactly what arrived, with every fault.
func TestInjectedFaults(t *testing.T) {
	t.Parallel()
	const rows = 100_000
	result := bytes.NewBufferString(`[`)
	for i := range rows {
		if i > 0 {
			result.WriteByte(',')
		}
		if i%4000 == 1 { // no person
			result.WriteString(`{"IDFA":null}`)
			continue
		}
		fmt.Fprintf(result, `{"IDFA":%d}`, i)
	}
	result.WriteString(`]`)
	synctest.Test(t, func(t *testing.T) {
		ads := &unreliable{seen: map[string]bool{}, added: map[string]bool{}, rejected: map[string]bool{}}
		deps := actiontest.Deps(t, nil, env)
		deps.HTTP = &http.Client{Transport: ads}
		_, err := actiontest.New(t, googleadscustomermatch.New, deps).Execute(t.Context(), actiontest.JSONDetail(t, request(devices), result.String()))
		const unidentified, rejected = rows / 4000, rows/1000 - 1 // 0 does not end in 000
		want := fmt.Sprintf("%d of %d rows delivered, %d rejected. A row has no value that identifies a person. A mobile device ID is not a valid advertising ID of Google or Apple.",
			len(ads.ran), rows, unidentified+rejected)
		if action.MessageOf(err) != want {
			t.Errorf("message %q\nwant    %q", action.MessageOf(err), want)
		}
		if got, want := len(ads.ran), rows-unidentified-rejected; got != want {
			t.Errorf("%d people added, want %d", got, want)
		}
		if got, want := len(ads.rejected), rejected; got != want {
			t.Errorf("%d people rejected, want %d", got, want)
		}
		if got, want := len(ads.seen), 100; got != want {
			t.Errorf("%d people rejected temporarily, want %d", got, want)
		}
	})
}

// The account of 100,000 rows by the Data Manager API is exact, with every fault. Google rejects a request
// as a whole because of one row, and then names the row.
func TestDataManagerInjectedFaults(t *testing.T) {
	t.Parallel()
	const total = 100_000
	synctest.Test(t, func(t *testing.T) {
		// IDs that end in 000 are rejected.
		d := &rowstest.Destination{Rows: ingested, Whole: true, Refuses: func(id string) bool { return strings.HasSuffix(id, "000") }}
		d.Answer = func(_ []rowstest.Row, refused []int) rowstest.Answer {
			var violations []string
			for _, n := range refused {
				violations = append(violations, fmt.Sprintf("audience_members.audience_members[%d].mobile_data", n), "INVALID_MOBILE_ID_FORMAT")
			}
			if len(refused) > 0 {
				return rowstest.Answer{Status: http.StatusBadRequest, Body: rejected(violations...).Body}
			}
			return rowstest.Answer{Status: http.StatusOK, Body: `{"requestId":"q"}`}
		}
		deps := d.Deps(env)
		deps.StartJob = (&jobs{}).start
		req := newRequest(devices)
		rowstest.Query(t, req, "", total, func(i int) string {
			if i%4000 == 1 { // no person
				return `{"IDFA":null}`
			}
			return fmt.Sprintf(`{"IDFA":"00000000-0000-0000-0000-%012d"}`, i)
		})
		_, err := actiontest.New(t, googleadscustomermatch.New, deps).Execute(t.Context(), req)
		const unidentified, refused = total / 4000, total / 1000
		if got, want := d.Check(t, total, err), (rowstest.Account{
			Delivered: total - unidentified - refused,
			Failed:    unidentified + refused,
		}); got != want {
			t.Errorf("account %+v, want %+v", got, want)
		}
		for _, reason := range []string{"A row has no value that identifies a person.", "A mobile device ID is not a valid " +
			"advertising ID of Google or Apple."} {
			if got := action.MessageOf(err); !strings.Contains(got, reason) {
				t.Errorf("message %q does not contain %q", got, reason)
			}
		}
		for _, fault := range []string{"limited", "cut before", "cut after", "late", "silent", "unreachable"} {
			if d.Calls()[fault] == 0 {
				t.Errorf("no call was %s: %v", fault, d.Calls())
			}
		}
	})
}

// ingested reads the rows of an upload. A list has each person once.
func ingested(_ *http.Request, body []byte) ([]rowstest.Row, error) {
	var in struct {
		Members []struct {
			Mobile struct {
				IDs []string `json:"mobileIds"`
			} `json:"mobileData"`
		} `json:"audienceMembers"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	rows := make([]rowstest.Row, len(in.Members))
	for i, m := range in.Members {
		if len(m.Mobile.IDs) != 1 {
			return nil, errors.New("a member without an ID")
		}
		rows[i] = rowstest.Row{ID: m.Mobile.IDs[0], Key: m.Mobile.IDs[0]}
	}
	return rows, nil
}

// The memory does not depend on the number of rows. Not parallel: it measures the heap.
func TestMemory(t *testing.T) { //nolint:paralleltest // measures the heap
	for _, way := range rowstest.Ways {
		t.Run(way.Name, func(t *testing.T) {
			for name, tt := range map[string]struct {
				request func(map[string]string) *action.Request
				answer  string
			}{
				"Data Manager API": {newRequest, `{"requestId":"q"}`},
				"Google Ads API":   {request, `{"resourceName":"` + job + `"}`},
			} {
				t.Run(name, func(t *testing.T) {
					const rows, most = 1_000_000, 32 << 20
					sink := &rowstest.Sink{Answer: rowstest.Answer{Status: http.StatusOK, Body: tt.answer}}
					deps := actiontest.Deps(t, nil, env)
					deps.HTTP, deps.StartJob = &http.Client{Transport: sink}, (&jobs{}).start
					req := tt.request(nil)
					way.Query(t, req, "", rows, func(i int) string { return fmt.Sprintf(`{"Users Email":"u%d@example.com"}`, i) })
					res, err := actiontest.New(t, googleadscustomermatch.New, deps).Execute(t.Context(), req)
					if err != nil {
						t.Fatal(err)
					}
					if got, want := res.Message, fmt.Sprintf("%d rows uploaded", rows); !strings.HasPrefix(got, want) {
						t.Errorf("message %q, want prefix %q", got, want)
					}
					if heap := sink.Heap(t); heap > most {
						t.Errorf("the heap grew to %d MiB, more than %d", heap>>20, most>>20)
					}
					t.Logf("%d rows, heap at most %.1f MiB", rows, float64(sink.Heap(t))/(1<<20))
				})
			}
		})
	}
}

// jobs is a hub's pool of jobs, which the test follows.
type jobs struct {
	refuse error
	job    action.Job
}

func (j *jobs) start(ctx context.Context, start func(context.Context) (action.Job, error)) (err error) {
	if j.refuse != nil {
		return j.refuse
	}
	j.job, err = start(ctx)
	return err
}

// allFailed is the status of a request with two records, none of which Google could process.
const allFailed = `{"requestStatusPerDestination":[{"requestStatus":"FAILED",` +
	`"audienceMembersIngestionStatus":{"compositeDataIngestionStatus":{"recordCount":"2"}}}]}`

// processed is the status of a request with two records. failure is a reason for one of them.
func processed(failure string) string {
	state, errors := "SUCCESS", ""
	if failure != "" {
		state, errors = "PARTIAL_SUCCESS", `,"errorInfo":{"errorCounts":[{"recordCount":"1","reason":"`+failure+`"}]}`
	}
	return `{"requestStatusPerDestination":[{"requestStatus":"` + state + `"` + errors +
		`,"audienceMembersIngestionStatus":{"compositeDataIngestionStatus":{"recordCount":"2"}}}]}`
}

// Members that are not in the result are removed when Google has processed all of it, and only then.
func TestDataManagerMirror(t *testing.T) {
	t.Parallel()
	const (
		done   = "2 rows uploaded to the list. Google Ads adds them to the list within about a day."
		result = `[{"Email":"a@example.com"},{"Email":"b@example.com"}]`
		status = "GET requestStatus:retrieve"
		remove = "POST audienceMembers:removeAll"
	)
	for name, tt := range map[string]struct {
		answers map[string]string
		rows    string
		// status is the response to the question about the request.
		status string
		refuse error
		// stopped means that the hub stops before Google has processed the request.
		stopped bool
		calls   []string
		// message is the delivery's, and end the error of the job.
		message, end string
	}{
		"mirror": {
			rows: result, status: processed(""), calls: []string{ingest, status, remove},
			message: done + " Then, the hub removes the members that are not in the result.",
		},
		"add only": {
			answers: map[string]string{"mirror": "no"}, rows: result, status: processed(""), calls: []string{ingest, status}, message: done,
		},
		"add only, some processed": { // no failure of the hub, and no next step
			answers: map[string]string{"mirror": "no"}, rows: result, status: processed("PROCESSING_ERROR_REASON_DENIED_CONSENT"),
			calls: []string{ingest, status}, message: done,
		},
		"add only, none processed": {
			answers: map[string]string{"mirror": "no"}, rows: result, status: allFailed, calls: []string{ingest, status}, message: done,
			end: "Google Data Manager could not process 2 of 2 records (unsuccessful requests: 1)",
		},
		"add only, hub stops": {
			answers: map[string]string{"mirror": "no"}, rows: result, stopped: true, calls: []string{ingest}, message: done,
		},
		"mirror, hub stops": {
			rows: result, stopped: true, calls: []string{ingest},
			message: done + " Then, the hub removes the members that are not in the result.",
			end:     "no members were removed from the list: the hub stops",
		},
		"new list": {
			answers: map[string]string{"createOrAppend": "create"}, rows: result, status: processed(""), calls: []string{createList, ingest, status},
			message: `2 rows uploaded to the new list "Buyers (from Looker 2026-11-23 12:30:00Z)". Google Ads adds them to the list ` +
				`within about a day.`,
		},
		"not all processed": {
			rows: result, status: processed("PROCESSING_ERROR_REASON_DENIED_CONSENT"), calls: []string{ingest, status},
			message: done + " Then, the hub removes the members that are not in the result.",
			end: "no members were removed from the list: Google Data Manager could not process 1 of 2 records " +
				"(unsuccessful requests: 1; 1: consent for ad user data is denied, in the data or in the account's settings)",
		},
		"row without a person": {
			rows: `[{"Email":"a@example.com"},{"Email":"x"}]`, status: processed(""), calls: []string{ingest, status},
			message: "1 of 2 rows delivered, 1 rejected. A row has no usable value that identifies a person (unusable: email). " +
				"No members were removed from the list, because not all rows were delivered.",
		},
		"truncated": {
			rows: `[{"Email":"a@example.com"},{"Em`, status: processed(""), calls: []string{ingest, status},
			message: "1 of 1 rows delivered, 0 failed. The data ended before the result was complete. " +
				"No members were removed from the list, because not all rows were delivered.",
		},
		"no rows": {rows: `[]`, message: "The result has no rows. Nothing was sent to Google Ads."},
		"no slot": {
			rows: result, refuse: action.Errorf(action.RateLimited, "The hub is at its limit of 1 running jobs. Try again later."),
			calls:   []string{ingest},
			message: done + " No members were removed from the list. The hub is at its limit of 1 running jobs. Try again later.",
		},
		"no slot is needed": {
			answers: map[string]string{"mirror": "no"}, rows: result, refuse: action.Errorf(action.RateLimited, "Full."), calls: []string{ingest},
			message: done,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				pool := &jobs{refuse: tt.refuse}
				d := actiontest.NewSocketless().Handle(ads("a1", map[string]actiontest.Reply{"requestStatus:retrieve": {Body: tt.status}}))
				deps := actiontest.Deps(t, d, env)
				deps.StartJob = pool.start
				i := actiontest.New(t, googleadscustomermatch.New, deps)
				googleadscustomermatch.Fast(i)
				req := newRequest(map[string]string{"mirror": "yes"})
				maps.Copy(req.Form, tt.answers)
				res, err := i.Execute(t.Context(), actiontest.JSONDetail(t, req, tt.rows))
				message := action.MessageOf(err)
				if err == nil {
					message = res.Message
				}
				if message != tt.message {
					t.Errorf("message %q\nwant    %q", message, tt.message)
				}
				end := ""
				ctx, stop := context.WithCancelCause(t.Context())
				defer stop(nil)
				if tt.stopped {
					time.AfterFunc(time.Minute, func() { stop(errors.New("the hub stops")) })
				}
				if pool.job.Follow != nil {
					if err := pool.job.Follow(ctx); err != nil {
						end = err.Error()
					}
				}
				if end != tt.end {
					t.Errorf("end of the job %q, want %q", end, tt.end)
				}
				if diff := cmp.Diff(tt.calls, managed(d)); diff != "" {
					t.Errorf("calls (-want +got):\n%s", diff)
				}
				for _, r := range d.Requests() {
					// Google's clock may be behind the hub's.
					want := `"removeAsOfTime":"` + googleadscustomermatch.Started.Add(-5*time.Minute).Format(time.RFC3339) + `"`
					if strings.HasSuffix(r.Path, ":removeAll") && !strings.Contains(string(r.Body), want) {
						t.Errorf("removed by %s, want %s", r.Body, want)
					}
				}
			})
		})
	}
}

// The Google Ads API replaces all members in one job, which runs only if Google accepted all of them.
func TestGoogleAdsMirror(t *testing.T) {
	t.Parallel()
	const (
		create    = "customers/22/offlineUserDataJobs:create"
		add       = job + ":addOperations"
		removeAll = `{"operations":[{"remove_all":true}]}`
	)
	for name, tt := range map[string]struct {
		rows  string
		reply func(n int) actiontest.Reply
		// uploads are the bodies of addOperations, shortened.
		calls   []string
		message string
	}{
		"all": {
			rows: `[{"Email":"a@example.com"},{"Email":"b@example.com"}]`, calls: []string{create, add, add, job + ":run"},
			message: "2 rows uploaded to the list. Google Ads adds them to the list within about a day.",
		},
		"lost response": {
			rows: `[{"Email":"a@example.com"}]`,
			reply: func(n int) actiontest.Reply {
				return actiontest.Reply{Reset: n == 1}
			},
			calls:   []string{create, add, create, add, add, job + ":run"}, // another job, in which the removal comes first
			message: "1 rows uploaded to the list. Google Ads adds them to the list within about a day.",
		},
		"rejected one": {
			rows: `[{"Email":"a@example.com"},{"Email":"b@example.com"}]`,
			reply: func(n int) actiontest.Reply {
				if n == 2 {
					return actiontest.Reply{Body: partly("INVALID_SHA256_FORMAT", 1)}
				}
				return actiontest.Reply{}
			},
			calls: []string{create, add, add},
			message: "The list was not changed: with mirroring, its members are replaced only if Google Ads accepts all rows, " +
				"and it did not accept 1 of 2. A value is not a SHA-256 hash.",
		},
		"row without a person": {
			rows: `[{"Email":"a@example.com"},{"Email":null}]`, calls: []string{create, add, add},
			message: "The list was not changed: with mirroring, its members are replaced only if Google Ads accepts all rows, " +
				"and it did not accept 1 of 2. A row has no value that identifies a person.",
		},
		"no rows": {rows: `[]`, message: "The result has no rows. Nothing was sent to Google Ads."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			normal, n := ads("a1", nil), 0
			d := actiontest.NewDestination(t).Handle(func(r actiontest.Recorded) actiontest.Reply {
				if strings.HasSuffix(r.Path, ":addOperations") && tt.reply != nil {
					n++
					if reply := tt.reply(n); reply.Body != "" || reply.Reset {
						return reply
					}
				}
				return normal(r)
			})
			res, err := newIntegration(t, d).Execute(t.Context(), actiontest.JSONDetail(t, request(map[string]string{"mirror": "yes"}), tt.rows))
			message := action.MessageOf(err)
			if err == nil {
				message = res.Message
			}
			if message != tt.message {
				t.Errorf("message %q\nwant    %q", message, tt.message)
			}
			if diff := cmp.Diff(tt.calls, calls(d)); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			for i, r := range d.Requests() {
				first := i > 0 && strings.HasSuffix(d.Requests()[i-1].Path, ":create")
				if got := string(r.Body) == removeAll; r.Method == http.MethodPost && got != first {
					t.Errorf("call %d removes all members: %v, want %v", i, got, first)
				}
			}
		})
	}
}
