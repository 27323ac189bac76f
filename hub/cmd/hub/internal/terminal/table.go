package terminal

import (
	"bytes"
	"io"
	"slices"
	"strings"
)

// gap stands between two columns, minColumn is how narrow a column of broken words gets.
const (
	gap       = 2
	minColumn = 8
)

// Table is text in columns.
type Table struct {
	Header []string
	Rows   [][]string
}

// Add adds a row.
func (t *Table) Add(cells ...string) { t.Rows = append(t.Rows, cells) }

// Write writes the table into so many columns of the terminal; 0 means that lines may be of
// any length. Cells that do not fit go on in the next line, under themselves.
func (t *Table) Write(w io.Writer, columns int) error {
	rows := t.Rows
	if len(t.Header) > 0 {
		rows = append([][]string{t.Header}, rows...)
	}
	widths := natural(rows)
	if columns > 0 {
		fit(widths, words(rows, len(widths)), columns)
	}
	var b bytes.Buffer
	for _, row := range rows {
		writeRow(&b, row, widths)
	}
	_, err := b.WriteTo(w)
	return err
}

// natural returns how wide each column wants to be.
func natural(rows [][]string) []int {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], textWidth(printable(cell)))
		}
	}
	return widths
}

// words returns how wide each column has to be for words to stay whole.
func words(rows [][]string, columns int) []int {
	widths := make([]int, columns)
	for _, row := range rows {
		for i, cell := range row {
			for word := range strings.FieldsFuncSeq(strings.ReplaceAll(printable(cell), ",", ", "), func(r rune) bool { return r == ' ' }) {
				widths[i] = max(widths[i], textWidth(word))
			}
		}
	}
	return widths
}

// fit makes columns narrower until the table fits: first to whole words, then by breaking
// words where the first column, which names things, keeps its own, and at last there too.
func fit(widths, words []int, columns int) {
	total := gap * (len(widths) - 1)
	for _, w := range widths {
		total += w
	}
	narrow := make([]int, len(widths))
	for i := range narrow {
		narrow[i] = min(minColumn, words[i])
	}
	nameWhole := slices.Clone(narrow)
	if len(nameWhole) > 0 {
		nameWhole[0] = words[0]
	}
	for _, floor := range [][]int{words, nameWhole, narrow} {
		total = shrink(widths, floor, total, columns)
	}
}

// shrink takes from the widest column that may still be narrower, until the table fits, and
// returns how wide the table is then.
func shrink(widths, floor []int, total, columns int) int {
	for ; total > columns; total-- {
		widest := -1
		for i, w := range widths {
			if w > floor[i] && (widest < 0 || w > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
	}
	return total
}

func writeRow(b *bytes.Buffer, row []string, widths []int) {
	cells, lines := make([][]string, len(row)), 1
	for i, cell := range row {
		cells[i] = wrap(printable(cell), widths[i])
		lines = max(lines, len(cells[i]))
	}
	for n := range lines {
		var line strings.Builder
		padding := 0
		for i := range cells {
			text := ""
			if n < len(cells[i]) {
				text = cells[i][n]
			}
			if text != "" {
				line.WriteString(strings.Repeat(" ", padding))
				line.WriteString(text)
				padding = 0
			}
			padding += widths[i] - textWidth(text) + gap
		}
		b.WriteString(line.String())
		b.WriteByte('\n')
	}
}

// wrap breaks a text into lines, between words and after commas where it can.
func wrap(text string, width int) []string {
	var lines []string
	for textWidth(text) > width {
		at, n := 0, 0 // where the line ends at the latest
		blank := -1
		for i, r := range text {
			if n+runeWidth(r) > width && i > 0 {
				if r == ' ' {
					blank = i
				}
				at = i
				break
			}
			n += runeWidth(r)
			switch r {
			case ' ':
				blank = i
			case ',':
				blank = i + 1
			}
		}
		if blank > 0 {
			at = blank
		}
		if at == 0 {
			break
		}
		lines = append(lines, strings.TrimRight(text[:at], " "))
		text = strings.TrimLeft(text[at:], " ")
	}
	return append(lines, text)
}

// Wrap writes a text as lines of at most so many columns; 0 means that it stays one line.
func Wrap(text string, columns int) []string {
	text = printable(text)
	if columns <= 0 {
		return []string{text}
	}
	return wrap(text, max(columns, minColumn))
}
