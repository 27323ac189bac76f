package facebookcustomaudiences_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	fb "integrationhub.dev/integrations/facebookcustomaudiences"
	"integrationhub.dev/integrations/internal/pii"
)

// deliverTo sends people with the external IDs 0 to n-1.
func deliverTo(t *testing.T, m *meta, answers map[string]string, n int) (*action.Response, error) {
	t.Helper()
	return deliverWithin(t.Context(), t, m, answers, n)
}

func deliverWithin(ctx context.Context, t *testing.T, m *meta, answers map[string]string, n int) (*action.Response, error) {
	t.Helper()
	rows := make([]string, n)
	for i := range rows {
		rows[i] = fmt.Sprintf(`{"external_id":{"value":"%d"}}`, i)
	}
	deps := actiontest.Deps(t, nil, env) //nolint:contextcheck // the context is the delivery's
	deps.HTTP = &http.Client{Transport: m}
	result := `{"fields":{"dimensions":[{"name":"external_id"}]},"data":[` + strings.Join(rows, ",") + `]}`
	req := actiontest.JSONDetail(t, request(answers), result) //nolint:contextcheck // the context is the delivery's
	return actiontest.New(t, fb.New, deps).Execute(ctx, req)
}

var replacing = map[string]string{"choose_create_update_replace": "replace_audience"}

// A replacement survives lost responses: its first batch begins the session once, its last one may have
// ended it, and the numbers are right.
func TestReplaceSession(t *testing.T) {
	t.Parallel()
	const wait = "The replacement is incomplete. Send the data again after 90 minutes, when the Facebook session has expired."
	for name, tt := range map[string]struct {
		faults []fault
		rows   int
		calls  string
		// message is the end of the error's; empty for a success. How many rows were read before a
		// delivery ends early is not determined.
		message string
	}{
		"one batch":                {rows: 2, calls: "1!"},
		"three batches":            {rows: 20_001, calls: "1 2 3!"},
		"the only one lost before": {rows: 2, faults: []fault{before}, calls: "1! 2! 1!"},
		"the only one lost after":  {rows: 2, faults: []fault{after}, calls: "1! 2!"},
		"the only one in time":     {rows: 2, faults: []fault{silent}, calls: "1! 2!"},
		"the first one before":     {rows: 20_001, faults: []fault{before}, calls: "1 2 1 2 3!"},
		"the first one after":      {rows: 20_001, faults: []fault{after}, calls: "1 2 3 4!"},
		"the first one, unknown":   {rows: 20_001, faults: []fault{unknown}, calls: "1 2 3 4!"},
		"the first one, cut":       {rows: 20_001, faults: []fault{cut}, calls: "1 2 3 4!"},
		"the first one twice":      {rows: 20_001, faults: []fault{after, broken}, calls: "1 2 2 3 4!"},
		"the first one, unsure":    {rows: 20_001, faults: []fault{before, before, limited}, calls: "1 2 2 2 1 2 3!"},
		"the first one, limited":   {rows: 20_001, faults: []fault{limited, limited}, calls: "1 1 1 2 3!"},
		"the first one, waiting":   {rows: 20_001, faults: []fault{busy, busy}, calls: "1 1 1 2 3!"},
		"the second one":           {rows: 20_001, faults: []fault{fine, after}, calls: "1 2 2 3!"},
		"the last one":             {rows: 20_001, faults: []fault{fine, fine, after}, calls: "1 2 3! 3!"},
		"the last one before":      {rows: 20_001, faults: []fault{fine, fine, before}, calls: "1 2 3! 3!"},
		"the last one, at length":  {rows: 20_001, faults: []fault{fine, fine, silent, limited}, calls: "1 2 3! 3! 3!"},
		"all of them":              {rows: 20_001, faults: []fault{after, fine, after, fine, after}, calls: "1 2 3 3 4! 4!"},
		"the first one, refused": {
			rows: 20_001, faults: []fault{`{"error":{"code":100}}`}, calls: "1",
			message: " failed. Facebook rejected the request, or the ad account or audience does not exist. " +
				"(Facebook's error 100.) The remaining rows were not sent. The audience was not changed.",
		},
		"the second one, refused": {
			rows: 20_001, faults: []fault{fine, `{"error":{"code":100}}`}, calls: "1 2 3!",
			message: "10001 of 20001 rows delivered, 10000 rejected. Facebook rejected the request, or the ad account or audience does not exist. " +
				"(Facebook's error 100.) The replacement is incomplete. Send the data again.",
		},
		"the last one, refused": {
			rows: 20_001, faults: []fault{fine, fine, `{"error":{"code":100}}`}, calls: "1 2 3!",
			message: "20000 of 20001 rows delivered, 1 rejected. Facebook rejected the request, or the ad account or audience does not exist. " +
				"(Facebook's error 100.) " + wait,
		},
		"ninety minutes": {
			rows: 20_001, faults: []fault{fine, slow}, calls: "1 2",
			message: " failed. Facebook closed the session of this upload, because it took more than " +
				"90 minutes. (Facebook's error 2650, 1870158.) The remaining rows were not sent. " + wait,
		},
		"the first one is never there": {
			rows: 2, faults: slices.Repeat([]fault{before}, 10), calls: "1! 2! 2! 2! 2! 2! 2! 2! 2! 2!",
			message: "0 of 2 rows delivered, 2 failed. The connection to Facebook failed. The remaining rows were not sent. " + wait,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := &meta{faults: tt.faults, members: map[string]bool{"old": true}}
				res, err := deliverTo(t, m, replacing, tt.rows)
				message := action.MessageOf(err)
				if !strings.HasSuffix(message, tt.message) || tt.message == "" && err != nil {
					t.Errorf("error %q\nwant  %q", message, tt.message)
				}
				if got := strings.Join(m.uploads, " "); got != tt.calls {
					t.Errorf("calls %s, want %s", got, tt.calls)
				}
				if n := m.restarts(); n != 0 {
					t.Errorf("%d calls begin a session again", n)
				}
				if tt.message != "" || err != nil {
					return
				}
				if want := fmt.Sprintf("%d rows sent to the audience, by EXTERN_ID.", tt.rows); res.Message != want {
					t.Errorf("message %q, want %q", res.Message, want)
				}
				if len(m.members) != tt.rows || m.members["old"] {
					t.Errorf("%d members, want %d", len(m.members), tt.rows)
				}
			})
		})
	}
}

