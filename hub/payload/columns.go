package payload

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// columnIndex finds the columns of cells by their names.
type columnIndex struct {
	byName map[string]int
	places []cachedColumn
}

// cachedColumn is a cell's name as JSON with a colon, and its column.
type cachedColumn struct {
	nameColon []byte
	column    int
}

// maxPlaces and maxPlaceName limit the cache for rows with very many cells.
const (
	maxPlaces    = 4096
	maxPlaceName = 1 << 10
)

// at returns the column at a place of the row, and the length of its name with a colon, if b starts with
// them. Rows usually have their cells in the same order as an earlier row.
func (x *columnIndex) at(place int, b []byte) (column, n int) {
	if place < len(x.places) {
		if p := &x.places[place]; bytes.HasPrefix(b, p.nameColon) {
			return p.column, len(p.nameColon)
		}
	}
	return 0, 0
}

// find returns the column of a name in JSON, or -1.
func (x *columnIndex) find(place int, name []byte) int {
	if place < len(x.places) {
		if p := &x.places[place]; bytes.Equal(name, p.nameColon[:len(p.nameColon)-1]) {
			return p.column
		}
	}
	unquoted, _ := jsontext.AppendUnquote(nil, name) // the only possible error is invalid UTF-8, which is accepted
	column, known := x.byName[string(unquoted)]
	if !known {
		column = -1
	}
	if place == len(x.places) && place < maxPlaces && len(name) <= maxPlaceName {
		x.places = append(x.places, cachedColumn{append(bytes.Clone(name), ':'), column})
	}
	return column
}
