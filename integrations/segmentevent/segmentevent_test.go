package segmentevent_test

import (
	"net/http"
	"strings"
	"testing"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/segmentevent"
)

func TestIdentify(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Reply(actiontest.Reply{Body: `{"success":true}`})
	i := actiontest.New(t, segmentevent.New, actiontest.Deps(t, d, nil))
	req := actiontest.JSONDetail(t, actiontest.Query(map[string]string{"segment_write_key": "k"}, nil),
		`{"fields":{"dimensions":[{"name":"u.id","tags":["user_id"]},{"name":"u.city"}]},"data":[{"u.id":{"value":1},"u.city":{"value":"Ulm"}}]}`)
	res, err := i.Execute(t.Context(), req)
	if err != nil || res.Message != "1 rows sent to Segment." {
		t.Fatalf("%+v, %v", res, err)
	}
	if got := string(d.Requests()[0].Body); !strings.Contains(got, `"type":"identify"`) || !strings.Contains(got, `"traits":{"u.city":"Ulm"}`) {
		t.Errorf("sent %s", got)
	}
	if action.Resolve(i).Form != nil {
		t.Error("there is a form")
	}
}

func TestBadRegion(t *testing.T) {
	t.Parallel()
	if _, err := segmentevent.New(actiontest.Deps(t, nil, map[string]string{"SEGMENT_REGION": "mars"})); err == nil {
		t.Error("no error")
	}
}

// The write key may have been pasted with what stood around it.
func TestWriteKey(t *testing.T) {
	t.Parallel()
	for _, pasted := range []string{"k3y", " k3y\n", `"k3y"`, "\u200bk3y", "Bearer k3y"} {
		d := actiontest.NewDestination(t).Reply(actiontest.Reply{Body: `{"success":true}`})
		i := actiontest.New(t, segmentevent.New, actiontest.Deps(t, d, nil))
		req := actiontest.JSONDetail(t, actiontest.Query(map[string]string{"segment_write_key": pasted}, nil),
			`{"fields":{"dimensions":[{"name":"u.id","tags":["user_id"]}]},"data":[{"u.id":{"value":1}}]}`)
		if _, err := i.Execute(t.Context(), req); err != nil {
			t.Fatal(err)
		}
		r := http.Request{Header: d.Requests()[0].Header}
		if user, _, _ := r.BasicAuth(); user != "k3y" {
			t.Errorf("%q is sent as %q", pasted, user)
		}
	}
}
