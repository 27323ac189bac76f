// Package attachment is what integrations share that send the data as a file of a message.
package attachment

import (
	"mime"

	"integrationhub.dev/hub/action"
)

const unknown = "application/octet-stream"

// MediaType is the data's content type, fit for a header: one that is not, or that is not
// known, becomes application/octet-stream (RFC 2046, section 4.5.1).
func MediaType(data action.Data) string {
	t, _, err := mime.ParseMediaType(data.MIME())
	if err != nil || mime.FormatMediaType(t, nil) == "" {
		return unknown
	}
	return t
}
