// Package result makes query results like Looker's, for the demo and the end-to-end tests.
package result

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Cell is one cell of json_detail.
type Cell struct {
	Value    any    `json:"value"`
	Rendered string `json:"rendered,omitempty"`
	HTML     string `json:"html,omitempty"`
	Links    []Link `json:"links,omitempty"`
}

// Link is where a cell leads.
type Link struct {
	Label string `json:"label"`
	URL   string `json:"url"`
	Type  string `json:"type"`
}

// Row is one row: cells by column, and for pivoted columns by pivot key below that.
type Row map[string]any

// Detail is a result in Looker's format json_detail.
type Detail struct {
	Fields map[string][]map[string]any `json:"fields"`
	Pivots []map[string]any            `json:"pivots"`
	Data   []Row                       `json:"data"`
	RanAt  string                      `json:"ran_at"`
}

// New makes a result of n rows with everything that trips a careless reader: pivots, links,
// HTML, nulls, quotes, line breaks, letters outside ASCII, long numbers, table calculations.
func New(n int) Detail {
	field := func(name, label string) map[string]any {
		return map[string]any{"name": name, "label": "Orders " + label, "label_short": label, "tags": []string{}}
	}
	d := Detail{
		Fields: map[string][]map[string]any{
			"dimensions":         {field("orders.id", "Id"), field("orders.day", "Day"), field("users.name", "Name")},
			"measures":           {field("orders.total", "Total")},
			"table_calculations": {field("share", "Share")},
		},
		Pivots: []map[string]any{
			{"key": "web", "labels": map[string]string{"orders.channel": "Web"}},
			{"key": "shop", "labels": map[string]string{"orders.channel": "Shop"}},
		},
		RanAt: "2026-11-23T12:00:00Z",
	}
	names := []string{`Zoë "Z" O'Neill`, "Łukasz\nNowak", "李小龙", `back\slash </script>`, ""}
	for i := range n {
		name := Cell{Value: names[i%len(names)]}
		if i%len(names) == 4 {
			name = Cell{Value: nil}
		}
		d.Data = append(d.Data, Row{
			"orders.id": Cell{
				Value: json.Number(fmt.Sprintf("90071992547409%02d%d", i%100, i)),
				Links: []Link{{"Show order", fmt.Sprintf("https://looker.example.com/orders/%d?a=1&b=2", i), "drill"}},
			},
			"orders.day": Cell{
				Value: fmt.Sprintf("2026-%02d-%02d", i%12+1, i%28+1), Rendered: fmt.Sprintf("Day %d", i),
				HTML: fmt.Sprintf("<b class=\"day\">%d</b>", i),
			},
			"users.name": name,
			"orders.total": map[string]Cell{
				"web":  {Value: json.Number(fmt.Sprintf("%d.50", i*3)), Rendered: fmt.Sprintf("$%d.50", i*3)},
				"shop": {Value: nil},
			},
			"share": Cell{Value: json.Number(fmt.Sprintf("0.%03d", i%1000))},
		})
	}
	return d
}

// JSON is the result as Looker sends it.
func (d Detail) JSON() []byte {
	b, err := json.Marshal(d)
	if err != nil {
		panic(err) // only values made here come in
	}
	return b
}

// Line is one row of an arrived result, for a person to read.
func Line(row map[string]json.RawMessage) string {
	var cells []string
	for _, name := range []string{"orders.id", "orders.day", "users.name", "orders.total", "share"} {
		cells = append(cells, fmt.Sprintf("%-24s", text(row[name])))
	}
	return strings.TrimRight(strings.Join(cells, " "), " ")
}

func text(raw json.RawMessage) string {
	var c struct {
		Value json.RawMessage            `json:"value"`
		Web   map[string]json.RawMessage `json:"web"`
		Shop  map[string]json.RawMessage `json:"shop"`
	}
	if json.Unmarshal(raw, &c) != nil {
		return "?"
	}
	if c.Web != nil {
		return fmt.Sprintf("web %s, shop %s", c.Web["value"], c.Shop["value"])
	}
	return string(c.Value)
}
