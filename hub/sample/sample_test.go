package sample_test

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nyaruka/phonenumbers"
	"golang.org/x/net/html"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/hub/payload"
	"integrationhub.dev/hub/sample"
)

// write returns a sample.
func write(t *testing.T, format action.Format, rows int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := sample.Write(&b, format, rows); err != nil {
		t.Fatalf("%s: %v", format, err)
	}
	return b.Bytes()
}

// table reads a sample in Looker's JSON through the hub's own decoder.
func table(t *testing.T, data []byte) ([]action.Column, [][]string) {
	t.Helper()
	spool := payload.Spool{}
	w := spool.Share(t.Context()).Create()
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	blob, err := w.Done()
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := blob.Table()
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	for row, err := range decoded.Rows() {
		if err != nil {
			t.Fatal(err)
		}
		var cells []string
		for i := range decoded.Columns {
			cells = append(cells, row.Cell(i).Text())
		}
		rows = append(rows, cells)
	}
	return decoded.Columns, rows
}

// readers turn each format into its rows, without a header.
var readers = map[action.Format]func(t *testing.T, data []byte) [][]string{
	action.JSONDetail:           tableRows,
	action.JSONDetailLiteStream: tableRows,
	action.JSON:                 tableRows,
	action.InlineJSON:           tableRows,
	action.JSONLabel:            tableRows,
	action.JSONBI:               biRows,
	action.CSV:                  csvRows,
	action.Txt: func(t *testing.T, data []byte) [][]string {
		t.Helper()
		return delimitedRows(t, data, '\t')
	},
	action.CSVZip: func(t *testing.T, data []byte) [][]string {
		t.Helper()
		return csvRows(t, unzip(t, data)["dashboard-sample/people.csv"])
	},
	action.HTML: htmlRows,
	action.XLSX: sheetRows,
}

func tableRows(t *testing.T, data []byte) [][]string {
	t.Helper()
	_, rows := table(t, data)
	return rows
}

// biRows moves the parts to where json_detail has them.
func biRows(t *testing.T, data []byte) [][]string {
	t.Helper()
	var bi struct {
		Metadata struct {
			Fields json.RawMessage `json:"fields"`
		} `json:"metadata"`
		Rows json.RawMessage `json:"rows"`
	}
	if err := json.Unmarshal(data, &bi); err != nil {
		t.Fatal(err)
	}
	return tableRows(t, []byte(`{"fields":`+string(bi.Metadata.Fields)+`,"data":`+string(bi.Rows)+`}`))
}

func csvRows(t *testing.T, data []byte) [][]string {
	t.Helper()
	return delimitedRows(t, data, ',')
}

func delimitedRows(t *testing.T, data []byte, comma rune) [][]string {
	t.Helper()
	r := csv.NewReader(bytes.NewReader(data))
	r.Comma = comma
	records, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return records[1:]
}

