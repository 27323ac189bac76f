package datamanager_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/internal/google/datamanager"
)

// status is the status of a request with contact data. counts are the members of errorCounts.
func status(state string, records int, counts string) actiontest.Reply {
	return actiontest.Reply{Body: fmt.Sprintf(`{"requestStatusPerDestination":[{"destination":{},"requestStatus":%q,`+
		`"errorInfo":{"errorCounts":[%s]},"audienceMembersIngestionStatus":{"compositeDataIngestionStatus":{"recordCount":"%d"}}}]}`,
		state, counts, records)}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	const reasons = `{"recordCount":"3","reason":"PROCESSING_ERROR_REASON_NO_CONSENT"},{"recordCount":"4",` +
		`"reason":"PROCESSING_ERROR_REASON_NEW"}`
	for name, tt := range map[string]struct {
		reply             actiontest.Reply
		done              bool
		records, failures int64
		text              string
	}{
		"running":   {reply: status("PROCESSING", 10, "")},
		"succeeded": {reply: status("SUCCESS", 10, ""), done: true, records: 10},
		"partly": {
			reply: status("PARTIAL_SUCCESS", 10, reasons), done: true, records: 10, failures: 7,
			text: "Google Data Manager could not process 7 of 10 records (unsuccessful requests: 1; 4: NEW; 3: the advertiser gave no consent for Google's ad services)",
		},
		"failed": {
			reply: status("FAILED", 10, ""), done: true, records: 10, failures: 10,
			text: "Google Data Manager could not process 10 of 10 records (unsuccessful requests: 1)",
		},
		"partly, without a reason": {
			reply: status("PARTIAL_SUCCESS", 10, ""), done: true, records: 10,
			text: "Google Data Manager could not process 0 of 10 records (unsuccessful requests: 1)",
		},
		"events": {
			reply: actiontest.Reply{Body: `{"requestStatusPerDestination":[{"requestStatus":"SUCCESS",` +
				`"eventsIngestionStatus":{"recordCount":"8"}}]}`},
			done: true, records: 8,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := actiontest.NewSocketless().Reply(tt.reply)
				ctx, cancel := context.WithTimeoutCause(t.Context(), 24*time.Hour, errors.New("over"))
				defer cancel()
				outcome, err := newClient(t, d).Follow(ctx, []string{"q 1"})
				if (err == nil) != tt.done {
					t.Fatalf("error %v", err)
				}
				if r := d.Requests()[0]; r.Method != http.MethodGet || r.Path != "/v1/requestStatus:retrieve" || r.Query.Get("requestId") != "q 1" {
					t.Errorf("request %s %s?%s", r.Method, r.Path, r.Query.Encode())
				}
				if !tt.done {
					return
				}
				if diff := cmp.Diff([]int64{tt.records, tt.failures}, []int64{outcome.Records, outcome.Failures}); diff != "" {
					t.Errorf("records and failures (-want +got):\n%s", diff)
				}
				text := ""
				if err := outcome.Err(); err != nil {
					text = err.Error()
				}
				if diff := cmp.Diff(tt.text, text); diff != "" {
					t.Errorf("error (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// Google is asked after half an hour, and about a finished request only once.
func TestFollow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var asked []string
		d := actiontest.NewSocketless().Handle(func(r actiontest.Recorded) actiontest.Reply {
			id, since := r.Query.Get("requestId"), time.Since(start).Truncate(time.Minute)
			asked = append(asked, fmt.Sprintf("%s after %v", id, since))
			switch {
			case id == "q1" && since < time.Hour:
				return actiontest.Reply{Status: 503}
			case id == "q2" && since < 90*time.Minute:
				return status("PROCESSING", 5, "")
			}
			return status("SUCCESS", 5, "")
		})
		outcome, err := newClient(t, d).Follow(t.Context(), []string{"q1", "q2", "q3"})
		if err != nil || outcome.Err() != nil || outcome.Records != 15 {
			t.Errorf("outcome %+v, %v", outcome, err)
		}
		if diff := cmp.Diff([]string{
			"q1 after 30m0s", "q1 after 30m0s", "q1 after 30m0s", // its retries
			"q1 after 1h0m0s", "q2 after 1h0m0s",
			"q2 after 1h30m0s", "q3 after 1h30m0s",
		}, asked); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
	})
}

func TestFollowEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, actiontest.NewSocketless().Reply(rejected(404, "INVALID_REQUEST_ID")))
		if _, err := c.Follow(t.Context(), []string{"q"}); err == nil || datamanager.IsMissingScope(err) {
			t.Errorf("error %v", err)
		}
	})
}
