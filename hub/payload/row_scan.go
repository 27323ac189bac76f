package payload

// rowScan finds the cells of a row that is complete in a buffer.
type rowScan struct {
	cells []scannedCell // of the last row
	bytes int           // of those cells
	// strict rows have no cells without a column.
	strict bool
}

// scannedCell is the place of a cell in the buffer, and that of its value as in scannedObject.
type scannedCell struct {
	column, start int
	scannedObject
}

// row scans a row, and the comma before it unless it is the first one. It returns the length, or 0 if the
// row is not valid or not complete, which the library then decides.
func (s *rowScan) row(b []byte, first bool, columns *columnIndex) int {
	s.cells, s.bytes = s.cells[:0], 0
	i := 0
	if !first {
		if i = scanMark(b, i, ','); i == 0 {
			return 0
		}
	}
	if i = scanMark(b, i, '{'); i == 0 || i >= len(b) {
		return 0
	}
	if b[i] == '}' {
		return i + 1
	}
	for place := 0; ; place++ {
		if i = s.cell(b, i, place, columns); i == 0 {
			return 0
		}
		if i = scanSpace(b, i); i >= len(b) {
			return 0
		}
		switch b[i] {
		case ',':
			i = scanSpace(b, i+1)
		case '}':
			return i + 1
		default:
			return 0
		}
	}
}

// cell scans the name of a cell, and the cell.
func (s *rowScan) cell(b []byte, i, place int, columns *columnIndex) int {
	column, n := columns.at(place, b[i:])
	if n > 0 {
		i = scanSpace(b, i+n)
	} else {
		end := scanString(b, i)
		if end == 0 {
			return 0
		}
		column = columns.find(place, b[i:end])
		i = scanMark(b, end, ':')
	}
	if i == 0 || i >= len(b) {
		return 0
	}
	cell := scannedCell{column: column, start: i}
	if b[i] == '{' {
		cell.scannedObject = scanObject(b, i, maxScanDepth)
	} else {
		cell.end = scanValue(b, i, maxScanDepth)
	}
	switch {
	case cell.end == 0 || column < 0 && s.strict:
		return 0
	case column >= 0:
		s.cells = append(s.cells, cell)
		s.bytes += cell.end - cell.start
	}
	return cell.end
}
