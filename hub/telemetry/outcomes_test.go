package telemetry_test

import (
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/telemetry"
)

func TestOutcomes(t *testing.T) {
	t.Parallel()
	o := telemetry.NewOutcomes([]string{"a", "b"})
	at := func(second int64) time.Time { return time.Unix(second, 999).UTC() }
	o.Add("a", telemetry.Delivered, at(1))
	o.Add("a", action.RateLimited.String(), at(2))
	o.Add("a", telemetry.Delivered, at(3))
	o.Add("unknown", telemetry.Delivered, at(4))
	o.Add("b", "unknown", at(5))
	want := []telemetry.Outcome{{"delivered", 2, time.Unix(3, 0).UTC()}, {"rate_limited", 1, time.Unix(2, 0).UTC()}}
	if diff := cmp.Diff(want, o.Of("a")); diff != "" {
		t.Error(diff)
	}
	for _, name := range []string{"b", "unknown"} {
		if got := o.Of(name); len(got) != 0 {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// Deliveries end at the same time; none is lost.
func TestOutcomesAtOnce(t *testing.T) {
	t.Parallel()
	o := telemetry.NewOutcomes([]string{"a"})
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() { o.Add("a", telemetry.Delivered, time.Now()); o.Of("a") })
	}
	all.Wait()
	if got := o.Of("a"); len(got) != 1 || got[0].Count != 100 {
		t.Error(got)
	}
}
