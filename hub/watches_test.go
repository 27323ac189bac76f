package hub_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/watch"
)

// A hub counts what it follows, tells it when the drain is over, and says so.
func TestWatches(t *testing.T) {
	t.Parallel()
	told := make(chan error, 1)
	release := make(chan struct{})
	h := runHub(t, map[string]string{"ACTION_HUB_MAX_WATCHES": "2", "ACTION_HUB_DRAIN_TIMEOUT": "1ms"},
		made("a", func(ctx context.Context, d action.Deps, r *action.Request) error {
			return d.Watch(ctx, func(context.Context) (action.Watch, error) {
				return action.Watch{Name: "job " + r.Params["key"], Follow: func(ctx context.Context) error {
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
	if text := deliver("3"); !strings.Contains(text, "The hub follows as many jobs as it is set to (2).") {
		t.Errorf("without a place: %s", text)
	}
	const inFlight = `integrationhub_watches_in_flight{integration="a"}`
	refused := `integrationhub_watches_total{integration="a",outcome="refused"}`
	all := h.series()
	if all[inFlight] != 2 || all[refused] != 1 {
		t.Errorf("%v are followed, %v were refused", all[inFlight], all[refused])
	}
	for _, outcome := range []string{"ended", "failed", "too_long", "given_up"} {
		if n, ok := all[`integrationhub_watches_total{integration="a",outcome="`+outcome+`"}`]; !ok || n != 0 {
			t.Errorf("%q does not begin at zero", outcome)
		}
	}
	release <- struct{}{}
	if err := h.stop(); err != nil {
		t.Errorf("the hub ended with %v", err)
	}
	if err := <-told; !errors.Is(err, watch.ErrStopping) {
		t.Errorf("the watch was told %v", err)
	}
	outcomes := map[any]int{}
	for _, line := range h.log.lines(t, "watch") {
		if line["integration"] != "a" || line["request_id"] == nil {
			t.Errorf("the log does not say whose watch it is: %v", line)
		}
		outcomes[line["outcome"]]++
	}
	if outcomes["ended"] != 1 || outcomes["given_up"] != 1 || len(h.log.lines(t, "the hub stops before what it followed has ended")) != 1 {
		t.Errorf("the log tells of %v", outcomes)
	}
}
