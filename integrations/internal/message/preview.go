package message

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"integrationhub.dev/hub/action"
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

// ReadPreview reads a result to its end, so that an incomplete one is an error, and keeps at most
// maxRows rows.
func ReadPreview(ctx context.Context, data action.Data, maxRows int) (Preview, error) {
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
		if p.Total++; p.Total > maxRows {
			continue
		}
		cells := make([]string, len(columns))
		for n, c := range columns {
			cell := row.Cell(c.index)
			if c.pivot != "" {
				cell = cell.Pivot(c.pivot)
			}
			cells[n] = action.Line(shorten(cell.Rendered()))
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
				columns = append(columns, column{action.Line(c.Title() + " (" + of + ")"), p.Key, index})
			}
		default:
			columns = append(columns, column{action.Line(c.Title()), "", index})
		}
	}
	return columns
}

// maxCellWidth is the number of characters of a cell that a table shows.
const maxCellWidth = 40

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
	if r := []rune(cell); len(r) > maxCellWidth {
		return string(r[:maxCellWidth-1]) + "…"
	}
	return cell
}
