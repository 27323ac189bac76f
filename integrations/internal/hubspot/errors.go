package hubspot

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
)

// problem is how HubSpot says what is wrong, with a call or with a part of a batch
// (https://developers.hubspot.com/docs/api-reference/error-handling). Its texts can quote
// values, so they are not shown: categories and codes are.
type problem struct {
	Category string `json:"category"`
	Message  string `json:"message"`
	// Context holds lists of texts, among them the ids that the problem is about.
	Context map[string]json.RawMessage `json:"context"`
	// Policy is the limit that was reached, at 429.
	Policy string `json:"policyName"`
}

func (p problem) ids() []string {
	var ids []string
	_ = json.Unmarshal(p.Context["ids"], &ids) // another shape names nobody
	return ids
}

// fault is one property that was refused, in the list that HubSpot puts into its message.
type fault struct {
	Code     string `json:"error"`
	Property string `json:"name"`
}

// faults are the properties that the message speaks of.
func (p problem) faults() []fault {
	_, list, found := strings.Cut(p.Message, "Property values were not valid: ")
	if !found {
		return nil
	}
	var all []fault
	_ = json.Unmarshal([]byte(list), &all) // another shape names nothing
	return all
}

// hopeless are the codes of faults that every row has: it is the property that is wrong.
var hopeless = map[string]string{
	"PROPERTY_DOESNT_EXIST": "HubSpot has no %s property named %s. Hide the column, or give the LookML field the property's internal name.",
	"READ_ONLY_VALUE":       "HubSpot's %s property %s can only be read. Hide the column.",
}

// categoryUnknown is the category of problems with ids that HubSpot does not have.
const categoryUnknown = "OBJECT_NOT_FOUND"

// reasonFor is why the object with an id was not updated; "" is for one that HubSpot did not
// name.
func (c *client) reasonFor(p problem, id string) error {
	switch p.Category {
	case "RATE_LIMITS":
		return action.Wrap(errOutcomeUnknown, action.RateLimited, "HubSpot is rate limiting requests. Try again later.")
	case "INTERNAL_ERROR", "SERVICE_UNAVAILABLE", "":
		return action.Wrap(errOutcomeUnknown, action.Unavailable, "HubSpot failed to update a %s.", c.object.One)
	}
	if id == "" {
		return action.Errorf(action.Invalid, "%s", c.wording(p))
	}
	return c.rejections.Rejected(c.wording(p), c.object.One+" "+id)
}

// wording is a refusal in words.
func (c *client) wording(p problem) string {
	var told []string
	for _, f := range p.faults() {
		text := fmt.Sprintf("%s (%s)", identifier(f.Property), identifier(f.Code))
		if !slices.Contains(told, text) {
			told = append(told, text)
		}
	}
	switch {
	case len(told) > 0:
		return fmt.Sprintf("HubSpot rejected the value for %s.", strings.Join(told, ", "))
	case p.Category == categoryUnknown:
		return fmt.Sprintf("HubSpot has no %s with this ID.", c.object.One)
	case p.Category == "CONFLICT":
		return fmt.Sprintf("Another HubSpot %s has the same value of a unique property.", c.object.One)
	case p.Category != "":
		return fmt.Sprintf("HubSpot rejected the %s (%s).", c.object.One, identifier(p.Category))
	}
	return fmt.Sprintf("HubSpot rejected the %s.", c.object.One)
}

// explain says what HubSpot means by refusing a whole call.
func (c *client) explain(err *action.Error, status *outbound.StatusError, batch []update) error {
	var p problem
	_ = json.Unmarshal(status.Body, &p) // not every answer comes from HubSpot's own servers
	kind := err.Kind
	if p.Category == categoryUnknown {
		kind = action.Invalid // of rows, not of the address
	}
	switch {
	case kind == action.Unauthenticated:
		return deliver.Stop(action.Wrap(err, kind, "HubSpot rejected the access token. It must belong to an existing private app."))
	case kind == action.Forbidden:
		return deliver.Stop(action.Wrap(err, kind, "The access token may not update %s: the private app needs the scope %s.", c.object.Type, c.object.scope()))
	case kind == action.NotFound:
		return deliver.Stop(err)
	case kind == action.RateLimited && p.Policy == "DAILY":
		return deliver.Stop(action.Wrap(err, kind, "The HubSpot account's daily API limit is used up."))
	case status.Code == 423 || status.Code == 477: // locked, or being moved: both pass
		return action.Wrap(err, action.Unavailable, "The HubSpot account is locked (%d). Try again later.", status.Code)
	case kind != action.Invalid:
		return err
	}
	for _, f := range p.faults() {
		if text, ok := hopeless[f.Code]; ok {
			return deliver.Stop(action.Wrap(err, kind, text, c.object.One, identifier(f.Property)))
		}
	}
	if len(batch) > 1 {
		return action.Wrap(err, kind, "%s", c.wording(p))
	}
	refused := c.rejections.Rejected(c.wording(p), c.object.One+" "+batch[0].ID)
	refused.Err = err
	return refused
}

// identifier is a name or a code of HubSpot's, cut where it could be anything else.
func identifier(text string) string {
	const longest = 60
	end := strings.IndexFunc(text, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
	if end >= 0 {
		text = text[:end]
	}
	return text[:min(len(text), longest)]
}
