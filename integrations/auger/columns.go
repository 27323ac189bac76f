package auger

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"integrationhub.dev/hub/action"
)

// column is a column at Auger.
type column struct {
	name string
	// index is the column's at Looker, pivot the key of a pivoted one.
	index int
	pivot string
}

// columnsOf returns the columns of a result. A column has its field's name without the view, as in
// the reference, or with the view if two fields share a name. A pivoted field becomes a column for
// each key. Filters and parameters are not in the rows.
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

// short returns a field's name without its view. Table calculations have no view.
func short(c action.Column) string {
	if _, name, ok := strings.Cut(c.Name, "."); ok {
		return name
	}
	return c.Name
}

// value returns a row's value, or nil. Totals in a pivoted result have no pivots.
func (c column) value(r action.Row) jsontext.Value {
	cell := r.Cell(c.index)
	if c.pivot != "" {
		if v := cell.Pivot(c.pivot).Value(); v != nil {
			return v
		}
	}
	return cell.Value()
}
