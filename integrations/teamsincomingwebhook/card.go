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
	content           content
}

type fact struct{ name, value string }

// maxCard is the size of the largest message that webhooks of Teams take
// (https://learn.microsoft.com/microsoftteams/limits-specifications-teams). A workflow accepts
// a larger one and then fails with it, which nobody is told.
const maxCard = 28 << 10

// encode makes the JSON text of a card for a connector, or of one for a workflow with as much
// of the content as there is room for.
func (c card) encode(connector bool) ([]byte, error) {
	if connector {
		return within(c.messageCard())
	}
	whole := c.content
	for rows := len(whole.rows); rows >= 0; rows-- {
		c.content = whole.first(rows)
		body, err := within(c.message())
		if action.KindOf(err) != action.TooLarge {
			return body, err
		}
	}
	c.content = content{}
	if whole.image != "" {
		c.content.note = imageTooLarge
	}
	return within(c.message())
}

// within makes JSON text that Teams takes, without the escapes for HTML that would make it
// larger.
func within(v any) ([]byte, error) {
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
// (https://adaptivecards.io/explorer/). Its version is 1.2, which every client shows, but for
// a table, which is of 1.5.
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
	body = append(body, c.content.elements(c.title)...)
	version := "1.2"
	if len(c.content.rows) > 0 {
		version = "1.5"
	}
	return object{
		"type": "message",
		"attachments": []object{{
			"contentType": "application/vnd.microsoft.card.adaptive",
			"content": object{
				"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": version,
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
