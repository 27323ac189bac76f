package teamsincomingwebhook

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"integrationhub.dev/hub/action"
)

// card is what is posted. title and text may hold Markdown, as far as Teams knows it.
type card struct {
	title, text, link string
	facts             []fact
}

type fact struct{ name, value string }

// maxCard is the size of the largest message that webhooks of Teams take
// (https://learn.microsoft.com/microsoftteams/limits-specifications-teams). A workflow accepts
// a larger one and then fails with it, which nobody is told.
const maxCard = 28 << 10

// encode makes a card's JSON text, without the escapes for HTML that would make it larger.
func encode(v any) ([]byte, error) {
	var body bytes.Buffer
	e := json.NewEncoder(&body)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("encoding a card: %w", err)
	}
	if body.Len() > maxCard {
		return nil, action.Errorf(action.TooLarge, "The card is too large for Teams, which takes %d KB: shorten its text.", maxCard>>10)
	}
	return body.Bytes(), nil
}

// paragraphs makes each line one of its own, since Markdown would join them.
func paragraphs(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\n", "\n\n")
}

type object = map[string]any

// message is the card for a workflow: a message with an Adaptive Card
// (https://adaptivecards.io/explorer/, version 1.2, the newest that every client shows).
func (c card) message() object {
	body := []object{{"type": "TextBlock", "text": c.title, "size": "large", "weight": "bolder", "wrap": true}}
	if c.text != "" {
		body = append(body, object{"type": "TextBlock", "text": paragraphs(c.text), "wrap": true})
	}
	if len(c.facts) > 0 {
		set := make([]object, len(c.facts))
		for n, f := range c.facts {
			set[n] = object{"title": f.name, "value": f.value}
		}
		body = append(body, object{"type": "FactSet", "facts": set})
	}
	return object{
		"type": "message",
		"attachments": []object{{
			"contentType": "application/vnd.microsoft.card.adaptive",
			"content": object{
				"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.2",
				"msteams": object{"width": "Full"},
				"body":    body,
				"actions": []object{{"type": "Action.OpenUrl", "title": "View in Looker", "url": c.link}},
			},
		}},
	}
}

// messageCard is the card for a connector
// (https://learn.microsoft.com/outlook/actionable-messages/message-card-reference).
func (c card) messageCard() object {
	sections := []object{}
	if len(c.facts) > 0 {
		set := make([]object, len(c.facts))
		for n, f := range c.facts {
			set[n] = object{"name": f.name + " :", "value": f.value}
		}
		sections = append(sections, object{"facts": set})
	}
	return object{
		"@type": "MessageCard", "@context": "http://schema.org/extensions", "themeColor": "5035b4", "summary": "Looker Reports",
		"title": c.title, "text": paragraphs(c.text), "sections": sections,
		"potentialAction": []object{{
			"@type": "OpenUri", "name": "View in Looker", "targets": []object{{"os": "default", "uri": c.link}},
		}},
	}
}
