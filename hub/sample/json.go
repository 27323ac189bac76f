package sample

import (
	"bufio"
	"encoding/json"

	"github.com/go-json-experiment/json/jsontext"
)

// field is a column's description in json_detail.
type field struct {
	Name       string   `json:"name"`
	Label      string   `json:"label"`
	LabelShort string   `json:"label_short"`
	Type       string   `json:"type"`
	IsNumeric  bool     `json:"is_numeric"`
	Tags       []string `json:"tags"`
}

// fields describe the columns in Looker's groups.
func fields() map[string][]field {
	groups := map[string][]field{"dimensions": {}, "measures": {}, "table_calculations": {}, "pivots": {}}
	types := map[kind]string{text: "string", number: "number", date: "date_date", money: "sum"}
	for _, c := range columns {
		f := field{c.Name, c.Label, c.Short, types[c.Kind], c.Kind == number || c.Kind == money, c.Tags}
		if f.Tags == nil {
			f.Tags = []string{}
		}
		group := "dimensions"
		if c.Measure {
			group = "measures"
		}
		groups[group] = append(groups[group], f)
	}
	return groups
}

// writeDetail writes {"fields":…,"data":[row…]}; rich cells lead somewhere.
func writeDetail(rich bool) func(*bufio.Writer, int) error {
	return func(w *bufio.Writer, rows int) error {
		head, err := json.Marshal(struct {
			Fields    map[string][]field `json:"fields"`
			Pivots    []string           `json:"pivots"`
			RanAt     string             `json:"ran_at"`
			HasTotals bool               `json:"has_totals"`
			Truncated bool               `json:"truncated"`
		}{fields(), []string{}, ranAt, false, false})
		if err != nil {
			return err
		}
		_, _ = w.Write(head[:len(head)-1]) // Flush reports the first error
		_, _ = w.WriteString(`,"data":`)
		if err := writeRows(w, rows, rich); err != nil {
			return err
		}
		return w.WriteByte('}')
	}
}

// writeBI writes {"metadata":…,"rows":[row…]}.
func writeBI(w *bufio.Writer, rows int) error {
	head, err := json.Marshal(struct {
		Fields    map[string][]field `json:"fields"`
		Pivots    []string           `json:"pivots"`
		RanAt     string             `json:"ran_at"`
		HasTotals bool               `json:"has_totals"`
	}{fields(), []string{}, ranAt, false})
	if err != nil {
		return err
	}
	_, _ = w.WriteString(`{"metadata":`)
	_, _ = w.Write(head)
	_, _ = w.WriteString(`,"rows":`)
	if err := writeRows(w, rows, false); err != nil {
		return err
	}
	return w.WriteByte('}')
}

// writeRows writes rows of cells: {"value":…,"rendered":…}.
func writeRows(w *bufio.Writer, rows int, rich bool) error {
	keys := quoted(func(c column) string { return c.Name })
	return writeArray(w, rows, func(b []byte, row []cell) ([]byte, error) {
		for n, c := range row {
			b = append(append(b, keys[n]...), `{"value":`...)
			b = appendValue(b, columns[n], c)
			var err error
			if c.rendered != "" {
				b = append(b, `,"rendered":`...)
				if b, err = jsontext.AppendQuote(b, c.rendered); err != nil {
					return nil, err
				}
			}
			if rich && n == 0 {
				b = append(b, `,"links":[{"label":"Show orders","url":"https://looker.example.com/explore/shop/orders?f[users.id]=`...)
				b = append(append(b, c.value...), `","type":"drill"}]`...)
			}
			b = append(b, '}')
		}
		return b, nil
	})
}

// writeObjects writes rows of bare values, below the columns' names or labels.
func writeObjects(title func(column) string) func(*bufio.Writer, int) error {
	keys := quoted(title)
	return func(w *bufio.Writer, rows int) error {
		return writeArray(w, rows, func(b []byte, row []cell) ([]byte, error) {
			for n, c := range row {
				b = appendValue(append(b, keys[n]...), columns[n], c)
			}
			return b, nil
		})
	}
}

// writeArray writes the rows' array; members appends what stands between a row's braces.
func writeArray(w *bufio.Writer, rows int, members func(b []byte, row []cell) ([]byte, error)) error {
	_ = w.WriteByte('[')
	p := newPeople()
	var b []byte
	for i := range rows {
		b = b[:0]
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = members(append(b, "\n{"...), p.row(i)); err != nil {
			return err
		}
		if _, err := w.Write(append(b, '}')); err != nil {
			return err
		}
	}
	return w.WriteByte(']')
}

// quoted are the columns' keys as they stand in a row, with what precedes and follows them.
func quoted(title func(column) string) []string {
	keys := make([]string, len(columns))
	for n, c := range columns {
		key, _ := jsontext.AppendQuote(nil, title(c)) // constants are valid UTF-8
		keys[n] = string(key) + ":"
		if n > 0 {
			keys[n] = "," + keys[n]
		}
	}
	return keys
}

func appendValue(b []byte, c column, v cell) []byte {
	switch {
	case v.null:
		return append(b, "null"...)
	case c.Kind == number || c.Kind == money:
		return append(b, v.value...)
	}
	b, _ = jsontext.AppendQuote(b, v.value) // values are valid UTF-8
	return b
}
