package inbox

import (
	"encoding/csv"
	"io"
	"mime"
	"strings"
	"unicode"
	"unicode/utf8"

	"integrationhub.dev/hub/bounded"
	"integrationhub.dev/hub/payload"
)

// How much of a delivery is shown.
const (
	previewRows    = 20
	previewColumns = 30
	previewCell    = 200
	previewBytes   = 8 << 10
)

// Preview is the beginning of a delivery.
type Preview struct {
	// Columns and Rows are a table's, where the body is one.
	Columns []string   `json:"columns,omitempty"`
	Rows    [][]string `json:"rows,omitempty"`
	// Text is the body's beginning, where it is text.
	Text string `json:"text,omitempty"`
	// More says that the delivery goes on.
	More bool `json:"more,omitempty"`
}

// ContentType is the body's, without parameters.
func (d *Delivery) ContentType() string {
	t, _, err := mime.ParseMediaType(d.Header.Get("Content-Type"))
	if err != nil {
		return "application/octet-stream"
	}
	return t
}

// preview reads the body's beginning. The caller holds the delivery open.
func (d *Delivery) preview() Preview {
	if d.body == nil {
		return Preview{}
	}
	p := textPreview(d.body)
	switch d.ContentType() {
	case "application/json":
		p.jsonTable(d.body)
	case "text/csv":
		p.csvTable(d.body)
	}
	return p
}

func textPreview(body *payload.Blob) Preview {
	head := make([]byte, min(body.Size(), previewBytes))
	if _, err := io.ReadFull(body.Reader(), head); err != nil {
		return Preview{}
	}
	whole := int64(len(head)) == body.Size()
	for cut := 0; !whole && cut < utf8.UTFMax-1 && !utf8.Valid(head); cut++ {
		head = head[:len(head)-1]
	}
	text := string(head)
	if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && !unicode.IsSpace(r) }) {
		return Preview{}
	}
	return Preview{Text: text, More: !whole}
}

// jsonTable reads Looker's JSON; what is other JSON stays text.
func (p *Preview) jsonTable(body *payload.Blob) {
	table, err := body.Table()
	if err != nil {
		return
	}
	for _, c := range table.Columns[:min(len(table.Columns), previewColumns)] {
		p.Columns = append(p.Columns, short(c.Title()))
	}
	for row, err := range table.Rows() {
		if err != nil {
			return
		}
		if len(p.Rows) == previewRows {
			p.More = true
			return
		}
		cells := make([]string, len(p.Columns))
		for n := range cells {
			cells[n] = short(row.Cell(n).Rendered())
		}
		p.Rows = append(p.Rows, cells)
	}
}

func (p *Preview) csvTable(body *payload.Blob) {
	r := csv.NewReader(bounded.NewCSV(body.Reader(), 0))
	r.LazyQuotes, r.FieldsPerRecord = true, -1
	for {
		record, err := r.Read()
		if err != nil {
			return
		}
		if len(p.Rows) == previewRows {
			p.More = true
			return
		}
		cells := record[:min(len(record), previewColumns)]
		for n := range cells {
			cells[n] = short(cells[n])
		}
		if p.Columns == nil {
			p.Columns = cells
			continue
		}
		p.Rows = append(p.Rows, cells)
	}
}

// short keeps a cell on its line.
func short(text string) string {
	if len(text) <= previewCell {
		return text
	}
	return strings.ToValidUTF8(text[:previewCell], "") + "…"
}
