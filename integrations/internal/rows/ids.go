package rows

import (
	"context"
	"regexp"
	"strings"

	"integrationhub.dev/hub/action"
)

// IDKind describes the IDs that an action works on: the value of the cell that was clicked, or
// those in a tagged column.
type IDKind struct {
	// Tag is the LookML tag of the column.
	Tag string
	// Valid matches a whole ID. Noun is its name in messages, such as "droplet ID".
	Valid *regexp.Regexp
	Noun  string
	// NoCell is the error message for a cell without a value.
	NoCell string
}

// Read returns the distinct IDs in the request, in their order. All data is read and checked
// first: an action that cannot be undone must not start on truncated or wrong data.
func (k IDKind) Read(ctx context.Context, req *action.Request) ([]string, error) {
	if req.Type == action.TypeCell {
		value := strings.TrimSpace(req.Params["value"])
		switch {
		case value == "":
			return nil, action.Errorf(action.Invalid, "%s", k.NoCell)
		case !k.Valid.MatchString(value):
			return nil, action.Errorf(action.Invalid, "The cell's value is not a valid %s. Nothing was done.", k.Noun)
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

func (k IDKind) distinct(table *action.Table, column int) ([]string, error) {
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
		const format = "%d of %d rows have no valid %s in the field tagged %s. Nothing was done."
		return nil, action.Errorf(action.Invalid, format, bad, rows, k.Noun, k.Tag)
	}
	return ids, nil
}
