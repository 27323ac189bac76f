package signin_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/signin"
)

// answer is a service's answer to a refresh token.
func answer(status int, body string) actiontest.Reply {
	return actiontest.Reply{Status: status, Header: map[string]string{"Content-Type": "application/json"}, Body: body}
}

func provider(t *testing.T, reply actiontest.Reply) *signin.Provider {
	t.Helper()
	d := actiontest.NewDestination(t).Reply(reply)
	return &signin.Provider{
		Name: "Acme", HTTP: actiontest.Deps(t, d, nil).HTTP, Expired: "Acme ends it after a year.", Busy: "request is being processed",
		Config: oauth2.Config{ClientID: "id", ClientSecret: "secret", Endpoint: oauth2.Endpoint{TokenURL: "https://acme.example.com/token"}},
	}
}

// The reasons why a sign-in ends are named only where the service ended one.
func TestExpired(t *testing.T) {
	t.Parallel()
	const missing = "The sign-in at Acme is missing or no longer valid. Open the form in Looker and log in again."
	for name, tt := range map[string]struct {
		reply   actiontest.Reply
		refresh string
		kind    action.Kind
		want    string
	}{
		"grant ended":     {answer(http.StatusBadRequest, `{"error":"invalid_grant"}`), "r1", action.Unauthenticated, missing + " Acme ends it after a year."},
		"another refusal": {answer(http.StatusBadRequest, `{"error":"invalid_request"}`), "r1", action.Unauthenticated, missing},
		"wrong client": {
			answer(http.StatusUnauthorized, `{"error":"invalid_client"}`), "r1", action.Internal,
			"Acme does not accept the hub's client id and secret. The hub's administrator must check them.",
		},
		"a deleted client": {
			answer(http.StatusUnauthorized, `{"error":"deleted_client"}`), "r1", action.Internal,
			"Acme does not accept the hub's client id and secret. The hub's administrator must check them.",
		},
		"another request": {
			answer(http.StatusBadRequest, `{"error":"invalid_grant","error_description":"Request is being processed"}`), "r1",
			action.Unavailable, "Acme is renewing the same sign-in for another request. Try again in a minute.",
		},
		"too busy": {
			answer(http.StatusBadRequest, `{"error":"temporarily_unavailable"}`), "r1", action.Unavailable, "Acme's sign-in returned 400.",
		},
		"too many logins": {
			answer(http.StatusBadRequest, `{"error":"rate_limit_exceeded"}`), "r1", action.RateLimited, "Acme's sign-in returned 400.",
		},
		"a firewall": {
			actiontest.Reply{Status: http.StatusForbidden, Header: map[string]string{"Content-Type": "text/html"}, Body: "<html>"},
			"r1",
			action.Forbidden, "Acme's sign-in returned 403.",
		},
		"never signed in": {answer(http.StatusOK, `{}`), "", action.Unauthenticated, missing},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := provider(t, tt.reply).Open(signin.Tokens{Refresh: tt.refresh})
			err := s.Call(t.Context(), func(context.Context, string) error { return nil })
			if got := action.KindOf(err); got != tt.kind {
				t.Errorf("kind %v, want %v", got, tt.kind)
			}
			if got := action.MessageOf(err); got != tt.want {
				t.Errorf("message %q, want %q", got, tt.want)
			}
		})
	}
}

// A refresh token that another request is using is not sent again: the service may replace it, and take the old one for stolen.
func TestBusyIsNotRepeated(t *testing.T) {
	t.Parallel()
	p := provider(t, answer(http.StatusBadRequest, `{"error":"invalid_grant","error_description":"request is being processed"}`))
	calls := 0
	retry := deliver.Retry{MaxAttempts: 3, InitialBackoff: time.Millisecond, MaxBackoff: time.Millisecond}
	err := retry.Do(t.Context(), func(ctx context.Context) error {
		calls++
		return p.Open(signin.Tokens{Refresh: "r1"}).Call(ctx, func(context.Context, string) error { return nil })
	})
	if calls != 1 || action.KindOf(err) != action.Unavailable {
		t.Errorf("%d calls, error %v", calls, err)
	}
	if res := signin.Forget(err); res != nil {
		t.Errorf("the sign-in is deleted: %+v", res)
	}
}

// A service that is busy says how long to wait, as Microsoft Entra does in Retry-After.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	reply := answer(http.StatusTooManyRequests, `{"error":"temporarily_unavailable"}`)
	reply.Header["Retry-After"] = "300"
	d := actiontest.NewDestination(t).Reply(reply)
	p := &signin.Provider{
		Name: "Acme", HTTP: actiontest.Deps(t, d, nil).HTTP,
		Config: oauth2.Config{ClientID: "id", Endpoint: oauth2.Endpoint{TokenURL: "https://acme.example.com/token", AuthStyle: oauth2.AuthStyleInParams}},
	}
	err := p.Open(signin.Tokens{Refresh: "r1"}).Call(t.Context(), func(context.Context, string) error { return nil })
	status, ok := errors.AsType[*outbound.StatusError](err)
	if !ok || status.RetryAfter != 5*time.Minute {
		t.Errorf("error %v", err)
	}
	if n := len(d.Requests()); n != 1 {
		t.Errorf("%d requests, want 1: the wait is longer than anyone waits", n)
	}
}

