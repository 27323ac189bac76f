package twilio

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/message"
	"integrationhub.dev/integrations/internal/pasted"
)

// Template is a content template with the values of its variables. WhatsApp accepts free text only within 24 hours after the
// recipient's last message (https://www.twilio.com/docs/api/errors/63016).
type Template struct {
	SID       ContentSID
	Variables Variables
}

// ContentSID is the ID of a content template (https://www.twilio.com/docs/content).
type ContentSID string

var contentSID = regexp.MustCompile(`^HX[0-9a-fA-F]{32}$`)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *ContentSID) UnmarshalText(text []byte) error {
	sid := pasted.Token(string(text))
	if !contentSID.MatchString(sid) {
		return errors.New("must be HX and 32 digits, as Twilio's Content Template Builder shows it")
	}
	*s = ContentSID(sid)
	return nil
}

// Variables are the values of a template's variables.
type Variables map[string]string

var typographicQuotes = strings.NewReplacer("“", `"`, "”", `"`, "„", `"`)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (v *Variables) UnmarshalText(text []byte) error {
	for _, form := range []string{string(text), typographicQuotes.Replace(string(text))} {
		var given map[string]string
		if json.Unmarshal([]byte(form), &given) == nil && complete(given) {
			*v = given
			return nil
		}
	}
	return errors.New(`must be a JSON object with a text for each variable, such as {"1": "{title}", "2": "{link}"}`)
}

// complete reports whether each variable has a value, which Twilio requires
// (https://www.twilio.com/docs/api/errors/21656).
func complete(variables map[string]string) bool {
	for _, value := range variables {
		if strings.TrimSpace(value) == "" {
			return false
		}
	}
	return variables != nil
}

// TemplateFields are the form's fields for a template. The placeholders are those that an integration has in addition to
// {title}, {link} and {date}.
func TemplateFields(placeholders ...string) []action.Field {
	all := strings.Join(append([]string{"{title}", "{link}", "{date}"}, placeholders...), ", ")
	return []action.Field{
		{
			Name: "content_sid", Label: "Content SID", Type: action.String,
			Description: "To send a content template (HX…) instead of the text. WhatsApp requires one, unless the recipient wrote in the " +
				"last 24 hours.",
		},
		{
			Name: "content_variables", Label: "Content Variables", Type: action.Textarea,
			Description: `The template's variables as JSON, such as {"1": "{title}", "2": "{link}"}. Placeholders: ` + all + ".",
		},
	}
}

// Fill returns the template with its placeholders replaced. A variable has one line: WhatsApp rejects others.
func (t Template) Fill(plan action.Plan, now time.Time, more ...string) Template {
	filled := Template{SID: t.SID}
	for name, value := range t.Variables {
		if filled.Variables == nil {
			filled.Variables = Variables{}
		}
		value = strings.NewReplacer(more...).Replace(message.Expand(value, plan, now))
		filled.Variables[name] = strings.Join(strings.Fields(value), " ")
	}
	return filled
}

// Validate checks that variables have a template.
func (t Template) Validate() error {
	if t.SID == "" && len(t.Variables) > 0 {
		return action.InvalidField("content_sid", "Content variables need a content SID.")
	}
	return nil
}
