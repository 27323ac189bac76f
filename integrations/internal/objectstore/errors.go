package objectstore

import (
	"cmp"
	"net/http"
	"strings"

	"integrationhub.dev/hub/action"
)

// StatusError is the error for a response whose code has no explanation of its own. detail is for the
// log. Only for an invalid request does the code say more than the status.
func StatusError(detail error, destination string, status int, code string) error {
	if status < http.StatusBadRequest {
		return action.Wrap(detail, action.Unavailable, "Unexpected response from %s.", destination)
	}
	kind, text := action.KindOfStatus(status), http.StatusText(status)
	if kind == action.Invalid {
		text = cmp.Or(code, text)
	}
	return action.Wrap(detail, kind, "%s returned %d %s.", destination, status, text)
}

// MaybeWritten adds to the error of a repeated request that the first one may have written the object.
func MaybeWritten(err error) error {
	return action.Wrap(err, action.Unavailable, "%s It may be from this delivery. Check before retrying.", action.MessageOf(err))
}

const maxErrorCode = 64

// ErrorCode returns a vendor's error code or request ID in a form that can be shown: letters, digits,
// dots, hyphens and underscores.
func ErrorCode(text string) string {
	text = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r) {
			return r
		}
		return -1
	}, text)
	return text[:min(len(text), maxErrorCode)]
}