// "When the limit has been reached, stop making API calls. Continuing to make calls will continue to increase your call count, which
// will increase the time before calls will be successful again."
// https://developers.facebook.com/docs/graph-api/overview/rate-limiting
func TestThrottled(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		throttled time.Duration
		answers   map[string]string
		calls     string
		message   string
	}{
		"for a minute":               {time.Minute, nil, "POST POST POST POST", ""},
		"for two minutes, replacing": {2 * time.Minute, replacing, "1 1 2 3!", ""},
		"for an hour":                {time.Hour, nil, "POST", " failed. Facebook is rate limiting this ad account's audiences. Try again in 60 minutes. (Facebook's error 80003.) The remaining rows were not sent."},
		"for five minutes, removing": {5 * time.Minute, removing, "DELETE DELETE DELETE DELETE", ""},
		"for six minutes, removing":  {6 * time.Minute, removing, "DELETE", "Try again in 6 minutes. (Facebook's error 80003.) The remaining rows were not sent."},
		"for an hour, replacing":     {time.Hour, replacing, "1", "Try again in 60 minutes. (Facebook's error 80003.) The remaining rows were not sent. The audience was not changed."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := &meta{throttled: tt.throttled}
				_, err := deliverTo(t, m, tt.answers, 20_001)
				if got := action.MessageOf(err); !strings.HasSuffix(got, tt.message) || tt.message == "" && err != nil {
					t.Errorf("error %q\nwant  %q", got, tt.message)
				}
				if got := strings.Join(m.uploads, " "); got != tt.calls {
					t.Errorf("calls %s, want %s", got, tt.calls)
				}
			})
		})
	}
}

