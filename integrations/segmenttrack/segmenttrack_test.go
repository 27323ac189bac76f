package segmenttrack_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/segmenttrack"
)

func request(t *testing.T, form map[string]string) *action.Request {
	t.Helper()
	return actiontest.JSONDetail(t, actiontest.Query(map[string]string{"segment_write_key": "k"}, form),
		`{"fields":{"dimensions":[{"name":"u.id","tags":["user_id"]},{"name":"o.sum"}]},"data":[{"u.id":{"value":1},"o.sum":{"value":9.90}}]}`)
}

func TestForm(t *testing.T) {
	t.Parallel()
	i := actiontest.New(t, segmenttrack.New, actiontest.Deps(t, nil, nil))
	got, err := action.Resolve(i).Form.Form(t.Context(), actiontest.Query(nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	want := &action.Form{Fields: []action.Field{
		{Name: "event", Label: "Event", Description: "The name of the event you\u2019re tracking.", Type: action.String, Required: true},
		{
			Name: "time_zone", Label: "Time Zone", Type: action.String,
			Description: "The time zone of times in the field tagged segment_timestamp, such as Europe/Berlin. UTC if empty.",
		},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("form (-want +got):\n%s", diff)
	}
}

func TestTrack(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Reply(actiontest.Reply{Body: `{"success":true}`})
	i := actiontest.New(t, segmenttrack.New, actiontest.Deps(t, d, nil))
	res, err := i.Execute(t.Context(), request(t, map[string]string{"event": "Order Completed"}))
	if err != nil || res.Message != "1 rows sent to Segment." {
		t.Fatalf("%+v, %v", res, err)
	}
	if got := string(d.Requests()[0].Body); !strings.Contains(got, `"type":"track"`) ||
		!strings.Contains(got, `"userId":"1","event":"Order Completed","properties":{"o.sum":9.90}`) {
		t.Errorf("sent %s", got)
	}
}

func TestNoEvent(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t)
	i := actiontest.New(t, segmenttrack.New, actiontest.Deps(t, d, nil))
	_, err := i.Execute(t.Context(), request(t, map[string]string{"event": " "}))
	e, ok := err.(*action.Error) //nolint:errorlint // as Looker gets it
	if !ok {
		t.Fatalf("error %v has another type", err)
	}
	if got, want := e.Kind, action.Invalid; got != want {
		t.Errorf("kind %v, want %v", got, want)
	}
	if got, want := e.Fields["event"], `"event" is required.`; got != want {
		t.Errorf("error of the field %q, want %q", got, want)
	}
	if len(d.Requests()) != 0 {
		t.Error("Segment was called")
	}
}

func TestBadRegion(t *testing.T) {
	t.Parallel()
	if _, err := segmenttrack.New(actiontest.Deps(t, nil, map[string]string{"SEGMENT_REGION": "mars"})); err == nil {
		t.Error("no error")
	}
}
