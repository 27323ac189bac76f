// Package statustext prepares texts for conditions and events, which are bounded, and must not change
// while their cause stays the same.
package statustext

import (
	"regexp"
	"strings"
)

// localAddress is the near end of a connection as [net.OpError] formats it. Its port changes with
// every attempt, and a condition would never settle.
var localAddress = regexp.MustCompile(`\S+:\d+->`)

// WithoutLocalAddress removes the near ends of connections.
func WithoutLocalAddress(text string) string { return localAddress.ReplaceAllString(text, "") }

// Truncate limits a text to maxBytes.
func Truncate(text string, maxBytes int) string {
	if len(text) <= maxBytes {
		return text
	}
	const mark = "…"
	return strings.ToValidUTF8(text[:maxBytes-len(mark)], "") + mark
}
