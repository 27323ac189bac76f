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

// problem is an error of a call or of a part of a batch
// (https://developers.hubspot.com/docs/api-reference/error-handling). Messages can quote values, so only
// categories and codes are shown.
type problem struct {
	Category string `json:"category"`
	Message  string `json:"message"`
	// Context has lists of strings, such as the IDs that the problem is about.
	Context map[string]json.RawMessage `json:"context"`
	// Policy is the limit that was exceeded, with status 429.
	Policy string `json:"policyName"`
}

// keys are the IDs and traces of the updates that the problem is about.
func (p problem) keys() []string {
	var keys, traces []string
	_ = json.Unmarshal(p.Context["ids"], &keys) // any other value has no IDs
	_ = json.Unmarshal(p.Context["objectWriteTraceId"], &traces)
	for _, t := range traces {
		keys = append(keys, traceKey(t))
	}
	return keys
}

// propertyError is a rejected property, in the list within HubSpot's message.
type propertyError struct {
	Code     string `json:"error"`
	Property string `json:"name"`
}

// rejected returns the rejected properties in the message.
func (p problem) rejected() []propertyError {
	_, list, found := strings.Cut(p.Message, "Property values were not valid: ")
	if !found {
		return nil
	}
	var all []propertyError
	_ = json.Unmarshal([]byte(list), &all) // any other text has no properties
	return all
}

// fatal are the codes that apply to a property in every row.
var fatal = map[string]string{
	"PROPERTY_DOESNT_EXIST": "HubSpot has no %s property named %s. Hide the column, or give the LookML field the property's internal name.",
	"READ_ONLY_VALUE":       "HubSpot's %s property %s can only be read. Hide the column.",
}

// categoryUnknown is the category for unknown record IDs.
const categoryUnknown = "OBJECT_NOT_FOUND"

// rowName names the row of an update. An email address is personal, so it is not shown.
func (c *client) rowName(u update) string {
	if c.property != "" {
		return fmt.Sprintf("row %d", u.row)
	}
	return c.object.One + " " + u.ID
}

// reasonFor returns why a record was not updated. u is nil if the response does not name it.
func (c *client) reasonFor(p problem, u *update) error {
	switch p.Category {
	case "RATE_LIMITS":
		return action.Wrap(errOutcomeUnknown, action.RateLimited, "HubSpot is rate limiting requests. Try again later.")
	case "INTERNAL_ERROR", "SERVICE_UNAVAILABLE", "":
		return action.Wrap(errOutcomeUnknown, action.Unavailable, "HubSpot failed to update a %s.", c.object.One)
	}
	if u == nil {
		return action.Errorf(action.Invalid, "%s", c.describe(p))
	}
	return c.rejections.Rejected(c.describe(p), c.rowName(*u))
}

// describe returns a problem as a sentence.
func (c *client) describe(p problem) string {
	var properties []string
	for _, e := range p.rejected() {
		text := fmt.Sprintf("%s (%s)", identifier(e.Property), identifier(e.Code))
		if !slices.Contains(properties, text) {
			properties = append(properties, text)
		}
	}
	switch {
	case len(properties) > 0:
		return fmt.Sprintf("HubSpot rejected the value for %s.", strings.Join(properties, ", "))
	case p.Category == categoryUnknown:
		return fmt.Sprintf("HubSpot has no %s with this ID.", c.object.One)
	case p.Category == "CONFLICT":
		return fmt.Sprintf("Another HubSpot %s has the same value of a unique property.", c.object.One)
	case p.Category != "":
		return fmt.Sprintf("HubSpot rejected the %s (%s).", c.object.One, identifier(p.Category))
	}
	return fmt.Sprintf("HubSpot rejected the %s.", c.object.One)
}

// explain explains why a call failed that is not about rows.
func (c *client) explain(err *action.Error, status *outbound.StatusError) error {
	var p problem
	_ = json.Unmarshal(status.Body, &p) // other bodies do not come from the API
	kind := err.Kind
	switch {
	case kind == action.Unauthenticated:
		return deliver.Stop(action.Wrap(err, kind, "HubSpot rejected the access token. It must be a service key, or the access token "+
			"of an existing private app."))
	case kind == action.Forbidden:
		return deliver.Stop(action.Wrap(err, kind, "The access token cannot update %s: it needs the scope %s.",
			c.object.Type, c.object.scope()))
	case kind == action.NotFound:
		return deliver.Stop(err)
	case kind == action.RateLimited && p.Policy == "DAILY":
		return deliver.Stop(action.Wrap(err, kind, "The HubSpot account's daily API limit is used up."))
	case status.Code == 423 || status.Code == 477: // locked or being migrated, both temporary
		return action.Wrap(err, action.Unavailable, "The HubSpot account is locked (%d). Try again later.", status.Code)
	}
	return err
}

// explainBatch explains why a call with a batch failed.
func (c *client) explainBatch(err *action.Error, status *outbound.StatusError, batch []update) error {
	var p problem
	_ = json.Unmarshal(status.Body, &p) // other bodies do not come from the API
	kind := err.Kind
	if p.Category == categoryUnknown {
		kind = action.Invalid // about rows, not about the URL
	}
	if kind != action.Invalid || status.Code == 423 || status.Code == 477 {
		return c.explain(err, status)
	}
	if strings.Contains(p.Message, "non-unique") {
		return deliver.Stop(action.Wrap(err, kind, "HubSpot matches %s only by properties with unique values, which %s is not.",
			c.object.Type, identifier(c.property)))
	}
	for _, e := range p.rejected() {
		if text, ok := fatal[e.Code]; ok {
			return deliver.Stop(action.Wrap(err, kind, text, c.object.One, identifier(e.Property)))
		}
	}
	if len(batch) > 1 {
		return action.Wrap(err, kind, "%s", c.describe(p))
	}
	rejected := c.rejections.Rejected(c.describe(p), c.rowName(batch[0]))
	rejected.Err = err
	return rejected
}

// identifier returns the beginning of a name or code up to the first character that neither can have.
func identifier(text string) string {
	const maxLength = 60
	end := strings.IndexFunc(text, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
	if end >= 0 {
		text = text[:end]
	}
	return text[:min(len(text), maxLength)]
}