func TestExchangeDoesNotSayExpired(t *testing.T) {
	t.Parallel()
	p := provider(t, answer(http.StatusBadRequest, `{"error":"invalid_grant"}`))
	_, err := p.Exchange(t.Context(), action.Login{RedirectURL: "https://hub/r"}, "code")
	want := "The sign-in at Acme is missing or no longer valid. Open the form in Looker and log in again."
	if got := action.MessageOf(err); got != want {
		t.Errorf("message %q, want %q", got, want)
	}
}

// single is a service whose refresh tokens can be used once: r1 for r2, r2 for r3, and so on.
type single struct {
	mu   sync.Mutex
	next int
}

func (s *single) serve(r actiontest.Recorded) actiontest.Reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	form, err := url.ParseQuery(string(r.Body))
	if err != nil || form.Get("refresh_token") != fmt.Sprintf("r%d", s.next) {
		return answer(http.StatusBadRequest, `{"error":"invalid_grant"}`)
	}
	s.next++
	return answer(http.StatusOK, fmt.Sprintf(`{"access_token":"a%d","token_type":"bearer","refresh_token":"r%d"}`, s.next, s.next))
}

// Deliveries that begin at the same time come with the same tokens, which only one of them can renew.
func TestSingleUse(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t)
	service := &single{next: 1}
	d.Handle(service.serve)
	p := &signin.Provider{
		Name: "Acme", HTTP: actiontest.Deps(t, d, nil).HTTP, Rotations: new(signin.Rotations),
		Config: oauth2.Config{ClientID: "id", Endpoint: oauth2.Endpoint{TokenURL: "https://acme.example.com/token"}},
	}
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			s := p.Open(signin.Tokens{Access: "a1", Refresh: "r1"})
			err := s.Call(t.Context(), func(_ context.Context, access string) error {
				if access != "a2" {
					return action.Errorf(action.Unauthenticated, "Expired.")
				}
				return nil
			})
			if err != nil {
				t.Errorf("error %v", err)
			}
			want := &action.State{Data: `{"access_token":"a2","refresh_token":"r2"}`}
			if diff := cmp.Diff(want, s.Renewed()); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
		})
	}
	wg.Wait()
	if n := len(d.Requests()); n != 1 {
		t.Errorf("%d requests for tokens, want 1", n)
	}
}

func TestRenewedOnlyIfChanged(t *testing.T) {
	t.Parallel()
	s := provider(t, answer(http.StatusOK, `{"access_token":"a2","token_type":"bearer"}`)).Open(signin.Tokens{Access: "a1", Refresh: "r1"})
	if err := s.Call(t.Context(), func(context.Context, string) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if state := s.Renewed(); state != nil {
		t.Errorf("state %+v, want none", state)
	}
}

// A delivery that comes with tokens that were replaced twice gets the newest ones, and one that ends after they were
// replaced again returns those: Looker must not store tokens that are used up.
func TestSingleUseChain(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t)
	d.Handle((&single{next: 1}).serve)
	p := &signin.Provider{
		Name: "Acme", HTTP: actiontest.Deps(t, d, nil).HTTP, Rotations: new(signin.Rotations),
		Config: oauth2.Config{ClientID: "id", Endpoint: oauth2.Endpoint{TokenURL: "https://acme.example.com/token"}},
	}
	// accepts calls with one access token only, as after the others expired.
	call := func(s *signin.Session, valid string) error {
		return s.Call(t.Context(), func(_ context.Context, access string) error {
			if access != valid {
				return action.Errorf(action.Unauthenticated, "Expired.")
			}
			return nil
		})
	}
	long := p.Open(signin.Tokens{Access: "a1", Refresh: "r1"})
	if err := call(long, "a2"); err != nil {
		t.Fatalf("the first delivery: %v", err)
	}
	if err := call(p.Open(signin.Tokens{Access: "a2", Refresh: "r2"}), "a3"); err != nil {
		t.Fatalf("the next delivery: %v", err)
	}
	late := p.Open(signin.Tokens{Access: "a1", Refresh: "r1"})
	if err := call(late, "a3"); err != nil {
		t.Errorf("a delivery with the oldest tokens: %v", err)
	}
	want := &action.State{Data: `{"access_token":"a3","refresh_token":"r3"}`}
	for name, s := range map[string]*signin.Session{"the first": long, "the late": late} {
		if diff := cmp.Diff(want, s.Renewed()); diff != "" {
			t.Errorf("state of %s delivery (-want +got):\n%s", name, diff)
		}
	}
}
