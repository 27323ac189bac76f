package slack_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/internal/slack"
)

// lister answers every list with one name, which is the token that asked.
func lister() *actiontest.Destination {
	return actiontest.NewSocketless().Handle(func(r actiontest.Recorded) actiontest.Reply {
		name := tokenOf(r)
		switch r.Path {
		case "/api/conversations.list":
			return actiontest.Reply{Body: `{"ok":true,"channels":[{"id":"C1","name":"` + name + `"}]}`}
		case "/api/users.list":
			return actiontest.Reply{Body: `{"ok":true,"members":[{"id":"U1","name":"` + name + `"}]}`}
		case "/api/auth.test":
			return actiontest.Reply{Body: `{"ok":true,"team":"` + name + `","team_id":"T1"}`}
		}
		return actiontest.Reply{Status: http.StatusNotFound}
	})
}

// first is the label of the first option of the field for the destination.
func first(t *testing.T, c *slack.Client, channelType string) string {
	t.Helper()
	fields, err := c.Fields(t.Context(), channelType)
	if err != nil {
		t.Error(err)
		return ""
	}
	return fields[1].Options[0].Label
}

func paths(d *actiontest.Destination) string {
	var list []string
	for _, r := range d.Requests() {
		list = append(list, tokenOf(r)+r.Path[strings.LastIndex(r.Path, "/"):])
	}
	return strings.Join(list, " ")
}

func TestListsAreCached(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := lister()
		connector := slack.NewConnector(actiontest.Deps(t, d, nil).HTTP)
		// A client lives as long as one request.
		ask := func(token action.Secret, channelType string) string {
			return first(t, connector.Client(token), channelType)
		}
		var got []string
		for range 2 {
			got = append(got, ask("a", "channels"), ask("b", "channels"), ask("a", "users"))
			time.Sleep(14 * time.Second)
		}
		time.Sleep(time.Second)
		got = append(got, ask("a", "channels"))
		if diff := cmp.Diff([]string{"#a", "#b", "@a", "#a", "#b", "@a", "#a"}, got); diff != "" {
			t.Errorf("listed (-want +got):\n%s", diff)
		}
		const want = "a/conversations.list b/conversations.list a/users.list a/conversations.list"
		if diff := cmp.Diff(want, paths(d)); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
	})
}

func TestWorkspacesAreCached(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := lister()
		connector := slack.NewConnector(actiontest.Deps(t, d, nil).HTTP)
		for _, token := range []action.Secret{"a", "b", "a"} {
			if w, err := connector.Client(token).KnownWorkspace(t.Context()); err != nil || w.Name != token.Reveal() {
				t.Errorf("workspace %+v, %v of %s", w, err, token.Reveal())
			}
		}
		if _, err := connector.Client("a").Workspace(t.Context()); err != nil {
			t.Error(err)
		}
		if got, want := paths(d), "a/auth.test b/auth.test a/auth.test"; got != want {
			t.Errorf("calls %q, want %q", got, want)
		}
	})
}

func TestErrorsAreNotCached(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := actiontest.NewSocketless().Reply(
			actiontest.Reply{Body: `{"ok":false,"error":"missing_scope","needed":"groups:read"}`},
			actiontest.Reply{Body: `{"ok":true,"channels":[{"id":"C1","name":"ops"}]}`},
		)
		connector := slack.NewConnector(actiontest.Deps(t, d, nil).HTTP)
		if _, err := connector.Client(token).Fields(t.Context(), "channels"); action.KindOf(err) != action.Forbidden {
			t.Errorf("error %v", err)
		}
		if got := first(t, connector.Client(token), "channels"); got != "#ops" {
			t.Errorf("listed %q", got)
		}
	})
}

// held is a transport whose answers wait until it is let go.
type held struct {
	http.RoundTripper
	gate chan struct{}
}

func (h held) RoundTrip(r *http.Request) (*http.Response, error) {
	select {
	case <-h.gate:
		return h.RoundTripper.RoundTrip(r)
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// Those who ask for the same list at once share one call, which the leaving of one of them,
// even of the one who came first, does not end.
func TestFetchesAreShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := lister()
		gate := make(chan struct{})
		connector := slack.NewConnector(&http.Client{Transport: held{actiontest.Deps(t, d, nil).HTTP.Transport, gate}})
		leaving, leave := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		var left error
		wg.Go(func() { _, left = connector.Client("a").Fields(leaving, "channels") })
		synctest.Wait()
		got := make([]string, 3)
		for i := range got {
			wg.Go(func() { got[i] = first(t, connector.Client("a"), "channels") })
		}
		synctest.Wait()
		leave()
		synctest.Wait()
		close(gate)
		wg.Wait()
		if !errors.Is(left, context.Canceled) {
			t.Errorf("error of the canceled caller: %v", left)
		}
		if diff := cmp.Diff([]string{"#a", "#a", "#a"}, got); diff != "" {
			t.Errorf("listed (-want +got):\n%s", diff)
		}
		if got, want := paths(d), "a/conversations.list"; got != want {
			t.Errorf("calls %q, want %q", got, want)
		}
	})
}

// A request without a waiting caller ends after its timeout.
func TestAbandonedFetchEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err := slack.NewConnector(actiontest.Late()).Client(token).Fields(ctx, "users")
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		time.Sleep(20 * time.Second) // the time of a form
		// The bubble fails when one of its goroutines is left.
	})
}

// A panic during an ask, which is on no request's goroutine, does not end the hub.
func TestFetchPanics(t *testing.T) {
	t.Parallel()
	c := slack.NewConnector(&http.Client{Transport: roundTripper(func(*http.Request) string { panic("a bug") })}).Client(token)
	_, err := c.Fields(t.Context(), "users")
	if kind := action.KindOf(err); kind != action.Internal {
		t.Errorf("kind %v", kind)
	}
	if err == nil || !strings.Contains(err.Error(), "a bug") {
		t.Errorf("error %v", err)
	}
}

// The oldest list makes room for a new one.
func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var body strings.Builder
		body.WriteString(`{"ok":true,"channels":[{"id":"C0","name":"0"}`)
		for i := range 90_000 {
			fmt.Fprintf(&body, `,{"id":"C%d","name":"%d"}`, i, i)
		}
		body.WriteString(`]}`)
		d := actiontest.NewSocketless().Reply(actiontest.Reply{Body: body.String()})
		connector := slack.NewConnector(actiontest.Deps(t, d, nil).HTTP)
		for _, token := range []action.Secret{"a", "b", "c", "b", "c", "a"} {
			first(t, connector.Client(token), "channels")
		}
		const list = "/conversations.list"
		if got, want := paths(d), strings.Join([]string{"a" + list, "b" + list, "c" + list, "a" + list}, " "); got != want {
			t.Errorf("calls %q, want %q", got, want)
		}
	})
}
