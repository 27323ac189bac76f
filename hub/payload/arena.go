package payload

import "integrationhub.dev/hub/action"

// arena allocates the cells of rows and their text in blocks, because most rows are smaller than what
// an allocation costs. Rows stay valid; a row keeps its blocks in memory.
type arena struct {
	textBlock []byte
	cellBlock []action.Cell
}

const (
	textBlockBytes = 16 << 10
	cellBlockCells = 256
)

// cells returns n empty cells.
func (a *arena) cells(n int) []action.Cell {
	if n > len(a.cellBlock) {
		if n > cellBlockCells/4 {
			return make([]action.Cell, n)
		}
		a.cellBlock = make([]action.Cell, cellBlockCells)
	}
	cells := a.cellBlock[:n:n]
	a.cellBlock = a.cellBlock[n:]
	return cells
}

// text returns a copy of a text between two others.
func (a *arena) text(before string, text []byte, after string) []byte {
	n := len(before) + len(text) + len(after)
	if n > cap(a.textBlock)-len(a.textBlock) {
		if n > textBlockBytes/4 {
			return append(append(append(make([]byte, 0, n), before...), text...), after...)
		}
		a.textBlock = make([]byte, 0, textBlockBytes)
	}
	start := len(a.textBlock)
	a.textBlock = append(append(append(a.textBlock, before...), text...), after...)
	return a.textBlock[start:len(a.textBlock):len(a.textBlock)]
}
