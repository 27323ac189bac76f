package datamanager_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"testing"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/google/datamanager"
)

// failFast accepts a request only if none of its members is invalid.
type failFast struct {
	invalid func(n int) bool
	// taken are the members that were added.
	taken []int
	calls int
}

func (f *failFast) answer(r actiontest.Recorded) actiontest.Reply {
	var in datamanager.IngestAudienceMembers
	if err := json.Unmarshal(r.Body, &in); err != nil {
		return actiontest.Reply{Status: 500}
	}
	f.calls++
	var violations []string
	var ids []int
	for i, m := range in.Members {
		n, err := strconv.Atoi(m.Mobile.IDs[0])
		if err != nil {
			return actiontest.Reply{Status: 500}
		}
		if ids = append(ids, n); f.invalid(n) {
			violations = append(violations, member(i), "INVALID_MOBILE_ID_FORMAT")
		}
	}
	if len(violations) > 0 {
		return rejected(400, "INVALID_ARGUMENT", violations...)
	}
	f.taken = append(f.taken, ids...)
	return actiontest.Reply{Body: `{"requestId":"q"}`}
}

func TestSendValid(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		members int
		invalid func(n int) bool
		// taken, failed and calls are numbers.
		taken, failed, calls int
	}{
		"all valid": {members: 10, invalid: func(int) bool { return false }, taken: 10, calls: 1},
		"one":       {members: 10, invalid: func(n int) bool { return n == 3 }, taken: 9, failed: 1, calls: 2},
		"all":       {members: 10, invalid: func(int) bool { return true }, failed: 10, calls: 1},
		// The hub reads only the beginning of an error's body.
		"more than an error can name": {members: 1000, invalid: func(n int) bool { return n%4 == 0 }, taken: 750, failed: 250, calls: 4},
		"too many":                    {members: 5000, invalid: func(n int) bool { return n%2 == 0 }, failed: 5000, calls: 20},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			google := &failFast{invalid: tt.invalid}
			c := newClient(t, actiontest.NewDestination(t).Handle(google.answer))
			err := datamanager.SendValid(members(tt.members), func(some []datamanager.AudienceMember) error { return ingest(t, c, some) })
			failed, _ := errors.AsType[deliver.PartialError](err)
			if len(failed) != tt.failed || err != nil && failed == nil {
				t.Errorf("%d failed, want %d: %v", len(failed), tt.failed, err)
			}
			if got := len(google.taken); got != tt.taken {
				t.Errorf("%d taken, want %d", got, tt.taken)
			}
			if google.calls != tt.calls {
				t.Errorf("%d calls, want %d", google.calls, tt.calls)
			}
			for n := range tt.members {
				if slices.Contains(google.taken, n) == (failed[n] != nil) {
					t.Fatalf("member %d is reported wrongly: %v", n, failed[n])
				}
			}
		})
	}
}

// An error of the request as a whole stays what it is, and so does one that names no item of the request.
func TestSendValidFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		reply actiontest.Reply
		kind  action.Kind
	}{
		"unavailable": {actiontest.Reply{Status: 503}, action.Unavailable},
		"other item":  {rejected(400, "INVALID_ARGUMENT", member(7), "INVALID_SHA256_FORMAT"), action.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(tt.reply)
			c := newClient(t, d)
			err := datamanager.SendValid(members(2), func(some []datamanager.AudienceMember) error { return ingest(t, c, some) })
			if _, ok := errors.AsType[deliver.PartialError](err); ok || action.KindOf(err) != tt.kind {
				t.Errorf("error %v", err)
			}
			if n := len(d.Requests()); n != 1 {
				t.Errorf("%d requests", n)
			}
		})
	}
}
