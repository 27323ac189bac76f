package braze_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/braze"
	"integrationhub.dev/integrations/internal/rowbucket/rowbuckettest"
	"integrationhub.dev/integrations/internal/rowstest"
)

// profiles has the users' cities, as the calls in their order set them.
type profiles struct {
	mu     sync.Mutex
	cities map[string]string
}

func (p *profiles) apply(body []byte) error {
	var call struct {
		Attributes []struct {
			ID   string `json:"external_id"`
			City string `json:"city"`
		} `json:"attributes"`
	}
	if err := json.Unmarshal(body, &call); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cities == nil {
		p.cities = map[string]string{}
	}
	for _, a := range call.Attributes {
		p.cities[a.ID] = a.City
	}
	return nil
}

// slowFirst is slower with calls that have the city 0.
type slowFirst struct{ profiles }

// RoundTrip implements [http.RoundTripper].
func (s *slowFirst) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	if bytes.Contains(body, []byte(`"city":"0"`)) {
		<-time.After(time.Second)
	}
	if err := s.apply(body); err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: http.StatusCreated, Request: req, Body: io.NopCloser(strings.NewReader(success))}, nil
}

// A user with several rows gets the attributes of the last one, although calls are made at the same time.
func TestLastRowOfUserCounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const users = 50 // a call
		s := &slowFirst{}
		i := actiontest.New(t, braze.New, action.Deps{HTTP: &http.Client{Transport: s}})
		req := rowstest.Query(t, actiontest.Query(params(), form()), peopleHead, 2*users, func(i int) string {
			return fmt.Sprintf(`{"u.id":{"value":%d},"u.city":{"value":"%d"}}`, i%users, i/users)
		})
		if _, err := i.Execute(t.Context(), req); err != nil {
			t.Fatal(err)
		}
		for user := range users {
			if got := s.cities[fmt.Sprint(user)]; got != "1" {
				t.Errorf("user %d has the city of row %q, want that of the last one", user, got)
			}
		}
	})
}

// So does one of whose rows only the first one changed since the last delivery.
func TestLastRowOfUserCountsAmongChanges(t *testing.T) {
	t.Parallel()
	p, bucket := &profiles{}, new(rowbuckettest.S3)
	d := actiontest.NewDestination(t).Handle(bucket.Beside(func(r actiontest.Recorded) actiontest.Reply {
		if err := p.apply(r.Body); err != nil {
			return actiontest.Reply{Status: http.StatusBadRequest}
		}
		return accepted()
	}))
	i := actiontest.New(t, braze.New, actiontest.Deps(t, d, rowbuckettest.Env()))
	for _, first := range []string{"Rome", "Oslo"} {
		answers := form()
		answers["only_changes"] = "yes"
		rows := fmt.Sprintf(`{"u.id":{"value":"U1"},"u.city":{"value":%q}},{"u.id":{"value":"U1"},"u.city":{"value":"Bern"}}`, first)
		req := actiontest.JSONDetail(t, actiontest.Query(params(), answers), result(rows, "u.id braze_id", "u.city braze[city]"))
		req.Plan.ID = "17"
		if _, err := i.Execute(t.Context(), req); err != nil {
			t.Fatal(err)
		}
		if got := p.cities["U1"]; got != "Bern" {
			t.Errorf("after %s and Bern, the user's city is %q, want that of the last row", first, got)
		}
	}
}
