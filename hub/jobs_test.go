package hub_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/jobs"
)

// A hub counts jobs, cancels those that are left after the drain, and logs them.
func TestJobs(t *testing.T) {
	t.Parallel()
	told := make(chan error, 1)
	release := make(chan struct{})
	h := runHub(t, map[string]string{"ACTION_HUB_MAX_JOBS": "2", "ACTION_HUB_DRAIN_TIMEOUT": "1ms"},
		made("a", func(ctx context.Context, d action.Deps, r *action.Request) error {
			return d.StartJob(ctx, func(context.Context) (action.Job, error) {
				return action.Job{Name: "job " + r.Params["key"], Follow: func(ctx context.Context) error {
					select {
					case <-release:
						return nil
					case <-ctx.Done():
						told <- context.Cause(ctx)
						return context.Cause(ctx)
					}
				}}, nil
			})
		}))
	deliver := func(key string) string {
		status, text := h.post("/actions/a/execute", `{"type":"query","data":{"key":"`+key+`"}}`)
		if status != http.StatusOK {
			t.Fatalf("%d %s", status, text)
		}
		return text
	}
	deliver("1")
	deliver("2")
	if text := deliver("3"); !strings.Contains(text, "The hub is at its limit of 2 running jobs.") {
		t.Errorf("without a place: %s", text)
	}
	const inFlight = `integrationhub_jobs_in_flight{integration="a"}`
	refused := `integrationhub_jobs_total{integration="a",outcome="refused"}`
	all := h.series()
	if all[inFlight] != 2 || all[refused] != 1 {
		t.Errorf("%v are followed, %v were refused", all[inFlight], all[refused])
	}
	for _, outcome := range []string{"completed", "failed", "timed_out", "interrupted"} {
		if n, ok := all[`integrationhub_jobs_total{integration="a",outcome="`+outcome+`"}`]; !ok || n != 0 {
			t.Errorf("%q does not begin at zero", outcome)
		}
	}
	release <- struct{}{}
	_ = h.stop() // an error only says that the servers needed longer than the drain timeout
	if err := <-told; !errors.Is(err, jobs.ErrStopping) {
		t.Errorf("the job was cancelled with %v", err)
	}
	outcomes := map[any]int{}
	for _, line := range h.log.lines(t, "job ended") {
		if line["integration"] != "a" || line["request_id"] == nil {
			t.Errorf("the log does not say whose job it is: %v", line)
		}
		outcomes[line["outcome"]]++
	}
	if outcomes["completed"] != 1 || outcomes["interrupted"] != 1 || len(h.log.lines(t, "jobs interrupted by shutdown")) != 1 {
		t.Errorf("the log tells of %v", outcomes)
	}
}
