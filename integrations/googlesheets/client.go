package googlesheets

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/time/rate"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/google"
)

// The API: https://developers.google.com/workspace/sheets/api/reference/rest
const spreadsheetsURL = "https://sheets.googleapis.com/v4/spreadsheets/"

// writer writes one spreadsheet.
type writer struct {
	*google.Client
	batch   int
	limiter *rate.Limiter
}

// tab is one sheet of a spreadsheet.
type tab struct {
	ID    int64  `json:"sheetId"`
	Title string `json:"title"`
	Type  string `json:"sheetType"`
	Grid  grid   `json:"gridProperties"`
}

type grid struct {
	Rows    int64 `json:"rowCount"`
	Columns int64 `json:"columnCount"`
}

// request is one request of a batch, which is applied completely or not at all.
type request map[string]any

// tabs returns all tabs.
func (w *writer) tabs(ctx context.Context, id string) ([]tab, error) {
	var answer struct {
		Sheets []struct {
			Properties tab `json:"properties"`
		} `json:"sheets"`
	}
	query := url.Values{"fields": {"sheets.properties(sheetId,title,sheetType,gridProperties(rowCount,columnCount))"}}
	if err := w.Read(ctx, spreadsheetsURL+url.PathEscape(id), query, &answer); err != nil {
		return nil, err
	}
	all := make([]tab, len(answer.Sheets))
	for n, s := range answer.Sheets {
		all[n] = s.Properties
	}
	return all, nil
}

// find returns the tab with a title, or the first one if the title is empty, and the number of cells of the others.
func find(tabs []tab, title string) (found tab, others int64, ok bool) {
	at := -1
	for n, s := range tabs {
		others += s.Grid.Rows * s.Grid.Columns
		switch {
		case title == "" && n == 0, s.Title == title:
			at = n
		case at < 0 && strings.EqualFold(s.Title, title):
			at = n
		}
	}
	if at < 0 {
		return tab{}, others, false
	}
	found = tabs[at]
	return found, others - found.Grid.Rows*found.Grid.Columns, true
}

// tab returns the tab with a title, which it creates if there is none, and the number of cells of the others.
func (w *writer) tab(ctx context.Context, id, title string) (tab, int64, error) {
	tabs, err := w.tabs(ctx, id)
	if err != nil {
		return tab{}, 0, err
	}
	sheet, others, ok := find(tabs, title)
	if !ok && title != "" {
		if err := w.addTab(ctx, id, title); err != nil {
			return tab{}, 0, err
		}
		if tabs, err = w.tabs(ctx, id); err != nil {
			return tab{}, 0, err
		}
		sheet, others, ok = find(tabs, title)
	}
	if !ok || sheet.Type != "GRID" {
		return tab{}, 0, action.Errorf(action.Invalid, "The spreadsheet's %s is not a sheet with cells.", tabName(title))
	}
	return sheet, others, nil
}

func tabName(title string) string {
	if title == "" {
		return "first tab"
	}
	return "tab " + strconv.Quote(title)
}

// addTab creates a tab. After a lost response, the tab exists.
func (w *writer) addTab(ctx context.Context, id, title string) error {
	asking := false
	return deliver.Call(ctx, w.limiter, w.Writes, func(ctx context.Context) error {
		if asking {
			tabs, err := w.tabs(ctx, id)
			if _, _, ok := find(tabs, title); ok || err != nil {
				return err
			}
		}
		asking = true
		return w.try(ctx, id, []request{{"addSheet": map[string]any{
			"properties": map[string]any{"title": title, "gridProperties": grid{1, 1}},
		}}})
	})
}

// rename gives the only tab of a new spreadsheet its title.
func (w *writer) rename(ctx context.Context, id, title string) error {
	if title == "" {
		return nil
	}
	sheet, _, err := w.tab(ctx, id, "")
	if err != nil {
		return err
	}
	return w.send(ctx, id, []request{{"updateSheetProperties": map[string]any{
		"properties": map[string]any{"sheetId": sheet.ID, "title": title}, "fields": "title",
	}}})
}

