package payload

import "integrationhub.dev/hub/action"

// arena allocates the text and the places of rows in blocks, because most rows are smaller than what
// an allocation costs. Rows stay valid; a row keeps its blocks in memory.
type arena struct {
	textBlock  []byte
	placeBlock []action.CellPlace
}

const (
	textBlockBytes   = 16 << 10
	placeBlockPlaces = 256
)

// places returns n empty places.
func (a *arena) places(n int) []action.CellPlace {
	if n > len(a.placeBlock) {
		if n > placeBlockPlaces/4 {
			return make([]action.CellPlace, n)
		}
		a.placeBlock = make([]action.CellPlace, placeBlockPlaces)
	}
	places := a.placeBlock[:n:n]
	a.placeBlock = a.placeBlock[n:]
	return places
}

// text returns an empty text for n bytes.
func (a *arena) text(n int) []byte {
	if n > len(a.textBlock) {
		if n > textBlockBytes/4 {
			return make([]byte, 0, n)
		}
		a.textBlock = make([]byte, textBlockBytes)
	}
	text := a.textBlock[:0:n]
	a.textBlock = a.textBlock[n:]
	return text
}
