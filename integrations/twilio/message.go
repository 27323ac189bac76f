package twilio

import (
	"context"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/twilio"
)

const (
	// maxLines is how many lines of the data a message has, that of the columns' names included.
	maxLines = 10
	// maxRead is the most data that a message can hold, at three bytes for a UTF-16 unit.
	maxRead = 3 * twilio.MaxMessage
)

// message is what is sent: the title, the link and the first lines of the data, as many as
// fit. Of a first line that does not fit, its beginning.
func message(ctx context.Context, req *action.Request) (string, error) {
	lines, err := firstLines(ctx, req.Data)
	if err != nil {
		return "", err
	}
	var head strings.Builder
	if req.Plan.Title != "" {
		head.WriteString(req.Plan.Title + ":\n")
	}
	if req.Plan.URL != "" {
		head.WriteString(req.Plan.URL + "\n")
	}
	room := twilio.MaxMessage - len(utf16.Encode([]rune(head.String())))
	if room <= 0 {
		return twilio.Cut(head.String(), twilio.MaxMessage), nil
	}
	return head.String() + twilio.Cut(lines, room), nil
}

func firstLines(ctx context.Context, data action.Data) (string, error) {
	r, err := data.Open(ctx)
	if err != nil {
		return "", err
	}
	defer r.Close()
	text, err := io.ReadAll(io.LimitReader(r, maxRead))
	if err != nil {
		return "", fmt.Errorf("reading the data: %w", err)
	}
	var lines strings.Builder
	n := 0
	for line := range strings.Lines(strings.ToValidUTF8(string(text), "\uFFFD")) {
		if n++; n > maxLines {
			break
		}
		lines.WriteString(line)
	}
	return lines.String(), nil
}
