package mparticle_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/internal/rowbucket/rowbuckettest"
	"integrationhub.dev/integrations/mparticle"
)

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
