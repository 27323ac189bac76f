package googlechat

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/message"
)

// maxMessage is the maximum size of a message in bytes
// (https://developers.google.com/workspace/chat/api/reference/rest/v1/spaces.messages/create).
const maxMessage = 32_000

// rows is the number of rows to show, which can be 0.
type rows struct{ asked *int }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (r *rows) UnmarshalText(text []byte) error {
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 0 || n > maxRows {
		return errors.New("must be a number from 0 to " + strconv.Itoa(maxRows))
	}
	r.asked = &n
	return nil
}

func (r rows) count() int {
	if r.asked == nil {
		return defaultRows
	}
	return *r.asked
}

// encodeMessage returns the JSON of a message with as many rows as fit.
func encodeMessage(text, thread string, plan action.Plan, first message.Preview) ([]byte, error) {
	head := heading(plan)
	if text = strings.TrimSpace(text); text != "" {
		head += text + "\n"
	}
	for n := len(first.Rows); n >= 0; n-- {
		body, err := encode(thread, head+"```\n"+first.Text(n)+"```")
		if err != nil || len(body) <= maxMessage {
			return body, err
		}
	}
	// Even the titles can be too long.
	body, err := encode(thread, head+fmt.Sprintf("%d rows, too wide to show", first.Total))
	if err != nil || len(body) <= maxMessage {
		return body, err
	}
	return nil, action.InvalidField("text", "The message exceeds Google Chat's limit of %d bytes. Shorten its text.", maxMessage)
}

// heading returns the plan's title and link
// (https://developers.google.com/workspace/chat/format-messages).
func heading(plan action.Plan) string {
	// Characters that format the title or mention a user are removed.
	title := strings.NewReplacer("*", "", "_", " ", "~", "", "`", "'", "<", "", ">", "").Replace(action.Line(plan.Title))
	head := ""
	if title = strings.TrimSpace(title); title != "" {
		head = "*" + title + "*\n"
	}
	if link := message.Link(plan.URL); link != "" {
		head += "<" + link + "|View in Looker>\n"
	}
	return head
}

// encode does not escape HTML, which would make the JSON larger.
func encode(thread, text string) ([]byte, error) {
	content := map[string]any{"text": text}
	if thread != "" {
		content["thread"] = map[string]string{"threadKey": thread}
	}
	var body bytes.Buffer
	e := json.NewEncoder(&body)
	e.SetEscapeHTML(false)
	if err := e.Encode(content); err != nil {
		return nil, fmt.Errorf("encoding a message: %w", err)
	}
	return bytes.TrimSpace(body.Bytes()), nil
}