// Old members stay as long as Facebook has not begun a replacement.
func TestReplaceNotBegun(t *testing.T) {
	t.Parallel()
	for name, faults := range map[string][]fault{
		"refused": {`{"error":{"code":100}}`},
		"limited": slices.Repeat([]fault{limited}, 10),
		"busy":    slices.Repeat([]fault{busy}, 10),
		"too big": {`{"error":{"code":2650,"error_subcode":1870144}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := &meta{faults: faults, members: map[string]bool{"old": true}}
				_, err := deliverTo(t, m, replacing, 20_001)
				if got := action.MessageOf(err); !strings.HasSuffix(got, " The audience was not changed.") {
					t.Errorf("error %q", got)
				}
				if diff := cmp.Diff(map[string]bool{"old": true}, m.members); diff != "" {
					t.Errorf("members (-want +got):\n%s", diff)
				}
				if len(m.uploads) != len(faults) {
					t.Errorf("calls %s, want %d", m.uploads, len(faults))
				}
			})
		})
	}
}

// A delivery whose time is over while Facebook may have the first batch does not claim that nothing was changed.
func TestReplaceRunsOutOfTime(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault fault
		hint  string
	}{
		"after the first batch":   {silent, "The replacement is incomplete. Send the data again after 90 minutes, when the Facebook session has expired."},
		"before it was accepted":  {limited, "The audience was not changed."},
		"while another one is on": {busy, "The audience was not changed."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				m := &meta{faults: []fault{tt.fault}, repeat: true}
				_, err := deliverWithin(ctx, t, m, replacing, 2)
				if got := action.MessageOf(err); !strings.HasSuffix(got, tt.hint) {
					t.Errorf("error %q, want %q", got, tt.hint)
				}
			})
		})
	}
}

// Errors of a session are final, whatever else Facebook says of them.
func TestSessionErrorsAreFinal(t *testing.T) {
	t.Parallel()
	for subcode, tt := range map[int]struct {
		calls   string
		message string
	}{
		1870144: {"1 2 3!", "Facebook cannot replace an audience of 100 million people or more."},
		1870147: {"1 2", "Facebook does not have the first batch of this upload."},
		1870148: {"1 2 3!", "Facebook did not update the audience completely."},
		1870158: {"1 2", "Facebook closed the session of this upload, because it took more than 90 minutes."},
		1870159: {"1 2", "Facebook closed the session of this upload."},
	} {
		t.Run(fmt.Sprint(subcode), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				second := fault(fmt.Sprintf(`{"error":{"code":2650,"error_subcode":%d,"is_transient":true}}`, subcode))
				m := &meta{faults: []fault{fine, second}}
				_, err := deliverTo(t, m, replacing, 20_001)
				if got := action.MessageOf(err); !strings.Contains(got, "ed. "+tt.message+" (Facebook's error 2650, ") {
					t.Errorf("error %q, want %q", got, tt.message)
				}
				if got := strings.Join(m.uploads, " "); got != tt.calls {
					t.Errorf("calls %s, want %s", got, tt.calls)
				}
			})
		})
	}
}

// The entries that Facebook could not read are counted from the session's totals, once for each person.
func TestSessionTotals(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		faults     []fault
		noSessions bool
		failed     int
	}{
		"no faults":               {failed: 20},
		"copies of batches":       {faults: []fault{after, fine, after, silent, fine}, failed: 20},
		"the last response":       {faults: []fault{fine, fine, after}, failed: 20},
		"no numbers for the last": {faults: []fault{fine, fine, after}, noSessions: true, failed: 19},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := &meta{faults: tt.faults, noSessions: tt.noSessions, rejects: func(id string) bool { return strings.HasSuffix(id, "000") }}
				_, err := deliverTo(t, m, replacing, 20_001)
				want := fmt.Sprintf("%d of 20001 rows delivered, %d rejected. Facebook could not read all rows.", 20_001-tt.failed, tt.failed)
				if got := action.MessageOf(err); got != want {
					t.Errorf("error %q\nwant  %q", got, want)
				}
				if got := len(m.members); got != 20_001-20 {
					t.Errorf("%d members", got)
				}
			})
		})
	}
}

// Facebook received fewer people than were sent.
func TestSessionMissesRows(t *testing.T) {
	t.Parallel()
	replies := []actiontest.Reply{received(9_990, 0), received(9_991, 0)}
	d := actiontest.NewDestination(t).Reply(replies...)
	all := make([]string, 10_001)
	for i := range all {
		all[i] = "a@example.com"
	}
	_, err := newIntegration(t, d).Execute(t.Context(), actiontest.JSONDetail(t, request(replacing), emails(all...)))
	const want = "9991 of 10001 rows delivered, 10 rejected. Facebook did not accept all rows, without giving a reason."
	if got := action.MessageOf(err); got != want {
		t.Errorf("error %q, want %q", got, want)
	}
}

var removing = map[string]string{"choose_create_update_replace": "remove_audience"}

// People are removed by a DELETE with a form, as Meta documents it.
func TestRemoveWire(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Reply(received(2, 0))
	res, err := newIntegration(t, d).Execute(t.Context(), actiontest.JSONDetail(t, request(removing), emails("A@example.com", "b@example.com")))
	if err != nil || res.Message != "2 rows removed from the audience, by EMAIL." {
		t.Fatalf("%+v, %v", res, err)
	}
	requests := d.Requests()
	if len(requests) != 1 {
		t.Fatalf("%d requests", len(requests))
	}
	r := requests[0]
	if got, want := r.Method+" "+r.Path, http.MethodDelete+" "+users; got != want {
		t.Errorf("request %q, want %q", got, want)
	}
	if got, want := r.Header.Get("Content-Type"), "application/x-www-form-urlencoded"; got != want {
		t.Errorf("Content-Type %q, want %q", got, want)
	}
	if got := r.Query.Get("appsecret_proof"); len(got) != 64 {
		t.Errorf("proof %q", got)
	}
	form, err := url.ParseQuery(string(r.Body))
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(form.Get("payload")), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"schema": []any{"EMAIL"}, "data": []any{[]any{pii.Hash("a@example.com")}, []any{pii.Hash("b@example.com")}},
	}
	if diff := cmp.Diff(want, got); diff != "" || len(form) != 1 {
		t.Errorf("%d parameters, payload (-want +got):\n%s", len(form), diff)
	}
}

// Removing someone twice changes nothing, so lost responses are no problem. Those who are not in the result
// stay, whatever the result is.
func TestRemove(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		faults  []fault
		rows    int
		members map[string]bool
		message string
		failed  bool
	}{
		"some":            {rows: 2, members: map[string]bool{"old": true}, message: "2 rows removed from the audience, by EXTERN_ID."},
		"an empty result": {members: map[string]bool{"0": true, "1": true, "old": true}, message: "The result has no rows. Nothing was sent to Facebook."},
		"a lost response": {rows: 2, faults: []fault{after, cut, silent}, members: map[string]bool{"old": true}, message: "2 rows removed from the audience, by EXTERN_ID."},
		"too many": {
			rows: 2, faults: []fault{`{"error":{"code":200,"error_subcode":1870047}}`}, failed: true,
			members: map[string]bool{"0": true, "1": true, "old": true},
			message: "0 of 2 rows delivered, 2 failed. Facebook does not remove these people, because the audience would become too small for an " +
				"active ad set. (Facebook's error 200, 1870047.) The remaining rows were not sent.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := &meta{faults: tt.faults, members: map[string]bool{"0": true, "1": true, "old": true}}
				res, err := deliverTo(t, m, removing, tt.rows)
				message := action.MessageOf(err)
				if err == nil {
					message = res.Message
				}
				if message != tt.message || (err != nil) != tt.failed {
					t.Errorf("message %q, error %v", message, err)
				}
				if diff := cmp.Diff(tt.members, m.members); diff != "" {
					t.Errorf("members (-want +got):\n%s", diff)
				}
			})
		})
	}
}
