package googleadscustomermatch_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/googleadscustomermatch"
)

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
		calls  []string
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
		"new list": {
			answers: map[string]string{"createOrAppend": "create"}, rows: result, status: processed(""), calls: []string{createList, ingest, status},
			message: `2 rows uploaded to the new list "Buyers (from Looker 2026-11-23 12:30:00Z)". Google Ads adds them to the list within about a day.`,
		},
		"not all processed": {
			rows: result, status: processed("PROCESSING_ERROR_REASON_DENIED_CONSENT"), calls: []string{ingest, status},
			message: done + " Then, the hub removes the members that are not in the result.",
			end: "no members were removed from the list: Google Data Manager could not process 1 of 2 records " +
				"(1: consent for ad user data is denied, in the data or in the account's settings)",
		},
		"row without a person": {
			rows: `[{"Email":"a@example.com"},{"Email":"x"}]`, status: processed(""), calls: []string{ingest, status},
			message: "1 of 2 rows delivered, 1 failed. A row has no usable value that identifies a person (unusable: email). " +
				"No members were removed from the list, because not all rows were delivered.",
		},
		"truncated": {
			rows: `[{"Email":"a@example.com"},{"Em`, status: processed(""), calls: []string{ingest, status},
			message: "1 of 1 rows delivered, 0 failed. The data ended before the result was complete. " +
				"No members were removed from the list, because not all rows were delivered.",
		},
		"no rows": {rows: `[]`, message: "The result has no rows. Nothing was sent to Google Ads."},
		"no slot": {
			rows: result, refuse: action.Errorf(action.RateLimited, "The hub is at its limit of 1 running jobs. Try again later."), calls: []string{ingest},
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
				for name, value := range tt.answers {
					req.Form[name] = value
				}
				res, err := i.Execute(t.Context(), actiontest.JSONDetail(t, req, tt.rows))
				message := action.MessageOf(err)
				if err == nil {
					message = res.Message
				}
				if message != tt.message {
					t.Errorf("message %q\nwant    %q", message, tt.message)
				}
				end := ""
				if pool.job.Follow != nil {
					if err := pool.job.Follow(t.Context()); err != nil {
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