func unzip(t *testing.T, data []byte) map[string][]byte {
	t.Helper()
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, f := range archive.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if files[f.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// htmlRows takes Looker's number format off the last column.
func htmlRows(t *testing.T, data []byte) [][]string {
	t.Helper()
	doc, err := html.Parse(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	for n := range doc.Descendants() {
		switch n.Data {
		case "tr":
			rows = append(rows, nil)
		case "td":
			text := ""
			if n.FirstChild != nil {
				text = n.FirstChild.Data
			}
			rows[len(rows)-1] = append(rows[len(rows)-1], text)
		}
	}
	for _, row := range rows[1:] {
		row[len(row)-1] = strings.NewReplacer("$", "", ",", "").Replace(row[len(row)-1])
	}
	return rows[1:]
}

// sheetRows reads a workbook as its standard has it, by the relationships of its parts.
func sheetRows(t *testing.T, data []byte) [][]string {
	t.Helper()
	files := unzip(t, data)
	for name, content := range files {
		d := xml.NewDecoder(bytes.NewReader(content))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if !bytes.Contains(files["[Content_Types].xml"], []byte(`"/`+name+`"`)) && !strings.HasSuffix(name, ".rels") && name != "[Content_Types].xml" {
			t.Errorf("%s has no content type", name)
		}
	}
	var sheet struct {
		Rows []struct {
			Cells []struct {
				Style string `xml:"s,attr"`
				Value string `xml:"v"`
				Text  string `xml:"is>t"`
			} `xml:"c"`
		} `xml:"sheetData>row"`
	}
	if err := xml.Unmarshal(files["xl/worksheets/sheet1.xml"], &sheet); err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	for _, row := range sheet.Rows[1:] {
		var cells []string
		for _, c := range row.Cells {
			text := c.Text + c.Value
			if c.Style == "1" {
				days, err := strconv.Atoi(c.Value)
				if err != nil {
					t.Fatal(err)
				}
				text = time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC).AddDate(0, 0, days).Format(time.DateOnly)
			}
			cells = append(cells, text)
		}
		rows = append(rows, cells)
	}
	return rows
}

// Every format holds the same rows, the same each time.
func TestFormats(t *testing.T) {
	t.Parallel()
	const n = 300
	want := tableRows(t, write(t, action.JSONDetail, n))
	if len(want) != n {
		t.Fatalf("got %d rows", len(want))
	}
	for _, f := range sample.Formats() {
		data := write(t, f, n)
		if diff := cmp.Diff(want, readers[f](t, data)); diff != "" {
			t.Errorf("%s differs from json_detail (-want +got):\n%s", f, diff)
		}
		if !bytes.Equal(data, write(t, f, n)) {
			t.Errorf("%s comes out differently the second time", f)
		}
		if rows := readers[f](t, write(t, f, 0)); len(rows) != 0 {
			t.Errorf("%s has %d rows where none were asked for", f, len(rows))
		}
	}
}

// The columns carry the tags that integrations look for, and values that they take.
func TestColumns(t *testing.T) {
	t.Parallel()
	columns, rows := table(t, write(t, action.JSONDetail, 2000))
	at := map[string]int{}
	for i, c := range columns {
		for _, tag := range c.Tags {
			at[tag] = i
		}
	}
	for _, tag := range []string{"email", "phone", "user_id", "braze_id", "mp_customer_id", "hubspot_contact_id", "sfdc_contact_id", "segment_group_id"} {
		if _, ok := at[tag]; !ok {
			t.Errorf("no column has the tag %s", tag)
		}
	}
	emails, phones, missing := map[string]bool{}, 0, 0
	for _, row := range rows {
		emails[row[at["email"]]] = true
		if !strings.HasSuffix(row[at["email"]], "@example.com") {
			t.Errorf("%s could be somebody's address", row[at["email"]])
		}
		if len(row[at["sfdc_contact_id"]]) != 18 {
			t.Errorf("%s is not an ID of Salesforce", row[at["sfdc_contact_id"]])
		}
		phone := row[at["phone"]]
		if phone == "" {
			missing++
			continue
		}
		phones++
		if number, err := phonenumbers.Parse(phone, ""); err != nil || !phonenumbers.IsPossibleNumber(number) {
			t.Errorf("%s is not a telephone number: %v", phone, err)
		}
	}
	if len(emails) != len(rows) || missing == 0 || phones < 10*missing {
		t.Errorf("got %d addresses, %d telephone numbers and %d missing ones for %d people", len(emails), phones, missing, len(rows))
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"a result cannot have -1 rows":                            sample.Write(io.Discard, action.CSV, -1),
		"an Excel sheet has room for 1048575 rows at most":        sample.Write(io.Discard, action.XLSX, 1<<20),
		"wysiwyg_png is not a format with samples: choose one of": sample.Write(io.Discard, action.WysiwygPNG, 1),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// liveHeap counts what is live now and then, while a sample goes by.
type liveHeap struct{ written, next, most uint64 }

func (l *liveHeap) Write(p []byte) (int, error) {
	if l.written += uint64(len(p)); l.written >= l.next {
		l.next += 2 << 20
		l.most = max(l.most, live())
	}
	return len(p), nil
}

func live() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// Any number of rows streams: what is live does not grow with it.
func TestMemory(t *testing.T) { //nolint:paralleltest // other tests would be counted as well
	actiontest.Serial(t)
	for _, f := range sample.Formats() {
		before, heap := live(), &liveHeap{}
		if err := sample.Write(heap, f, 50_000); err != nil {
			t.Fatal(err)
		}
		if heap.most > before+4<<20 {
			t.Errorf("%s held %d bytes for %d written", f, heap.most-before, heap.written)
		}
	}
}
