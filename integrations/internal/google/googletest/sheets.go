package googletest

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"integrationhub.dev/hub/action/actiontest"
)

func (f *Fake) create(r actiontest.Recorded) actiontest.Reply {
	file, refusal := f.described(r)
	if refusal != nil {
		return *refusal
	}
	file.ID, file.Grid = f.id("file"), [2]int{1000, 26}
	f.Files = append(f.Files, file)
	return JSON(http.StatusOK, named{file.ID, file.Name})
}

func (f *Fake) routeSheets(r actiontest.Recorded) (what string, answer func() actiontest.Reply) {
	id, rest, _ := strings.Cut(strings.TrimPrefix(r.Path, "/v4/spreadsheets/"), "/")
	id, batch := strings.CutSuffix(id, ":batchUpdate")
	file := f.file(id)
	if file == nil || file.MIME != "application/vnd.google-apps.spreadsheet" {
		return "", nil
	}
	mark, isMark := strings.CutPrefix(rest, "developerMetadata/")
	switch {
	case batch && r.Method == http.MethodPost:
		return "batch", func() actiontest.Reply { return file.update(r.Body) }
	case r.Method != http.MethodGet:
	case rest == "":
		return "sheet", func() actiontest.Reply {
			return JSON(http.StatusOK, map[string]any{"sheets": []any{map[string]any{"properties": map[string]any{
				"sheetId": 7, "title": "It's", "sheetType": "GRID", "gridProperties": map[string]int{"rowCount": file.Grid[0], "columnCount": file.Grid[1]},
			}}}})
		}
	case isMark:
		return "mark", func() actiontest.Reply {
			if n, err := strconv.Atoi(mark); err != nil || !file.marks[n] {
				return Refusal(http.StatusNotFound, "notFound", "Requested entity was not found.")
			}
			return JSON(http.StatusOK, map[string]string{"metadataId": mark})
		}
	case rest == "values/%27It%27%27s%27%211:1":
		return "values", func() actiontest.Reply { return JSON(http.StatusOK, file.top()) }
	}
	return "", nil
}

// top is the first row, as text.
func (file *File) top() map[string]any {
	if len(file.Cells) == 0 {
		return map[string]any{}
	}
	var row []string
	for _, cell := range file.Cells[0] {
		var text string
		if json.Unmarshal([]byte(cell), &text) != nil {
			text = cell
		}
		row = append(row, text)
	}
	return map[string]any{"values": [][]string{row}}
}

type sheetRow struct {
	Values []struct {
		Value struct {
			Text   *string      `json:"stringValue"`
			Number *json.Number `json:"numberValue"`
		} `json:"userEnteredValue"`
	} `json:"values"`
}

// update does a batch: all of it, or nothing.
func (file *File) update(body []byte) actiontest.Reply {
	var batch struct {
		Requests []struct {
			Update *struct {
				Start *struct{ SheetID, RowIndex int }
				Range *struct{ SheetID int }
				Rows  []sheetRow
			} `json:"updateCells"`
			Append *struct {
				SheetID int
				Rows    []sheetRow
			} `json:"appendCells"`
			Resize *struct {
				Properties struct {
					Grid struct{ RowCount, ColumnCount int } `json:"gridProperties"`
				}
			} `json:"updateSheetProperties"`
			Mark *struct {
				Data struct{ MetadataID int } `json:"developerMetadata"`
			} `json:"createDeveloperMetadata"`
			Unmark *struct {
				Filter struct {
					Lookup struct{ MetadataID int } `json:"developerMetadataLookup"`
				} `json:"dataFilter"`
			} `json:"deleteDeveloperMetadata"`
			Repeat *json.RawMessage `json:"repeatCell"`
		} `json:"requests"`
	}
	if json.Unmarshal(body, &batch) != nil || len(batch.Requests) == 0 {
		return bad("Invalid JSON payload received.")
	}
	cells, size, marks := append([][]string(nil), file.Cells...), file.Grid, map[int]bool{}
	for m := range file.marks {
		marks[m] = true
	}
	for _, q := range batch.Requests {
		switch {
		case q.Resize != nil:
			size = [2]int{q.Resize.Properties.Grid.RowCount, q.Resize.Properties.Grid.ColumnCount}
		case q.Update != nil && q.Update.Start == nil:
			cells = nil
		case q.Update != nil:
			if q.Update.Start.SheetID != 7 || q.Update.Start.RowIndex+len(q.Update.Rows) > size[0] {
				return bad("Attempting to write past the last row")
			}
			for len(cells) < q.Update.Start.RowIndex {
				cells = append(cells, nil)
			}
			cells = append(cells[:q.Update.Start.RowIndex:q.Update.Start.RowIndex], texts(q.Update.Rows)...)
		case q.Append != nil:
			cells = append(cells, texts(q.Append.Rows)...)
			size[0] = max(size[0], len(cells))
		case q.Mark != nil && marks[q.Mark.Data.MetadataID]:
			return bad("Developer metadata with this id already exists.")
		case q.Mark != nil:
			marks[q.Mark.Data.MetadataID] = true
		case q.Unmark != nil:
			delete(marks, q.Unmark.Filter.Lookup.MetadataID)
		case q.Repeat == nil:
			return bad("no such request")
		}
	}
	file.Cells, file.Grid, file.marks = cells, size, marks
	return JSON(http.StatusOK, map[string]string{"spreadsheetId": file.ID})
}

// Marks is how many marks are left in a spreadsheet.
func (file *File) Marks() int { return len(file.marks) }

func texts(rows []sheetRow) [][]string {
	var all [][]string
	for _, row := range rows {
		cells := []string{}
		for _, v := range row.Values {
			switch {
			case v.Value.Text != nil:
				text, err := json.Marshal(*v.Value.Text)
				if err != nil {
					text = nil
				}
				cells = append(cells, string(text))
			case v.Value.Number != nil:
				cells = append(cells, v.Value.Number.String())
			default:
				cells = append(cells, "")
			}
		}
		all = append(all, cells)
	}
	return all
}
