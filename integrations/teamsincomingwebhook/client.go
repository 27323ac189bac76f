package teamsincomingwebhook

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/webhook"
)

const name = "Teams"

// connectors are the domains of connectors' webhook URLs.
var connectors = []string{"webhook.office.com", "outlook.office.com", "outlook.office365.com"}

// isConnector reports whether a webhook URL is a connector's and not a workflow's. One behind a
// gateway is recognized by its path.
func isConnector(u *url.URL) bool {
	return webhook.Within(u, connectors) || strings.Contains(u.Path, "/IncomingWebhook/")
}

// isOldWorkflow reports whether a webhook URL is one that Power Automate has replaced by one below
// environment.api.powerplatform.com. Azure Logic Apps still has such URLs.
func isOldWorkflow(u *url.URL) bool { return webhook.Within(u, []string{"logic.azure.com"}) }

// post posts a card in the format of its webhook.
func (i *Integration) post(ctx context.Context, webhookURL *url.URL, c card) error {
	connector := isConnector(webhookURL)
	text, err := c.encode(connector)
	if err != nil {
		return err
	}
	body := outbound.Bytes("application/json; charset=utf-8", text)
	once := deliver.Once{MaybeDeliveredHint: "The card may already have been posted. Check before retrying."}
	err = once.Do(ctx, func(ctx context.Context) error {
		if !connector {
			return i.api(explainWorkflow).Call(ctx, http.MethodPost, webhookURL.String(), body, nil)
		}
		var response []byte
		if err := i.api(explainConnector).Call(ctx, http.MethodPost, webhookURL.String(), body, &response); err != nil {
			return err
		}
		return checkConnectorResponse(response)
	})
	return withNewURL(err, webhookURL)
}

func (i *Integration) api(explain func(*action.Error, *outbound.StatusError) error) outbound.API {
	return outbound.API{Name: name, Client: i.http, Timeout: time.Minute, Explain: explain}
}

// innerStatus is how a connector reports, with status 200, that Teams rejected a card.
var innerStatus = regexp.MustCompile(`HTTP error ([45][0-9]{2})\b`)

// checkConnectorResponse reads a connector's response: "1", or what went wrong. Its text is not
// shown, because any user could enter an internal URL and read its response.
func checkConnectorResponse(response []byte) error {
	if string(bytes.TrimSpace(response)) == "1" {
		return nil
	}
	found := innerStatus.FindSubmatch(response)
	if found == nil {
		return action.Errorf(action.Invalid, "The webhook did not confirm the card.")
	}
	code, err := strconv.Atoi(string(found[1]))
	if err != nil {
		return fmt.Errorf("reading a connector's response: %w", err)
	}
	status := &outbound.StatusError{Code: code}
	return explainConnector(action.Wrap(status, action.KindOfStatus(code), "Teams returned %d %s.", code, http.StatusText(code)), status)
}

// card is the message. title and text can contain the Markdown that Teams supports.
type card struct {
	title, text, link string
	facts             []fact
	content           content
}

type fact struct{ name, value string }

// maxCard is the maximum size of a message in bytes (https://learn.microsoft.com/microsoftteams/limits-specifications-teams).
// A workflow accepts a larger one and then fails without an error response.
const maxCard = 28 << 10

// size is the size of a message as Teams counts. For 24,453 bytes it said: "Actual message properties size: 28897 bytes, whereas
// max allowed size is 28672 bytes" (https://github.com/MicrosoftDocs/msteams-docs/issues/11274). That fits a card that is kept as
// a text in JSON, where quotation marks and backslashes are escaped.
func size(message []byte) int {
	return len(message) + bytes.Count(message, []byte(`"`)) + bytes.Count(message, []byte(`\`))
}

// encode returns the JSON of a card for a connector or a workflow. A card for a workflow contains as many
// rows as fit.
func (c card) encode(connector bool) ([]byte, error) {
	if connector {
		return marshal(c.messageCard())
	}
	whole := c.content
	for rows := len(whole.rows); rows >= 0; rows-- {
		c.content = whole.first(rows)
		body, err := marshal(c.message())
		if action.KindOf(err) != action.TooLarge {
			return body, err
		}
	}
	c.content = content{}
	if whole.image != "" {
		c.content.note = imageTooLarge
	}
	return marshal(c.message())
}

// marshal returns JSON that is not too large for Teams. It does not escape HTML, which would make the JSON
// larger.
func marshal(v any) ([]byte, error) {
	var body bytes.Buffer
	e := json.NewEncoder(&body)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("encoding a card: %w", err)
	}
	if size(body.Bytes()) > maxCard {
		return nil, action.Errorf(action.TooLarge, "The card exceeds Teams' limit of %d KB. Shorten its text.", maxCard>>10)
	}
	return body.Bytes(), nil
}

// paragraphs makes each line a paragraph, because Markdown would join the lines.
func paragraphs(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\n", "\n\n")
}

type object = map[string]any

// message returns the card for a workflow: a message with an Adaptive Card
// (https://adaptivecards.io/explorer/). Its version is 1.2, which every client supports, or 1.4 if it has a
// table. A table is an element of 1.5, but Microsoft's renderer (adaptivecards 3.0.5) reads it in older cards, too. In place of
// a card of 1.5 that a workflow posts, Teams says: "We're sorry, this card couldn't be displayed"
// (https://github.com/MicrosoftDocs/msteams-docs/issues/9801, https://github.com/microsoft/AdaptiveCards/issues/8965).
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
		version = "1.4"
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

// messageCard returns the card for a connector
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
