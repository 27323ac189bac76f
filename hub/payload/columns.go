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

// cachedColumn is a cell's name as JSON, and its column.
type cachedColumn struct {
	name   []byte
	column int
}

// maxPlaces and maxPlaceName limit the cache for rows with very many cells.
const (
	maxPlaces    = 4096
	maxPlaceName = 1 << 10
)

// at returns the column at a place of the row if its name is what b starts with, and the length of the
// name. Rows usually have their cells in the same order as an earlier row.
func (x *columnIndex) at(place int, b []byte) (column, n int) {
	if place < len(x.places) {
		if p := &x.places[place]; bytes.HasPrefix(b, p.name) {
			return p.column, len(p.name)
		}
	}
	return 0, 0
}

// find returns the column of a name in JSON, or -1.
func (x *columnIndex) find(place int, name []byte) int {
	if column, n := x.at(place, name); n > 0 {
		return column
	}
	unquoted, _ := jsontext.AppendUnquote(nil, name) // the only possible error is invalid UTF-8, which is accepted
	column, known := x.byName[string(unquoted)]
	if !known {
		column = -1
	}
	if place == len(x.places) && place < maxPlaces && len(name) <= maxPlaceName {
		x.places = append(x.places, cachedColumn{bytes.Clone(name), column})
	}
	return column
}
