package sample

import (
	"archive/zip"
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// maxSheetRows is Excel's limit, the header's row included.
const maxSheetRows = 1 << 20

// The parts of a workbook with one sheet (ECMA-376, part 1). Strings stand in the cells
// themselves: a shared table of them would have to be kept until the end.
const (
	xmlHead     = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	spreadsheet = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
	relations   = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	packageRels = "http://schemas.openxmlformats.org/package/2006/relationships"
	sheetMIME   = "application/vnd.openxmlformats-officedocument.spreadsheetml."
)

var workbook = []struct{ name, content string }{
	{"[Content_Types].xml", `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">` +
		`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
		`<Default Extension="xml" ContentType="application/xml"/>` +
		`<Override PartName="/xl/workbook.xml" ContentType="` + sheetMIME + `sheet.main+xml"/>` +
		`<Override PartName="/xl/styles.xml" ContentType="` + sheetMIME + `styles+xml"/>` +
		`<Override PartName="/xl/worksheets/sheet1.xml" ContentType="` + sheetMIME + `worksheet+xml"/></Types>`},
	{"_rels/.rels", `<Relationships xmlns="` + packageRels + `">` +
		`<Relationship Id="rId1" Type="` + relations + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`},
	{"xl/workbook.xml", `<workbook xmlns="` + spreadsheet + `" xmlns:r="` + relations + `">` +
		`<sheets><sheet name="Sample" sheetId="1" r:id="rId1"/></sheets></workbook>`},
	{"xl/_rels/workbook.xml.rels", `<Relationships xmlns="` + packageRels + `">` +
		`<Relationship Id="rId1" Type="` + relations + `/worksheet" Target="worksheets/sheet1.xml"/>` +
		`<Relationship Id="rId2" Type="` + relations + `/styles" Target="styles.xml"/></Relationships>`},
	// Style 1 is a date, 2 an amount of money.
	{"xl/styles.xml", `<styleSheet xmlns="` + spreadsheet + `">` +
		`<numFmts count="2"><numFmt numFmtId="164" formatCode="yyyy\-mm\-dd"/>` +
		`<numFmt numFmtId="165" formatCode="&quot;$&quot;#,##0.00"/></numFmts>` +
		`<fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>` +
		`<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>` +
		`<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>` +
		`<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>` +
		`<cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>` +
		`<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>` +
		`<xf numFmtId="165" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs>` +
		`<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>`},
}

func writeXLSX(w *bufio.Writer, rows int) error {
	if rows >= maxSheetRows {
		return fmt.Errorf("an Excel sheet has room for %d rows at most", maxSheetRows-1)
	}
	archive := zip.NewWriter(w)
	for _, part := range workbook {
		if err := addPart(archive, part.name, func(w *bufio.Writer) error {
			_, err := w.WriteString(part.content)
			return err
		}); err != nil {
			return err
		}
	}
	if err := addPart(archive, "xl/worksheets/sheet1.xml", func(w *bufio.Writer) error { return writeSheet(w, rows) }); err != nil {
		return err
	}
	return archive.Close()
}

func addPart(archive *zip.Writer, name string, write func(*bufio.Writer) error) error {
	part, err := archive.Create(name)
	if err != nil {
		return fmt.Errorf("making the workbook: %w", err)
	}
	w := bufio.NewWriter(part)
	_, _ = io.WriteString(w, xmlHead) // Flush reports the first error
	if err := write(w); err != nil {
		return err
	}
	return w.Flush()
}

func writeSheet(w *bufio.Writer, rows int) error {
	_, _ = w.WriteString(`<worksheet xmlns="` + spreadsheet + `"><sheetData>`)
	var line strings.Builder
	line.WriteString(`<row r="1">`)
	for _, label := range labels() {
		writeString(&line, label)
	}
	_, _ = w.WriteString(line.String() + "</row>")
	p := newPeople()
	for i := range rows {
		line.Reset()
		line.WriteString(`<row r="` + strconv.Itoa(i+2) + `">`)
		for n, c := range p.row(i) {
			writeCell(&line, columns[n].Kind, c)
		}
		line.WriteString("</row>")
		if _, err := w.WriteString(line.String()); err != nil {
			return err
		}
	}
	_, err := w.WriteString("</sheetData></worksheet>")
	return err
}

// excelEpoch is day 0 of Excel's calendar for all dates after February 1900.
var excelEpoch = time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)

func writeCell(b *strings.Builder, k kind, c cell) {
	switch {
	case c.null:
		b.WriteString("<c/>")
	case k == date:
		day, _ := time.Parse(time.DateOnly, c.value) // written by this package
		b.WriteString(`<c s="1"><v>` + strconv.Itoa(int(day.Sub(excelEpoch).Hours()/24)) + "</v></c>")
	case k == money:
		b.WriteString(`<c s="2"><v>` + c.value + "</v></c>")
	case k == number:
		b.WriteString("<c><v>" + c.value + "</v></c>")
	default:
		writeString(b, c.value)
	}
}

func writeString(b *strings.Builder, text string) {
	b.WriteString(`<c t="inlineStr"><is><t xml:space="preserve">`)
	_ = xml.EscapeText(b, []byte(text)) // a builder takes all
	b.WriteString("</t></is></c>")
}
