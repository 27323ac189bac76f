package marketo_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action/actiontest"
)

const statusPath = "programs/1044/members/status.json"

// membership sets statuses, but skips some leads. A skipped lead has no ID in its result, as in
// https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/program-members.
func membership(skips map[int]string) func(actiontest.Recorded) actiontest.Reply {
	return func(r actiontest.Recorded) actiontest.Reply {
		var call struct {
			Input []struct {
				ID int `json:"leadId"`
			} `json:"input"`
		}
		if err := json.Unmarshal(r.Body, &call); err != nil {
			return failure("609", "Invalid JSON")
		}
		results := make([]string, len(call.Input))
		for i, l := range call.Input {
			results[i] = fmt.Sprintf(`{"seq":%d,"status":"updated","leadId":%d}`, i, l.ID)
			if reason := skips[l.ID]; reason != "" {
				results[i] = fmt.Sprintf(`{"seq":%d,"status":"skipped","reasons":[%s]}`, i, reason)
			}
		}
		return success(strings.Join(results, ","))
	}
}

func withProgram(form map[string]string) map[string]string {
	form["program_id"], form["program_status"] = " 1044", "Influenced "
	return form
}

func TestProgramStatus(t *testing.T) {
	t.Parallel()
	const past = `{"code":"1037","message":"Lead skipped because it is already in or past this status"}`
	const unset = " Leads were updated, but their status in program 1044 was not set: "
	for name, tt := range map[string]struct {
		reply   func(actiontest.Recorded) actiontest.Reply
		message string
		// listed are the leads that were then added to the list.
		listed []string
	}{
		"set":             {membership(nil), "3 leads updated.", []string{"1", "2", "3"}},
		"past the status": {membership(map[int]string{2: past}), "3 leads updated.", []string{"1", "2", "3"}},
		"a lead that is gone": {
			membership(map[int]string{2: `{"code":"1004","message":"Lead not found"}`}),
			"2 of 3 leads delivered, 1 rejected." + unset + "Marketo reported: Lead not found (1004) (first: lead 2).",
			[]string{"1", "3"},
		},
		"no such status": {
			membership(map[int]string{1: `{"code":"1025","message":"Program status not found"}`}),
			"0 of 3 leads delivered, 3 failed." + unset + "Marketo reported: Program status not found (1025).", nil,
		},
		"no such program": {
			always(failure("1013", "Program not found")),
			"0 of 3 leads delivered, 3 failed." + unset + "Marketo reported: Program not found (1013).", nil,
		},
		"a result out of range": {
			always(success(`{"seq":0,"status":"created","leadId":1},{"seq":7,"status":"created","leadId":2},{"status":"created","leadId":3}`)),
			"1 of 3 leads delivered, 2 failed." + unset + "Marketo did not confirm every lead.",
			[]string{"1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(mkto(map[string]func(actiontest.Recorded) actiontest.Reply{
				statusPath: tt.reply,
			}))
			if got := execute(t, d, query(t, withProgram(answers("addList", "9")), people("a", "b", "c"))); got != tt.message {
				t.Errorf("message %q, want %q", got, tt.message)
			}
			var listed []string
			for _, r := range d.Requests() {
				switch r.Path {
				case rest + "lists/9/leads.json":
					listed = append(listed, ids(r)...)
				case rest + statusPath:
					const want = `{"input":[{"leadId":1},{"leadId":2},{"leadId":3}],"statusName":"Influenced"}`
					if r.Method != http.MethodPost || string(r.Body) != want {
						t.Errorf("%s %s, want %s", r.Method, r.Body, want)
					}
				}
			}
			if diff := cmp.Diff(tt.listed, listed); diff != "" {
				t.Errorf("on the list (-want +got):\n%s", diff)
			}
		})
	}
}

func TestInvalidProgram(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ program, status, message string }{
		"no status":  {"5", "", "Enter the status that leads get in the program."},
		"no program": {"", "Sent", "Enter the ID of the program in which leads get the status."},
		"a path":     {"5/../6", "Sent", "Enter the numeric ID of a program."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			form := answers("none", "")
			form["program_id"], form["program_status"] = tt.program, tt.status
			if got := execute(t, nil, query(t, form, people("a"))); got != tt.message {
				t.Errorf("message %q, want %q", got, tt.message)
			}
		})
	}
}
