// Package message holds what integrations share that send messages: placeholders in texts, plain
// text of other parties, recipients, file attachments and previews of a result.
package message

import (
	"mime"

	"integrationhub.dev/hub/action"
)

const unknown = "application/octet-stream"

// MediaType returns the data's content type for use in a header. If it is unknown or not valid in
// a header, it is application/octet-stream (RFC 2046, section 4.5.1).
func MediaType(data action.Data) string {
	t, _, err := mime.ParseMediaType(data.MIME())
	if err != nil || mime.FormatMediaType(t, nil) == "" {
		return unknown
	}
	return t
}
