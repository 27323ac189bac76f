// Package preview shows the first rows of a query's result as text, for messages.
package preview

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/plaintext"
)

// Preview is the beginning of a result.
type Preview struct {
	// Titles are the columns' names, a pivoted column's once for each pivot.
	Titles []string
	// Rows are the first rows, with a text for each title.
	Rows [][]string
	// Total is the number of rows that the result has altogether.
	Total int
}

// Read reads a result to its end, so that one that breaks off is an error, and keeps its
// first rows, at most so many.
func Read(ctx context.Context, data action.Data, most int) (Preview, error) {
	table, err := data.Table(ctx)
	if err != nil {
		return Preview{}, err
	}
	columns := columnsOf(table)
	var p Preview
	for _, c := range columns {
		p.Titles = append(p.Titles, c.title)
	}
	for row, err := range table.Rows() {
		if err != nil {
			return Preview{}, err
		}
		if p.Total++; p.Total > most {
			continue
		}
		cells := make([]string, len(columns))
		for n, c := range columns {
			cell := row.Cell(c.index)
			if c.pivot != "" {
				cell = cell.Pivot(c.pivot)
			}
			cells[n] = plaintext.Line(shorten(cell.Rendered()))
		}
		p.Rows = append(p.Rows, cells)
	}
	return p, nil
}

// maxCell is how many bytes of a cell are kept: no message shows more.
const maxCell = 16 << 10

func shorten(text string) string {
	if len(text) <= maxCell {
		return text
	}
	return strings.ToValidUTF8(text[:maxCell], "") + "…"
}

// column is one column of a preview: one of the result, for one pivot where it has some.
type column struct {
	title, pivot string
	index        int
}

func columnsOf(table *action.Table) []column {
	var columns []column
	for index, c := range table.Columns {
		switch {
		case c.Group == "filters" || c.Group == "parameters": // they have no cells
		case len(table.Pivots) > 0 && c.Group != "dimensions":
			for _, p := range table.Pivots {
				of := strings.ReplaceAll(p.Key, "|FIELD|", ", ") // Looker's separator of several pivots
				columns = append(columns, column{plaintext.Line(c.Title() + " (" + of + ")"), p.Key, index})
			}
		default:
			columns = append(columns, column{plaintext.Line(c.Title()), "", index})
		}
	}
	return columns
}

// widest is how many characters of a cell a table shows.
const widest = 40

// Text lays out the first rows, at most so many, as a table for a fixed-width font, and says
// how many more there are. It holds no backtick, which would end a block of code.
func (p Preview) Text(rows int) string {
	rows = min(rows, len(p.Rows))
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 1, 2, ' ', 0)
	for _, cells := range append([][]string{p.Titles}, p.Rows[:rows]...) {
		short := make([]string, len(cells))
		for n, cell := range cells {
			short[n] = cut(strings.ReplaceAll(cell, "`", "'"))
		}
		fmt.Fprintln(w, strings.Join(short, "\t"))
	}
	_ = w.Flush() // a strings.Builder takes everything
	if p.Total == 0 {
		text.WriteString("no rows\n")
	}
	if more := p.Total - rows; more > 0 {
		fmt.Fprintf(&text, "… and %d more of %d rows\n", more, p.Total)
	}
	return text.String()
}

func cut(cell string) string {
	if r := []rune(cell); len(r) > widest {
		return string(r[:widest-1]) + "…"
	}
	return cell
}
