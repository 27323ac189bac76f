package teamsincomingwebhook

import (
	"cmp"
	"strconv"
)

// elements are the content in an Adaptive Card, as
// https://adaptivecards.io/explorer/Table.html has it. Texts of cells are in rich text blocks,
// which unlike text blocks know no Markdown: what stands in the data stays what it is.
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
		cells := make([]object, len(c.titles)) // what is missing at a row's end is empty
		for n := range cells {
			cells[n] = cell(cmp.Or(c.text(r, n), " ")) // a run of nothing is no text
		}
		rows = append(rows, object{"type": "TableRow", "cells": cells})
	}
	return object{"type": "Table", "columns": columns, "rows": rows, "fallback": "drop"}
}

// cell holds one text, or a run of it.
func cell(text any) object {
	return object{"type": "TableCell", "items": []object{{"type": "RichTextBlock", "inlines": []any{text}}}}
}

func (content) text(row []string, n int) string {
	if n < len(row) {
		return row[n]
	}
	return ""
}

// numeric reports whether a column shows nothing but numbers.
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
