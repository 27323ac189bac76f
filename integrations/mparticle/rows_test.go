package mparticle_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/internal/rowbucket/rowbuckettest"
	"integrationhub.dev/integrations/mparticle"
)

var requestID = regexp.MustCompile(`"source_request_id":"looker-[0-9a-f]{32}",`)

// withoutIDs returns a body without the rows' IDs, which each of its rows must have.
func withoutIDs(t *testing.T, body []byte) string {
	t.Helper()
	text := string(body)
	if ids, rows := len(requestID.FindAllString(text, -1)), strings.Count(text, `"user_identities"`); ids != rows {
		t.Errorf("%d IDs of %d rows: %s", ids, rows, text)
	}
	return requestID.ReplaceAllString(text, "")
}

// idsOf returns the IDs of a delivery's rows.
func idsOf(t *testing.T, req *action.Request) []string {
	t.Helper()
	d := actiontest.NewDestination(t).Reply(accepted())
	i := actiontest.New(t, mparticle.New, actiontest.Deps(t, d, nil))
	if _, err := i.Execute(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, r := range d.Requests() {
		var rows []struct {
			ID string `json:"source_request_id"`
		}
		if err := json.Unmarshal(r.Body, &rows); err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			all = append(all, row.ID)
		}
	}
	return all
}

// Each row of a delivery has an ID of its own, and has it again if Looker repeats the delivery.
func TestIDs(t *testing.T) {
	t.Parallel()
	const equal = `{"u":{"value":"u"}},{"u":{"value":"u"}}`
	delivery := func(ranAt, rows string, change func(*action.Request)) *action.Request {
		text := `{"ran_at":"` + ranAt + `",` + strings.TrimPrefix(result(rows, dimensions("u mp_other")), "{")
		if ranAt == "" {
			text = result(rows, dimensions("u mp_other"))
		}
		req := query(t, events(), text)
		if change != nil {
			change(req)
		}
		return req
	}
	const ran = "2026-11-26T10:00:00Z"
	first := idsOf(t, delivery(ran, equal, nil))
	if len(first) != 2 || first[0] == first[1] {
		t.Fatalf("IDs of equal rows: %q", first)
	}
	for name, tt := range map[string]struct {
		req  *action.Request
		same bool
	}{
		"repeated":              {req: delivery(ran, equal, nil), same: true},
		"of a later query":      {req: delivery("2026-11-26T11:00:00Z", equal, nil)},
		"of an unknown time":    {req: delivery("", equal, nil)},
		"with other rows":       {req: delivery(ran, strings.ReplaceAll(equal, `"u"}`, `"v"}`), nil)},
		"with another ID":       {req: delivery(ran, equal, func(r *action.Request) { r.WebhookID = "wh-2" })},
		"without an ID":         {req: delivery(ran, equal, func(r *action.Request) { r.WebhookID = "" })},
		"of another Looker":     {req: delivery(ran, equal, func(r *action.Request) { r.InstanceID = "other" })},
		"as users":              {req: delivery(ran, equal, func(r *action.Request) { r.Form["data_type"] = "user_data" })},
		"for other environment": {req: delivery(ran, equal, func(r *action.Request) { r.Form["environment"] = "production" })},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := idsOf(t, tt.req)
			if tt.same {
				if diff := cmp.Diff(first, got); diff != "" {
					t.Errorf("IDs (-first +repeated):\n%s", diff)
				}
				return
			}
			if slices.ContainsFunc(got, func(id string) bool { return slices.Contains(first, id) }) {
				t.Errorf("IDs %q, of which the first delivery has some: %q", got, first)
			}
		})
	}
}

// forgetful loses its first responses, in each of the ways in which a response can be lost.
type forgetful struct {
	bodies []string
	lost   []func(*http.Request) (*http.Response, error)
}

func (f *forgetful) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	f.bodies = append(f.bodies, string(body))
	if n := len(f.bodies); n <= len(f.lost) {
		return f.lost[n-1](req)
	}
	return &http.Response{StatusCode: http.StatusAccepted, Header: http.Header{}, Body: http.NoBody}, nil
}

// A call whose response was lost is made again with the same IDs, and the delivery succeeds.
func TestLostResponses(t *testing.T) {
	t.Parallel()
	for kind, form := range map[string]map[string]string{"users": users(), "events": events()} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				lossy := &forgetful{lost: []func(*http.Request) (*http.Response, error){
					func(*http.Request) (*http.Response, error) { return nil, errors.New("connection reset by peer") },
					func(req *http.Request) (*http.Response, error) {
						select {
						case <-req.Context().Done():
							return nil, req.Context().Err()
						case <-time.After(time.Hour):
							return nil, errors.New("no timeout")
						}
					},
					func(*http.Request) (*http.Response, error) {
						return &http.Response{StatusCode: http.StatusBadGateway, Header: http.Header{}, Body: http.NoBody}, nil
					},
				}}
				req := query(t, form, result(`{"u":{"value":1}},{"u":{"value":2}}`, dimensions("u mp_other")))
				res, err := newIntegration(t, lossy).Execute(t.Context(), req)
				if err != nil || res.Message != "2 rows sent to mParticle." {
					t.Errorf("%+v, %v", res, err)
				}
				if len(lossy.bodies) != 4 || len(slices.Compact(slices.Clone(lossy.bodies))) != 1 {
					t.Errorf("%d calls, want 4 with one body:\n%s", len(lossy.bodies), fmt.Sprint(lossy.bodies))
				}
			})
		})
	}
}

// Among only changes, a profile with several rows is sent again completely, so that it ends up with the last row. An
// event is a record of its own.
func TestLastRowOfProfileCountsAmongChanges(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		form map[string]string
		sent []int
	}{
		"profiles": {users(), []int{2, 2}},
		"events":   {events(), []int{2, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sent, bucket := 0, new(rowbuckettest.S3)
			d := actiontest.NewDestination(t).Handle(bucket.Beside(func(r actiontest.Recorded) actiontest.Reply {
				sent += strings.Count(string(r.Body), "source_request_id")
				return actiontest.Reply{Status: http.StatusAccepted}
			}))
			i := actiontest.New(t, mparticle.New, actiontest.Deps(t, d, rowbuckettest.Env()))
			tt.form["only_changes"] = "yes"
			for n, first := range []string{"Rome", "Oslo"} {
				sent = 0
				rows := fmt.Sprintf(`{"u.id":{"value":"1"},"u.mail":{"value":"A@b.c"},"u.city":{"value":%q}},`+
					`{"u.id":{"value":1},"u.mail":{"value":"a@b.c"},"u.city":{"value":"Bern"}}`, first)
				req := actiontest.JSONDetail(t, actiontest.Query(params, tt.form),
					result(rows, dimensions("u.id mp_customer_id", "u.mail mp_email", "u.city mp_custom_attribute")))
				req.Plan.ID = "17"
				if _, err := i.Execute(t.Context(), req); err != nil {
					t.Fatal(err)
				}
				if want := tt.sent[n]; sent != want {
					t.Errorf("delivery %d: %d rows were sent, want %d", n+1, sent, want)
				}
			}
		})
	}
}
