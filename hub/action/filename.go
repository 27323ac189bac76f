package action

import (
	"strings"
	"time"
	"unicode/utf8"
)

// ExpandTime replaces the placeholders {YYYY}, {MM}, {DD}, {HH}, {mm}, {ss}, {YYYYMMDD} and {date}
// (2006-01-02) in a file name or another text by the time.
func ExpandTime(text string, now time.Time) string {
	return strings.NewReplacer(TimePlaceholders(now)...).Replace(text)
}

// TimePlaceholders returns the placeholders that [ExpandTime] replaces, each with its value after it.
func TimePlaceholders(now time.Time) []string {
	return []string{
		"{YYYYMMDD}", now.Format("20060102"), "{date}", now.Format(time.DateOnly),
		"{YYYY}", now.Format("2006"), "{MM}", now.Format("01"), "{DD}", now.Format("02"),
		"{HH}", now.Format("15"), "{mm}", now.Format("04"), "{ss}", now.Format("05"),
	}
}

// maxFilename is the maximum length of a file name on common file systems, in bytes.
const maxFilename = 255

// sanitizeFilename removes what file systems do not allow: separators, wildcards, control
// characters, trailing dots and spaces, and Windows' device names.
func sanitizeFilename(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < 0x20 || (r >= 0x80 && r <= 0x9f) || strings.ContainsRune(`/?<>\:*|"`, r) {
			return -1
		}
		return r
	}, name)
	name = strings.TrimRight(name, ". ")
	base, _, _ := strings.Cut(strings.ToLower(name), ".")
	switch base {
	case "con", "prn", "aux", "nul":
		return ""
	}
	if len(base) == 4 && (strings.HasPrefix(base, "com") || strings.HasPrefix(base, "lpt")) && base[3] >= '0' && base[3] <= '9' {
		return ""
	}
	return cutBytes(name, maxFilename)
}

// cutBytes shortens s to n bytes without splitting a character.
func cutBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
