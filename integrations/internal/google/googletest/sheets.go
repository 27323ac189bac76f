package googletest

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

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
		return "sheet", func() actiontest.Reply { return file.properties() }
	case isMark:
		return "mark", func() actiontest.Reply {
			if n, err := strconv.Atoi(mark); err != nil || !file.marks[n] {
				return Refusal(http.StatusNotFound, "notFound", "Requested entity was not found.")
			}
			return JSON(http.StatusOK, map[string]string{"metadataId": mark})
		}
	}
	for _, sheet := range file.sheets() {
		if rest == "values/"+url.PathEscape("'"+strings.ReplaceAll(*sheet.title, "'", "''")+"'!1:1") {
			return "values", func() actiontest.Reply { return JSON(http.StatusOK, top(*sheet.cells)) }
		}
	}
	return "", nil
}

// sheet is one tab.
type sheet struct {
	id    int
	title *string
	cells *[][]string
	grid  *[2]int
}

// firstID is the first tab's.
const firstID = 7

// sheets are all tabs.
func (file *File) sheets() []sheet {
	if file.Title == "" {
		file.Title = "It's"
	}
	all := []sheet{{firstID, &file.Title, &file.Cells, &file.Grid}}
	for n := range file.Tabs {
		t := &file.Tabs[n]
		all = append(all, sheet{t.ID, &t.Title, &t.Cells, &t.Grid})
	}
	return all
}

func (file *File) sheet(id int) *sheet {
	for _, s := range file.sheets() {
		if s.id == id {
			return &s
		}
	}
	return nil
}

func (file *File) properties() actiontest.Reply {
	var all []any
	for _, s := range file.sheets() {
		all = append(all, map[string]any{"properties": map[string]any{
			"sheetId": s.id, "title": *s.title, "sheetType": "GRID",
			"gridProperties": map[string]int{"rowCount": s.grid[0], "columnCount": s.grid[1]},
		}})
	}
	return JSON(http.StatusOK, map[string]any{"sheets": all})
}

// top is the first row, as text.
func top(cells [][]string) map[string]any {
	if len(cells) == 0 {
		return map[string]any{}
	}
	var row []string
	for _, cell := range cells[0] {
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
			Bool   *bool        `json:"boolValue"`
		} `json:"userEnteredValue"`
	} `json:"values"`
}

// change is one request of a batch.
type change struct {
	Update *struct {
		Start *struct{ SheetID, RowIndex int }
		Range *struct{ SheetID int }
		Rows  []sheetRow
	} `json:"updateCells"`
	Append *struct {
		SheetID int
		Rows    []sheetRow
	} `json:"appendCells"`
	Add        *struct{ Properties sheetProperties } `json:"addSheet"`
	Properties *struct {
		Properties sheetProperties
		Fields     string
	} `json:"updateSheetProperties"`
	Mark *struct {
		Data struct{ MetadataID int } `json:"developerMetadata"`
	} `json:"createDeveloperMetadata"`
	Unmark *struct {
		Filter struct {
			Lookup struct{ MetadataID int } `json:"developerMetadataLookup"`
		} `json:"dataFilter"`
	} `json:"deleteDeveloperMetadata"`
	Repeat *struct {
		Range struct{ SheetID, StartColumnIndex int }
		Cell  struct {
			Format struct {
				Number struct{ Pattern string } `json:"numberFormat"`
			} `json:"userEnteredFormat"`
		}
	} `json:"repeatCell"`
}

type sheetProperties struct {
	SheetID int
	Title   string
	Grid    struct{ RowCount, ColumnCount int } `json:"gridProperties"`
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
	after.Tabs, after.Formats = slices.Clone(file.Tabs), maps.Clone(file.Formats)
	if after.Formats == nil {
		after.Formats = map[int]string{}
	}
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
	case c.Add != nil:
		return file.add(c.Add.Properties)
	case c.Properties != nil:
		return file.describe(c.Properties.Properties, c.Properties.Fields)
	case c.Update != nil && c.Update.Start == nil:
		s := file.sheet(c.Update.Range.SheetID)
		if s == nil {
			return "No grid with this id"
		}
		*s.cells = nil
	case c.Update != nil:
		return file.write(c.Update.Start.SheetID, c.Update.Start.RowIndex, texts(c.Update.Rows))
	case c.Append != nil:
		return file.append(c.Append.SheetID, texts(c.Append.Rows))
	case c.Repeat != nil:
		if c.Repeat.Range.SheetID == firstID {
			file.Formats[c.Repeat.Range.StartColumnIndex] = c.Repeat.Cell.Format.Number.Pattern
		}
	case c.Mark != nil && file.marks[c.Mark.Data.MetadataID]:
		return "Developer metadata with this id already exists."
	case c.Mark != nil:
		file.marks[c.Mark.Data.MetadataID] = true
	case c.Unmark != nil:
		delete(file.marks, c.Unmark.Filter.Lookup.MetadataID)
	default:
		return "There is no such request."
	}
	return ""
}

func (file *File) append(sheetID int, rows [][]string) (wrong string) {
	s := file.sheet(sheetID)
	if s == nil {
		return "No grid with this id"
	}
	*s.cells = append(slices.Clip(*s.cells), rows...)
	s.grid[0] = max(s.grid[0], len(*s.cells))
	return ""
}

// add makes a tab. Titles are unique without case.
func (file *File) add(p sheetProperties) (wrong string) {
	id := firstID
	for _, s := range file.sheets() {
		if strings.EqualFold(*s.title, p.Title) {
			return "A sheet with the name \"" + p.Title + "\" already exists. Please enter another name."
		}
		id = max(id, s.id) + 1
	}
	if p.Title == "" || utf8.RuneCountInString(p.Title) > 100 {
		return "Invalid sheet name"
	}
	file.Tabs = append(file.Tabs, Tab{ID: id, Title: p.Title, Grid: [2]int{p.Grid.RowCount, p.Grid.ColumnCount}})
	return ""
}

func (file *File) describe(p sheetProperties, fields string) (wrong string) {
	s := file.sheet(p.SheetID)
	switch {
	case s == nil:
		return "No grid with this id"
	case fields == "title":
		*s.title = p.Title
	case fields == "gridProperties(rowCount,columnCount)":
		*s.grid = [2]int{p.Grid.RowCount, p.Grid.ColumnCount}
	default:
		return "Unknown fields"
	}
	return ""
}

func (file *File) write(id, at int, rows [][]string) (wrong string) {
	s := file.sheet(id)
	if s == nil || at > len(*s.cells) || at+len(rows) > s.grid[0] {
		return "Attempting to write past the last row"
	}
	*s.cells = append((*s.cells)[:at:at], rows...)
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
			case v.Value.Bool != nil:
				cells = append(cells, strconv.FormatBool(*v.Value.Bool))
			default:
				cells = append(cells, "")
			}
		}
		all = append(all, cells)
	}
	return all
}
