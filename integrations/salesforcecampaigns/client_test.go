package salesforcecampaigns_test

import (
	"maps"
	"strings"
	"testing"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
)

func deliverTo(t *testing.T, c *crm, form map[string]string, rows string) (*actiontest.Destination, *action.Response, error) {
	t.Helper()
	d := actiontest.NewDestination(t).Handle(c.handle)
	res, err := resolved(t, d, nil).Execute(t.Context(), actiontest.JSONDetail(t, request(form), rows))
	return d, res, err
}

func withStatus(form map[string]string, status string) map[string]string {
	form = maps.Clone(form)
	form["member_status"] = status
	return form
}

// Salesforce gives members with a status that the campaign lacks its default one, and reports a success. So the
// delivery must not send such members.
func TestStatusThatTheCampaignLacks(t *testing.T) {
	t.Parallel()
	c := &crm{statuses: []string{"Sent", "Responded"}}
	d, _, err := deliverTo(t, c, withStatus(appending(), "Attended"), contacts(3))
	const want = `The campaign has no member status "Attended". Choose one of its statuses in the form, or add it to the campaign in Salesforce.`
	if got := action.MessageOf(err); got != want || action.KindOf(err) != action.Invalid {
		t.Errorf("error %q, want %q", got, want)
	}
	if len(c.members) != 0 || len(d.Requests()) != 1 {
		t.Errorf("%d requests, and %d members, want no member: %+v", len(d.Requests()), len(c.members), c.members)
	}
}

// The status is sent as the campaign writes it.
func TestStatusInOtherCase(t *testing.T) {
	t.Parallel()
	c := &crm{statuses: []string{"Sent", "Responded"}}
	if _, _, err := deliverTo(t, c, withStatus(appending(), "responded "), contacts(2)); err != nil {
		t.Fatal(err)
	}
	for _, m := range c.members {
		if m.Status != "Responded" {
			t.Errorf("status %q, want Responded", m.Status)
		}
	}
}

// A new campaign gets the status that its members are to have.
func TestStatusOfNewCampaign(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status, want string
		creates      bool
	}{
		"none":       {"", "Sent", false},
		"a usual":    {"Responded", "Responded", false},
		"an unusual": {"Attended", "Attended", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &crm{statuses: []string{"Sent", "Responded"}}
			d, res, err := deliverTo(t, c, withStatus(creating(), tt.status), contacts(2))
			if err != nil || res.Message != "2 members added." {
				t.Fatalf("%+v, %v", res, err)
			}
			for _, m := range c.members {
				if m.Status != tt.want {
					t.Errorf("status %q, want %q", m.Status, tt.want)
				}
			}
			created := 0
			for _, r := range d.Requests() {
				if strings.HasSuffix(r.Path, "/CampaignMemberStatus") {
					created++
				}
			}
			if (created == 1) != tt.creates {
				t.Errorf("%d statuses created", created)
			}
		})
	}
}

// If a new campaign cannot get the status, its members are not sent.
func TestStatusIsNotCreated(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		crm     *crm
		message string
	}{
		"rejected": {
			&crm{statuses: []string{"Sent"}, refused: []string{"Attended"}},
			"Salesforce returned 403: No (INSUFFICIENT_ACCESS).",
		},
		"accepted, but not there": {
			&crm{statuses: []string{"Sent"}, keepsStatuses: true},
			`Salesforce did not create the member status "Attended": it gave no reason.`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := deliverTo(t, tt.crm, withStatus(creating(), "Attended"), contacts(2))
			want := "0 of 2 members delivered, 2 failed. " + tt.message + " The campaign was created. Append to it to send the rest."
			if got := action.MessageOf(err); got != want {
				t.Errorf("error %q, want %q", got, want)
			}
			if len(tt.crm.members) != 0 {
				t.Errorf("members %+v, want none", tt.crm.members)
			}
		})
	}
}

// A status whose creation got no answer is looked for, and not created again.
func TestStatusCreationIsInDoubt(t *testing.T) {
	t.Parallel()
	c := &crm{statuses: []string{"Sent"}}
	d := actiontest.NewDestination(t).Handle(func(r actiontest.Recorded) actiontest.Reply {
		reply := c.handle(r)
		reply.Reset = strings.HasSuffix(r.Path, "/CampaignMemberStatus")
		return reply
	})
	res, err := resolved(t, d, nil).Execute(t.Context(), actiontest.JSONDetail(t, request(withStatus(creating(), "Attended")), contacts(1)))
	if err != nil || res.Message != "1 members added." {
		t.Fatalf("%+v, %v", res, err)
	}
	if len(c.statuses) != 2 || c.members[0].Status != "Attended" {
		t.Errorf("statuses %q, members %+v", c.statuses, c.members)
	}
}
