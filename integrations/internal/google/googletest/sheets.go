package googletest

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
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
				"sheetId": 7, "title": "It's", "sheetType": "GRID",
				"gridProperties": map[string]int{"rowCount": file.Grid[0], "columnCount": file.Grid[1]},
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

// change is one request of a batch.
type change struct {
	Update *struct {
		Start *struct{ SheetID, RowIndex int }
		Rows  []sheetRow
	} `json:"updateCells"`
	Append *struct{ Rows []sheetRow } `json:"appendCells"`
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
}

// update does a batch: all of it, or nothing.
func (file *File) update(body []byte) actiontest.Reply {
	var batch struct{ Requests []change }
	if json.Unmarshal(body, &batch) != nil || len(batch.Requests) == 0 {
		return bad("Invalid JSON payload received.")
	}
	after := *file
	after.marks = map[int]bool{}
	maps.Copy(after.marks, file.marks)
	for _, c := range batch.Requests {
		if wrong := after.apply(c); wrong != "" {
			return bad(wrong)
		}
	}
	*file = after
	return JSON(http.StatusOK, map[string]string{"spreadsheetId": file.ID})
}

// apply does one request, and says what is wrong with it.
func (file *File) apply(c change) (wrong string) {
	switch {
	case c.Resize != nil:
		file.Grid = [2]int{c.Resize.Properties.Grid.RowCount, c.Resize.Properties.Grid.ColumnCount}
	case c.Update != nil && c.Update.Start == nil:
		file.Cells = nil
	case c.Update != nil:
		at := c.Update.Start.RowIndex
		if c.Update.Start.SheetID != 7 || at > len(file.Cells) || at+len(c.Update.Rows) > file.Grid[0] {
			return "Attempting to write past the last row"
		}
		file.Cells = append(file.Cells[:at:at], texts(c.Update.Rows)...)
	case c.Append != nil:
		file.Cells = append(slices.Clip(file.Cells), texts(c.Append.Rows)...)
		file.Grid[0] = max(file.Grid[0], len(file.Cells))
	case c.Mark != nil && file.marks[c.Mark.Data.MetadataID]:
		return "Developer metadata with this id already exists."
	case c.Mark != nil:
		file.marks[c.Mark.Data.MetadataID] = true
	case c.Unmark != nil:
		delete(file.marks, c.Unmark.Filter.Lookup.MetadataID)
	case c.Repeat == nil:
		return "There is no such request."
	}
	return ""
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
