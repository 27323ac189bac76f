package sample

import (
	"archive/zip"
	"bufio"
	"encoding/csv"
	"fmt"
	"html"
	"io"
	"strings"
)

func labels() []string {
	list := make([]string, len(columns))
	for n, c := range columns {
		list[n] = c.Label
	}
	return list
}

func writeCSV(w *bufio.Writer, rows int) error { return delimited(w, rows, ',') }

func writeText(w *bufio.Writer, rows int) error { return delimited(w, rows, '\t') }

// delimited writes values as they are, without their formats.
func delimited(w io.Writer, rows int, comma rune) error {
	out := csv.NewWriter(w)
	out.Comma = comma
	if err := out.Write(labels()); err != nil {
		return err
	}
	p, record := newPeople(), make([]string, len(columns))
	for i := range rows {
		for n, c := range p.row(i) {
			record[n] = c.value
		}
		if err := out.Write(record); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// writeCSVZip writes what Looker makes of a dashboard: a folder with a file for each tile.
func writeCSVZip(w *bufio.Writer, rows int) error {
	archive := zip.NewWriter(w)
	file, err := archive.Create("dashboard-sample/people.csv")
	if err != nil {
		return fmt.Errorf("making the archive: %w", err)
	}
	if err := delimited(file, rows, ','); err != nil {
		return err
	}
	return archive.Close()
}

func writeHTML(w *bufio.Writer, rows int) error {
	_, _ = w.WriteString("<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>Sample</title></head><body>\n<table>\n<thead><tr>")
	for _, label := range labels() {
		_, _ = fmt.Fprintf(w, "<th>%s</th>", html.EscapeString(label))
	}
	_, _ = w.WriteString("</tr></thead>\n<tbody>\n")
	p := newPeople()
	var line strings.Builder
	for i := range rows {
		line.Reset()
		line.WriteString("<tr>")
		for _, c := range p.row(i) {
			shown := c.value
			if c.rendered != "" {
				shown = c.rendered
			}
			line.WriteString("<td>" + html.EscapeString(shown) + "</td>")
		}
		line.WriteString("</tr>\n")
		if _, err := w.WriteString(line.String()); err != nil {
			return err
		}
	}
	_, err := w.WriteString("</tbody>\n</table>\n</body></html>\n")
	return err
}
