// Package terminal writes for people: tables that fit the terminal, and progress.
package terminal

import (
	"io"
	"os"
	"unicode"

	"golang.org/x/term"
	"golang.org/x/text/width"
)

// Is reports whether w is a terminal.
func Is(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Width is the number of columns of the terminal that w is, or 0 where it is none.
func Width(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok {
		return 0
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return columns
}

// textWidth is the number of columns that a text takes.
func textWidth(text string) int {
	n := 0
	for _, r := range text {
		n += runeWidth(r)
	}
	return n
}

func runeWidth(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case width.LookupRune(r).Kind() == width.EastAsianWide, width.LookupRune(r).Kind() == width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// printable keeps control characters, which a hub's or a vendor's text may hold, from moving
// the cursor.
func printable(text string) string {
	out := []rune(text)
	for i, r := range out {
		if unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp) {
			out[i] = ' '
		}
	}
	return string(out)
}
