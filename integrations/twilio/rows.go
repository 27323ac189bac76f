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
	// maxLines is the maximum number of lines of data in a message, including the header.
	maxLines = 10
	// maxRead is the maximum size of the data in a message, at three bytes for a UTF-16 unit.
	maxRead = 3 * twilio.MaxMessage
)

// message returns the title, the link, and as many of the first lines of data as fit. A first line
// that is too long is cut.
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