// send sends a batch that can be repeated, since each request contains the cells that it changes.
func (w *writer) send(ctx context.Context, id string, requests []request) error {
	return deliver.Call(ctx, w.limiter, w.Writes, func(ctx context.Context) error { return w.try(ctx, id, requests) })
}

// try sends a batch once.
func (w *writer) try(ctx context.Context, id string, requests []request) error {
	return w.Once(ctx, http.MethodPost, spreadsheetsURL+url.PathEscape(id)+":batchUpdate", url.Values{"fields": {"spreadsheetId"}},
		map[string]any{"requests": requests}, nil)
}

// overwrite replaces the content of a tab. The request that clears it also writes the first rows, which
// are all rows of most results.
func (w *writer) overwrite(ctx context.Context, id, title string, data *table) error {
	sheet, others, err := w.tab(ctx, id, title)
	if err != nil {
		return err
	}
	prepare, err := clearing(sheet, others, data)
	if err != nil {
		return err
	}
	begin := int64(0)
	return w.batches(data, 0, func(rows []json.RawMessage) error {
		requests := append(prepare, request{"updateCells": map[string]any{
			"start":  map[string]any{"sheetId": sheet.ID, "rowIndex": begin, "columnIndex": 0},
			"fields": "userEnteredValue", "rows": rows,
		}})
		if len(rows) == 0 {
			requests = prepare
		}
		if err := w.send(ctx, id, requests); err != nil {
			return partial(err, begin, data.rows)
		}
		prepare, begin = nil, begin+int64(len(rows))
		return nil
	})
}

// clearing returns the requests that resize and clear the tab. It shrinks only if the data would not fit into the
// spreadsheet otherwise.
func clearing(sheet tab, others int64, data *table) ([]request, error) {
	size := grid{max(sheet.Grid.Rows, data.rows, 1), max(sheet.Grid.Columns, data.columns, 1)}
	if others+size.Rows*size.Columns > maxCells {
		size = grid{max(data.rows, 1), max(data.columns, 1)}
	}
	if others+size.Rows*size.Columns > maxCells {
		return nil, tooManyCells(others, data.columns)
	}
	requests := []request{
		{"updateSheetProperties": map[string]any{
			"properties": map[string]any{"sheetId": sheet.ID, "gridProperties": size},
			"fields":     "gridProperties(rowCount,columnCount)",
		}},
		{"updateCells": map[string]any{"range": map[string]any{"sheetId": sheet.ID}, "fields": "userEnteredValue"}},
	}
	for column := range int(data.columns) {
		if format, ok := data.format(column); ok {
			requests = append(requests, request{"repeatCell": map[string]any{
				"range": map[string]any{
					"sheetId": sheet.ID, "startRowIndex": 1, "endRowIndex": data.rows, "startColumnIndex": column, "endColumnIndex": column + 1,
				},
				"cell": map[string]any{"userEnteredFormat": format}, "fields": "userEnteredFormat.numberFormat",
			}})
		}
	}
	return requests, nil
}

func tooManyCells(others, columns int64) error {
	return action.Errorf(action.TooLarge, "Cannot send more than %d rows without exceeding limit of 10 million cells in Google Sheets. "+
		"Consider trimming empty columns in Google Sheets to allow for more rows", max(maxCells-others, 0)/max(columns, 1))
}

// partial adds how many rows were written.
func partial(err error, written, rows int64) error {
	if written <= 1 {
		return err
	}
	return action.Wrap(err, action.KindOf(err), "%d of %d rows, counting the header, are in the sheet. %s",
		written, rows, action.MessageOf(err))
}

// batches divides the rows, starting with one, by their size. Without rows there is one empty batch.
func (w *writer) batches(data *table, from int64, send func(rows []json.RawMessage) error) error {
	var rows []json.RawMessage
	size, sent := 0, false
	err := data.each(func(number int64, record []string) error {
		if number < from {
			return nil
		}
		row, err := data.cells(number, record)
		if err != nil {
			return err
		}
		if size > 0 && size+len(row) > w.batch {
			if err := send(rows); err != nil {
				return err
			}
			rows, size, sent = nil, 0, true
		}
		rows, size = append(rows, row), size+len(row)
		return nil
	})
	if err != nil || sent && len(rows) == 0 {
		return err
	}
	return send(rows)
}

