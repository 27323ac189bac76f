package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"strings"
)

// document is a query's result of any size that is made while it is written, so that the
// size costs this program no memory. No two blocks and no two documents are alike: data
// that is lost, doubled or out of place shows in the checksum.
type document struct {
	format           format
	head, block, end []byte
	stamps           []int // where each block carries its number, of stampDigits digits
	blocks           int
	glue             []byte // between blocks
}

// format is how Looker sends a kind of result.
type format struct {
	name, mime, extension string
	base64                bool
}

var (
	csvFormat  = format{"csv", "text/csv", "csv", false}
	jsonFormat = format{"json_detail", "application/json", "json", false}
	xlsxFormat = format{"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet;base64", "xlsx", true}
	pdfFormat  = format{"pdf", "application/pdf;base64", "pdf", true}
)

const (
	stampDigits = 8
	stampMark   = "########"
	csvRows     = 8000
	detailRows  = 1000
	noiseBytes  = 768 << 10
)

// digest is what one sees of a body that passed by.
type digest struct {
	Size int64
	Sum  uint32
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (d *digest) Write(p []byte) (int, error) {
	d.Size += int64(len(p))
	d.Sum = crc32.Update(d.Sum, castagnoli, p)
	return len(p), nil
}

func (d digest) String() string { return fmt.Sprintf("%d bytes with the checksum %08x", d.Size, d.Sum) }

// newDocument makes a document of about size bytes. The identifier makes it one of a kind.
func newDocument(f format, size int64, identifier string) document {
	d := document{format: f}
	switch f {
	case csvFormat:
		d.head = []byte("Number,Day,Customer,Total,Text " + identifier + "\n")
		row := stampMark + ",2026-11-23,\"Zoë \"\"Z\"\" O'Neill, Łódź\",1234.50,\"some text, quoted\"\n"
		d.block = bytes.Repeat([]byte(row), clamp(size/int64(len(row)), csvRows))
	case jsonFormat:
		d.head = fmt.Appendf(nil, `{"id":%q,"fields":{"dimensions":[{"name":"o.id","label":"Id"},`+
			`{"name":"o.day","label":"Day"},{"name":"u.name","label":"Name"}],`+
			`"measures":[{"name":"o.total","label":"Total"}],"table_calculations":[]},"pivots":[],"data":[`, identifier)
		rows := make([]string, clamp(size/int64(len(detailRow(0))), detailRows))
		for i := range rows {
			rows[i] = detailRow(i)
		}
		d.block, d.glue, d.end = []byte(strings.Join(rows, ",")), []byte(","), []byte(`]}`)
	default:
		d.head, d.block = []byte(identifier), noise(clamp(size, noiseBytes))
	}
	d.blocks = int(max(1, size/int64(len(d.block))))
	d.stamps = marks(d.block)
	return d
}

func clamp(n int64, most int) int { return int(min(max(n, 1), int64(most))) }

// detailRow is a row of json_detail with what trips a careless reader.
func detailRow(i int) string {
	return fmt.Sprintf(`{"o.id":{"value":"%s-%03d","links":[{"label":"Show","url":"https://looker.example.com/orders/%d?a=1"}]},`+
		`"o.day":{"value":"2026-11-23","rendered":"November 23"},"u.name":{"value":"Zoë \"Z\" O'Neill\n"},`+
		`"o.total":{"value":%d.50,"rendered":"$%d.50"}}`,
		stampMark, i, i, i, i)
}

// noise is bytes of no meaning, the same in every run: a hub does not look into files.
func noise(n int) []byte {
	block := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{}).Read(block) // never fails
	if n >= len(stampMark) {
		copy(block, stampMark)
	}
	return block
}

// marks are the places of a block's stamps.
func marks(block []byte) []int {
	var at []int
	for from := 0; ; {
		i := bytes.Index(block[from:], []byte(stampMark))
		if i < 0 {
			return at
		}
		at = append(at, from+i)
		from += i + stampDigits
	}
}

// WriteTo writes the document as the destination must get it.
func (d document) WriteTo(w io.Writer) (int64, error) {
	var n int64
	put := func(p []byte) error {
		m, err := w.Write(p)
		n += int64(m)
		return err
	}
	if err := put(d.head); err != nil {
		return n, err
	}
	block := bytes.Clone(d.block)
	for i := range d.blocks {
		if i > 0 {
			if err := put(d.glue); err != nil {
				return n, err
			}
		}
		stamp := fmt.Appendf(nil, "%0*d", stampDigits, i)
		for _, at := range d.stamps {
			copy(block[at:], stamp)
		}
		if err := put(block); err != nil {
			return n, err
		}
	}
	err := put(d.end)
	return n, err
}

// digest is what a destination must have seen.
func (d document) digest() digest {
	var sum digest
	_, _ = d.WriteTo(&sum) // a digest takes everything
	return sum
}

// attachment writes the inside of the JSON string in which Looker sends the document.
func (d document) attachment(w io.Writer) error {
	if d.format.base64 {
		enc := base64.NewEncoder(base64.StdEncoding, w)
		if _, err := d.WriteTo(enc); err != nil {
			return err
		}
		return enc.Close()
	}
	escaped := d
	escaped.head, escaped.block, escaped.glue, escaped.end = jsonText(d.head), jsonText(d.block), jsonText(d.glue), jsonText(d.end)
	escaped.stamps = marks(escaped.block)
	_, err := escaped.WriteTo(w)
	return err
}

// jsonText is the inside of a JSON string.
func jsonText(p []byte) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(string(p)); err != nil {
		panic(err) // strings are always encoded
	}
	return bytes.TrimSuffix(b.Bytes()[1:], []byte("\"\n"))
}
