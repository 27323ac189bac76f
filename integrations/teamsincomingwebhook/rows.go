package teamsincomingwebhook

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"strconv"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/message"
	"integrationhub.dev/integrations/internal/rows"
)

// content is the part of the data that a card shows: the first rows, an image, or nothing.
type content struct {
	titles []string
	rows   [][]string
	// total is the number of all rows, and columns that of all columns.
	total   int64
	columns int

	// image is a data URL (RFC 2397).
	image string
	// note describes what is not shown.
	note string
}

// The maximum size of a table. More is hard to read in a chat.
const (
	maxRows    = 20
	maxColumns = 10
)

// maxData exceeds the size of any spool.
const maxData = 1 << 50

// maxImage is the maximum size of an image whose base64 fits into a card.
const maxImage = maxCard / 4 * 3

// show reads the data to its end, so that a card never shows incomplete data.
func show(ctx context.Context, req *action.Request) (content, error) {
	if req.Data.Empty() {
		return content{}, nil
	}
	blob, err := req.Data.Spool(ctx, maxData)
	if err != nil {
		return content{}, err
	}
	defer blob.Close()
	switch mediaType := message.ContentType(req); {
	case mediaType == "text/csv":
		return readTable(blob)
	case mediaType == "image/png" && blob.Size() <= maxImage:
		image, err := io.ReadAll(io.NewSectionReader(blob, 0, blob.Size()))
		if err != nil {
			return content{}, fmt.Errorf("reading the image: %w", err)
		}
		return content{image: "data:image/png;base64," + base64.StdEncoding.EncodeToString(image)}, nil
	case mediaType == "image/png":
		return content{note: imageTooLarge}, nil
	}
	return content{}, nil
}

const imageTooLarge = "The image is too large for a card. View it in Looker."

func readTable(blob action.Blob) (content, error) {
	var c content
	err := rows.EachCSV(blob, func(number int64, record []string) error {
		if number > maxRows {
			c.total = number
			return nil
		}
		cells := make([]string, min(len(record), maxColumns))
		for n := range cells {
			cells[n] = action.Line(record[n])
		}
		if number == 0 {
			c.titles, c.columns = cells, len(record)
			return nil
		}
		c.rows, c.total = append(c.rows, cells), number
		return nil
	})
	return c, err
}

// first returns the content with a number of rows and a note about the rest.
func (c content) first(rows int) content {
	if len(c.titles) == 0 {
		return c
	}
	hidden := c.columns > len(c.titles)
	switch {
	case c.total == 0:
		c.note = "No rows."
	case rows == 0:
		c.note = fmt.Sprintf("%d rows, which are too long for a card. View them in Looker.", c.total)
	case c.total > int64(rows) && hidden:
		c.note = fmt.Sprintf("The first %d of %d rows and the first %d of %d columns.", rows, c.total, len(c.titles), c.columns)
	case c.total > int64(rows):
		c.note = fmt.Sprintf("The first %d of %d rows.", rows, c.total)
	case hidden:
		c.note = fmt.Sprintf("The first %d of %d columns.", len(c.titles), c.columns)
	}
	c.rows = c.rows[:rows]
	return c
}

// elements returns the content as elements of an Adaptive Card
// (https://adaptivecards.io/explorer/Table.html). Cells are rich text blocks, because text blocks would
// interpret Markdown in the data.
func (c content) elements(title string) []object {
	var all []object
	if c.image != "" {
		all = append(all, object{"type": "Image", "url": c.image, "altText": title, "size": "stretch"})
	}
	if len(c.rows) > 0 {
		all = append(all, c.table())
	}
	if c.note != "" {
		all = append(all, object{"type": "TextBlock", "text": c.note, "isSubtle": true, "size": "small", "wrap": true})
	}
	return all
}

func (c content) table() object {
	columns, head := make([]object, len(c.titles)), make([]object, len(c.titles))
	for n, title := range c.titles {
		columns[n] = object{"width": 1}
		if c.numeric(n) {
			columns[n]["horizontalCellContentAlignment"] = "right"
		}
		head[n] = cell(object{"type": "TextRun", "text": title, "weight": "bolder"})
	}
	rows := []object{{"type": "TableRow", "cells": head}}
	for _, r := range c.rows {
		cells := make([]object, len(c.titles)) // missing cells are empty
		for n := range cells {
			cells[n] = cell(cmp.Or(c.text(r, n), " ")) // a text run must not be empty
		}
		rows = append(rows, object{"type": "TableRow", "cells": cells})
	}
	return object{"type": "Table", "columns": columns, "rows": rows, "fallback": "drop"}
}

// cell returns a table cell with a text or a text run.
func cell(text any) object {
	return object{"type": "TableCell", "items": []object{{"type": "RichTextBlock", "inlines": []any{text}}}}
}

func (content) text(row []string, n int) string {
	if n < len(row) {
		return row[n]
	}
	return ""
}

// numeric reports whether all values of a column are numbers.
func (c content) numeric(n int) bool {
	found := false
	for _, r := range c.rows {
		text := c.text(r, n)
		if text == "" {
			continue
		}
		if _, err := strconv.ParseFloat(text, 64); err != nil {
			return false
		}
		found = true
	}
	return found
}