// append adds the rows below the existing ones. It is an error if the columns differ.
func (w *writer) append(ctx context.Context, id, title string, data *table) error {
	sheet, _, err := w.tab(ctx, id, title)
	if err != nil {
		return err
	}
	from, err := w.below(ctx, id, sheet, data)
	if err != nil {
		return err
	}
	written := int64(0)
	return w.batches(data, from, func(rows []json.RawMessage) error {
		if len(rows) == 0 {
			return nil
		}
		if err := w.appendOnce(ctx, id, sheet, rows); err != nil {
			return partial(err, from+written, data.rows)
		}
		written += int64(len(rows))
		return nil
	})
}

// below compares the columns, and returns the first row of the data to append, which is the header if the sheet has
// none.
func (w *writer) below(ctx context.Context, id string, sheet tab, data *table) (int64, error) {
	var answer struct {
		Values [][]string `json:"values"`
	}
	top := "'" + strings.ReplaceAll(sheet.Title, "'", "''") + "'!1:1"
	address := spreadsheetsURL + url.PathEscape(id) + "/values/" + url.PathEscape(top)
	if err := w.Read(ctx, address, url.Values{"fields": {"values"}}, &answer); err != nil {
		return 0, err
	}
	if len(answer.Values) == 0 {
		return 0, nil
	}
	if !slices.Equal(answer.Values[0], data.header) {
		return 0, action.Errorf(action.Invalid, "The first row of the sheet does not contain the columns of the query. No rows were added.")
	}
	return 1, nil
}

// appendOnce appends rows once. Google determines their position, so that concurrent deliveries do not overwrite
// each other. After a lost response, a mark that was created with the rows shows whether they were appended.
func (w *writer) appendOnce(ctx context.Context, id string, sheet tab, rows []json.RawMessage) error {
	mark := rand.Int32N(1<<31-1) + 1 //nolint:gosec // unique, not secret
	asking := false
	err := deliver.Call(ctx, w.limiter, w.Writes, func(ctx context.Context) error {
		if asking {
			if done, err := w.marked(ctx, id, mark); done || err != nil {
				return err
			}
		}
		asking = true
		return w.try(ctx, id, []request{
			{"appendCells": map[string]any{"sheetId": sheet.ID, "rows": rows, "fields": "userEnteredValue,userEnteredFormat.numberFormat"}},
			{"createDeveloperMetadata": map[string]any{"developerMetadata": map[string]any{
				"metadataId": mark, "metadataKey": "delivery", "visibility": "PROJECT", "location": map[string]bool{"spreadsheet": true},
			}}},
		})
	})
	if err != nil {
		if done, _ := w.marked(ctx, id, mark); !done {
			return err
		}
	}
	w.unmark(ctx, id, mark)
	return nil
}

func (w *writer) marked(ctx context.Context, id string, mark int32) (bool, error) {
	address := spreadsheetsURL + url.PathEscape(id) + "/developerMetadata/" + strconv.Itoa(int(mark))
	err := w.Read(ctx, address, url.Values{"fields": {"metadataId"}}, nil)
	if action.KindOf(err) == action.NotFound {
		return false, nil
	}
	return err == nil, err
}

// unmark removes a mark that is no longer needed. The rows stay if this fails.
func (w *writer) unmark(ctx context.Context, id string, mark int32) {
	err := w.send(ctx, id, []request{{"deleteDeveloperMetadata": map[string]any{
		"dataFilter": map[string]any{"developerMetadataLookup": map[string]any{"metadataId": mark}},
	}}})
	if err != nil {
		w.Log.WarnContext(ctx, "a delivery's mark could not be removed from a spreadsheet", "error", err)
	}
}
