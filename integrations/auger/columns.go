package auger

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"integrationhub.dev/hub/action"
)

// column is one column at Auger.
type column struct {
	name string
	// index is that of Looker's column, and pivot the key where it is pivoted.
	index int
	pivot string
}

// columnsOf are those of a result. Each has its field's name without the view, as the
// reference has it; where two views have a field of the same name, with it. A pivoted field
// becomes a column for each key. Filters and parameters are not in the rows.
func columnsOf(table *action.Table) []column {
	count := map[string]int{}
	for _, c := range table.Columns {
		count[short(c)]++
	}
	used := map[string]bool{}
	var all []column
	add := func(name string, index int, pivot string) {
		for used[name] {
			name += "_"
		}
		used[name] = true
		all = append(all, column{name, index, pivot})
	}
	for i, c := range table.Columns {
		if c.Group == "filters" || c.Group == "parameters" {
			continue
		}
		name := short(c)
		if count[name] > 1 {
			name = strings.ReplaceAll(c.Name, ".", "_")
		}
		if len(table.Pivots) == 0 || c.Group == "dimensions" {
			add(name, i, "")
			continue
		}
		for _, p := range table.Pivots {
			add(name+"_"+p.Key, i, p.Key)
		}
	}
	return all
}

// short is a field's name without its view. Table calculations have none.
func short(c action.Column) string {
	if _, name, ok := strings.Cut(c.Name, "."); ok {
		return name
	}
	return c.Name
}

// value is a row's, or nil where it has none. In a pivoted result, totals and the like stand
// in a row once.
func (c column) value(r action.Row) jsontext.Value {
	cell := r.Cell(c.index)
	if c.pivot != "" {
		if v := cell.Pivot(c.pivot).Value(); v != nil {
			return v
		}
	}
	return cell.Value()
}
