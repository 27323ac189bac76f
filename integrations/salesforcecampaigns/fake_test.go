package salesforcecampaigns_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"integrationhub.dev/hub/action/actiontest"
)

// crm is an org with one campaign. As in Salesforce, a member whose status the campaign lacks gets the default one,
// without an error.
type crm struct {
	// statuses are those of the campaign. The first one is the default.
	statuses []string
	members  []crmMember
	// refused are contacts and members that Salesforce rejects, by their IDs, and locked those that it rejects once.
	refused, locked []string
	// keepsStatuses accepts a new status without storing it.
	keepsStatuses bool
}

type crmMember struct {
	ID        string `json:"Id"`
	ContactID string `json:"ContactId"`
	LeadID    string `json:"LeadId"`
	Status    string `json:"-"`
}

// memberID returns the ID of a campaign member.
func memberID(i int) string { return fmt.Sprintf("00v%012dAAA", i) }

const data = "/services/data/v66.0/"

func (c *crm) handle(r actiontest.Recorded) actiontest.Reply {
	query := r.Query.Get("q")
	switch {
	case r.Path == data+"sobjects/Campaign":
		return actiontest.Reply{Status: 201, Body: `{"id":"` + campaign + `","success":true,"errors":[]}`}
	case r.Path == data+"sobjects/CampaignMemberStatus":
		return c.createStatus(r.Body)
	case r.Path == data+"composite/sobjects" && r.Method == http.MethodDelete:
		return c.remove(strings.Split(r.Query.Get("ids"), ","))
	case r.Path == data+"composite/sobjects":
		return c.add(records(r.Body))
	case strings.Contains(query, "FROM CampaignMemberStatus WHERE CampaignId = '"+campaign+"'"):
		return list(c.statuses, func(n int, label string) any { return map[string]any{"Label": label, "SortOrder": n + 1} })
	case strings.Contains(query, "FROM CampaignMember WHERE CampaignId = '"+campaign+"'"):
		return list(c.members, func(_ int, m crmMember) any { return m })
	}
	return actiontest.Reply{Status: 404, Body: `[{"errorCode":"NOT_FOUND","message":"Not found."}]`}
}

func list[T any](all []T, record func(int, T) any) actiontest.Reply {
	records := []any{}
	for n, item := range all {
		records = append(records, record(n, item))
	}
	return actiontest.Reply{Body: encode(map[string]any{"totalSize": len(all), "done": true, "records": records})}
}

func encode(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func (c *crm) createStatus(body []byte) actiontest.Reply {
	var s struct {
		CampaignID string `json:"CampaignId"`
		Label      string
		SortOrder  int
	}
	if err := json.Unmarshal(body, &s); err != nil || s.CampaignID != campaign || s.Label == "" || s.SortOrder != len(c.statuses)+1 {
		return actiontest.Reply{Status: 400, Body: `[{"errorCode":"INVALID_FIELD","message":"Invalid status."}]`}
	}
	if slices.Contains(c.refused, s.Label) {
		return actiontest.Reply{Status: 403, Body: `[{"errorCode":"INSUFFICIENT_ACCESS","message":"No."}]`}
	}
	if !c.keepsStatuses {
		c.statuses = append(c.statuses, s.Label)
	}
	return actiontest.Reply{Status: 201, Body: `{"id":"01Y000000000001AAA","success":true,"errors":[]}`}
}

type result struct {
	ID      string   `json:"id,omitempty"`
	Success bool     `json:"success"`
	Errors  []reason `json:"errors"`
}

type reason struct {
	Code    string `json:"statusCode"`
	Message string `json:"message"`
}

func rejection(code, message string) result { return result{Errors: []reason{{code, message}}} }

// refuse returns a rejection of a record, if there is one.
func (c *crm) refuse(id string) (result, bool) {
	switch {
	case slices.Contains(c.refused, id):
		return rejection("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access"), true
	case slices.Contains(c.locked, id):
		c.locked = slices.DeleteFunc(c.locked, func(other string) bool { return other == id })
		return rejection("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access"), true
	}
	return result{}, false
}

func (c *crm) add(all []record) actiontest.Reply {
	var results []result
	for _, r := range all {
		id := r.ContactID + r.LeadID
		res, refused := c.refuse(id)
		switch {
		case refused:
		case slices.ContainsFunc(c.members, func(m crmMember) bool { return short(id) == short(m.ContactID) || short(id) == short(m.LeadID) }):
			res = rejection("DUPLICATE_VALUE", "Already a campaign member.")
		default:
			status := r.Status
			if !slices.Contains(c.statuses, status) {
				status = c.statuses[0]
			}
			m := crmMember{ID: memberID(1000 + len(c.members)), ContactID: r.ContactID, LeadID: r.LeadID, Status: status}
			c.members = append(c.members, m)
			res = result{ID: m.ID, Success: true}
		}
		results = append(results, res)
	}
	return actiontest.Reply{Body: encode(results)}
}

func (c *crm) remove(ids []string) actiontest.Reply {
	var results []result
	for _, id := range ids {
		res, refused := c.refuse(id)
		before := len(c.members)
		if !refused {
			c.members = slices.DeleteFunc(c.members, func(m crmMember) bool { return m.ID == id })
			res = result{ID: id, Success: true}
			if len(c.members) == before {
				res = rejection("ENTITY_IS_DELETED", "entity is deleted")
			}
		}
		results = append(results, res)
	}
	return actiontest.Reply{Body: encode(results)}
}

// with gives the campaign members whose contacts have these numbers.
func (c *crm) with(numbers ...int) *crm {
	for _, n := range numbers {
		c.members = append(c.members, crmMember{ID: memberID(n), ContactID: contact(n) + "AAA", Status: "Sent"})
	}
	return c
}

// short is an ID without its checksum.
func short(id string) string { return id[:min(len(id), 15)] }

// contacts lists the numbers of the members' contacts.
func (c *crm) contacts() []string {
	var all []string
	for _, m := range c.members {
		if m.ContactID == "" {
			continue
		}
		all = append(all, strings.TrimLeft(m.ContactID[3:14], "0")+m.ContactID[14:15])
	}
	slices.Sort(all)
	return all
}
