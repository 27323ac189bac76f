package telemetry

import (
	"errors"
	"iter"
	"log/slog"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// A URL can contain credentials in its user, its path (a webhook URL is a secret) or its query, and
// errors of net/http and of SDKs quote URLs. So the log handler reduces every URL to scheme and host,
// and no other code has to.

// address matches URLs: the scheme, user information, the host, and the rest, up to white space or an
// unescaped quotation mark.
var address = regexp.MustCompile(`(?i)\b([a-z][a-z0-9+.-]*://)([^\s/?#"\\]*@)?([^\s/?#"'<>()\\]*)((?:\\.|[^\s"\\])*)`)

const hidden = "…"

func redactText(text string) string {
	if !strings.Contains(text, "://") {
		return text
	}
	return address.ReplaceAllStringFunc(text, func(found string) string {
		part := address.FindStringSubmatch(found)
		scheme, host, rest := part[1], part[3], part[4]
		if rest == "" || rest == "/" {
			return scheme + host + rest
		}
		return scheme + host + "/" + hidden
	})
}

// redactError uses net/url's errors to find URLs that contain spaces or quotes, or are invalid.
func redactError(err error) string {
	text := err.Error()
	for e := range errorChain(err) {
		u, ok := e.(*url.Error) //nolint:errorlint // checks each error of the tree
		if !ok || u.URL == "" {
			continue
		}
		shown := hidden // an invalid URL has no known host
		if found := address.FindString(u.URL); u.Op != "parse" && found != "" && strings.HasPrefix(u.URL, found) {
			shown = redactText(found)
		}
		text = strings.ReplaceAll(text, strconv.Quote(u.URL), strconv.Quote(shown))
		text = strings.ReplaceAll(text, u.URL, shown)
	}
	return redactText(text)
}

// errorChain iterates over an error and all errors that it wraps.
func errorChain(err error) iter.Seq[error] {
	return func(yield func(error) bool) { visit(err, yield) }
}

func visit(err error, yield func(error) bool) bool {
	if err == nil {
		return true
	}
	if !yield(err) {
		return false
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range many.Unwrap() {
			if !visit(e, yield) {
				return false
			}
		}
		return true
	}
	return visit(errors.Unwrap(err), yield)
}

// redact is the ReplaceAttr function of the log handler.
func redact(_ []string, a slog.Attr) slog.Attr {
	switch a.Value.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(redactText(a.Value.String()))
	case slog.KindAny:
		if err, ok := a.Value.Any().(error); ok {
			a.Value = slog.StringValue(redactError(err))
		}
	default: // contains no text
	}
	return a
}
