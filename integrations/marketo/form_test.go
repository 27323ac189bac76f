package marketo_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/marketo"
)

// fields returns the fields of a form in short: name, default and options.
func fields(t *testing.T, d *actiontest.Destination, params, answers map[string]string) map[string]string {
	t.Helper()
	i := action.Resolve(actiontest.New(t, marketo.New, actiontest.Deps(t, d, nil)))
	form, err := i.Form.Form(t.Context(), actiontest.Query(params, answers))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, f := range form.Fields {
		texts := []string{strings.TrimSpace(string(f.Type) + " " + f.Default)}
		for _, o := range f.Options {
			texts = append(texts, o.Name)
		}
		all[f.Name] = strings.Join(texts, "|")
	}
	return all
}

// Existing schedules lose the values of renamed fields.
func TestForm(t *testing.T) {
	t.Parallel()
	got := fields(t, nil, nil, nil)
	want := map[string]string{
		"lookupField": "string email", "subaction": "select addCampaign|addCampaign|addList|removeList|none", "campaignId": "string",
		"partition": "string", "program_id": "string", "program_status": "string", "time_zone": "string",
		"mirror": "select no|no|yes", "mirror_limit": "string 50",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}

// Partitions and statuses are offered if Marketo lists them.
func TestFormChoices(t *testing.T) {
	t.Parallel()
	const (
		partitions = `{"id":1,"name":"Default"},{"id":2,"name":"EMEA","description":"x"}`
		program    = `{"id":1107,"name":"Webinar","channel":"Online & Live","type":"Default"}`
		channel    = `{"id":4,"name":"Online & Live","progressionStatuses":[{"name":"Not in Program","step":0,"hidden":false},` +
			`{"name":"Invited","step":10,"hidden":false},{"name":"Old","step":20,"hidden":true},{"name":"Attended","step":40,"hidden":false}]}`
		both = "select|Default|EMEA"
	)
	chosen := map[string]string{"program_id": "1107"}
	denied, broken := failure("603", "Access denied"), actiontest.Reply{Status: http.StatusServiceUnavailable}
	for name, tt := range map[string]struct {
		answers                      map[string]string
		partitions, program, channel actiontest.Reply
		partition, status            string
	}{
		"no program": {partitions: success(partitions), partition: both, status: "string"},
		"a program": {
			answers: chosen, partitions: success(partitions), program: success(program), channel: success(channel),
			partition: both, status: "select|Invited|Attended",
		},
		"other values chosen": {
			answers:    map[string]string{"program_id": "1107", "program_status": "Sent", "partition": "US"},
			partitions: success(partitions), program: success(program), channel: success(channel),
			partition: both + "|US", status: "select|Invited|Attended|Sent",
		},
		"denied": {answers: chosen, partitions: denied, program: denied, channel: denied, partition: "string", status: "string"},
		"no channel": {
			answers: chosen, partitions: success(partitions), program: success(program), channel: denied, partition: both, status: "string",
		},
		"no partitions": {
			answers: chosen, partitions: success(""), program: success(""), channel: success(""), partition: "string", status: "string",
		},
		"unavailable": {answers: chosen, partitions: broken, program: broken, channel: broken, partition: "string", status: "string"},
		"not a program's ID": {
			answers: map[string]string{"program_id": "1/2"}, partitions: success(partitions), program: denied, channel: denied,
			partition: both, status: "string",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(func(r actiontest.Recorded) actiontest.Reply {
				switch r.Path {
				case "/rest/asset/v1/program/1107.json":
					return tt.program
				case "/rest/asset/v1/channel/byName.json":
					if r.Query.Get("name") != "Online & Live" {
						return denied
					}
					return tt.channel
				}
				return mkto(map[string]func(actiontest.Recorded) actiontest.Reply{"leads/partitions.json": always(tt.partitions)})(r)
			})
			got := fields(t, d, params(), tt.answers)
			if diff := cmp.Diff([]string{tt.partition, tt.status}, []string{got["partition"], got["program_status"]}); diff != "" {
				t.Errorf("partition and status (-want +got):\n%s", diff)
			}
		})
	}
}
