// Package tagged finds the identifiers that an action is to work on: the value of the cell that
// a person clicked, or those of a query's tagged column.
package tagged

import (
	"context"
	"iter"
	"regexp"
	"strings"

	"integrationhub.dev/hub/action"
)

// Kind is a kind of identifier.
type Kind struct {
	// Tag is the LookML tag of the column.
	Tag string
	// Valid matches an identifier whole; Noun is what people call one.
	Valid *regexp.Regexp
	Noun  string
	// NoCell is the error's text for a cell without a value.
	NoCell string
}

// Read returns the identifiers in the request, each once, in their order. The data is read to
// its end and checked before anything is returned: an action that cannot be taken back is not
// begun on data that breaks off or holds something else. Without rows there are none.
func (k Kind) Read(ctx context.Context, req *action.Request) ([]string, error) {
	if req.Type == action.TypeCell {
		value := strings.TrimSpace(req.Params["value"])
		switch {
		case value == "":
			return nil, action.Errorf(action.Invalid, "%s", k.NoCell)
		case !k.Valid.MatchString(value):
			return nil, action.Errorf(action.Invalid, "The cell's value is no %s. Nothing was done.", k.Noun)
		}
		return []string{value}, nil
	}
	if req.Data.Empty() {
		return nil, action.Errorf(action.Invalid, "Couldn't get data from attachment.")
	}
	table, err := req.Data.Table(ctx)
	if err != nil {
		return nil, err
	}
	column := table.Tagged(k.Tag)
	if column < 0 {
		return nil, action.Errorf(action.Invalid, "Query requires a field tagged %s.", k.Tag)
	}
	return k.distinct(table, column)
}

func (k Kind) distinct(table *action.Table, column int) ([]string, error) {
	var ids []string
	seen := map[string]bool{}
	rows, bad := 0, 0
	for row, err := range table.Rows() {
		if err != nil {
			return nil, err
		}
		rows++
		id := strings.TrimSpace(row.Cell(column).Text())
		switch {
		case !k.Valid.MatchString(id):
			bad++
		case !seen[id]:
			seen[id] = true
			ids = append(ids, id)
		}
	}
	if bad > 0 {
		return nil, action.Errorf(action.Invalid, "%d of %d rows hold no %s in the field tagged %s. Nothing was done.", bad, rows, k.Noun, k.Tag)
	}
	return ids, nil
}

// Each yields identifiers that are known to be good, for package deliver.
func Each(ids []string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, id := range ids {
			if !yield(id, nil) {
				return
			}
		}
	}
}
