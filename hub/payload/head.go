package payload

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/bounded"
)

// The head of a json_detail result is everything but its rows: columns, pivots, the time of the
// query and its errors.

// maxHead limits the JSON of columns and pivots, which stay in memory.
const maxHead = 8 << 20

// fields reads the columns of all groups and puts them into the order of groups.
func (d *tableDecoder) fields() error {
	byGroup := map[string][]action.Column{}
	n := 0
	err := d.object(func(group string) error {
		if !slices.Contains(groups, group) {
			return endOfInput(d.json.SkipValue())
		}
		byGroup[group] = nil
		return d.list(func() error {
			if n++; n > bounded.MaxColumns {
				return bounded.TooManyColumns()
			}
			var c action.Column
			if err := d.headValue(&c); err != nil {
				return fmt.Errorf("reading the %s: %w", group, err)
			}
			byGroup[group] = append(byGroup[group], c)
			return nil
		})
	})
	if err != nil {
		return err
	}
	d.columns, d.index, d.haveFields = nil, columnIndex{byName: map[string]int{}}, true
	for _, group := range groups {
		for _, c := range byGroup[group] {
			c.Group = group
			d.index.byName[c.Name] = len(d.columns)
			d.columns = append(d.columns, c)
		}
	}
	return nil
}

func (d *tableDecoder) readPivots() error {
	d.pivots = nil
	return d.list(func() error {
		if len(d.pivots) == bounded.MaxColumns {
			return bounded.TooManyColumns()
		}
		var p action.Pivot
		if err := d.headValue(&p); err != nil {
			return fmt.Errorf("reading the pivots: %w", err)
		}
		d.pivots = append(d.pivots, p)
		return nil
	})
}

// headValue reads one column or pivot.
func (d *tableDecoder) headValue(into any) error {
	v, err := d.json.ReadValue()
	if err != nil {
		return endOfInput(err)
	}
	if d.headBytes += len(v); d.headBytes > maxHead {
		return bounded.TooLarge(maxHead)
	}
	return json.Unmarshal(v, into, lenient[0], lenient[1])
}

// object calls member for each member of an object, which must read one value; null is empty.
func (d *tableDecoder) object(member func(name string) error) error {
	if d.json.PeekKind() != '{' {
		return d.null()
	}
	return d.walk(func() error {
		name, err := d.json.ReadToken()
		if err != nil {
			return endOfInput(err)
		}
		return member(name.String())
	})
}

// list calls element for each element of an array, which must read one value; null is empty.
func (d *tableDecoder) list(element func() error) error {
	if d.json.PeekKind() != '[' {
		return d.null()
	}
	return d.walk(element)
}

func (d *tableDecoder) null() error {
	tok, err := d.json.ReadToken()
	if err != nil {
		return endOfInput(err)
	}
	if tok.Kind() != 'n' {
		return fmt.Errorf("%s where an object or an array belongs", tok.Kind())
	}
	return nil
}

// walk iterates over an object or an array.
func (d *tableDecoder) walk(next func() error) error {
	if _, err := d.json.ReadToken(); err != nil {
		return endOfInput(err)
	}
	for {
		if kind := d.json.PeekKind(); kind == '}' || kind == ']' || kind == 0 { // 0: reading returns the error
			_, err := d.json.ReadToken()
			return endOfInput(err)
		}
		if err := next(); err != nil {
			return err
		}
	}
}

// ran reads the time of the query in Looker's format, 2017-07-28T02:25:19+00:00, and ignores other
// values.
func (d *tableDecoder) ran() error {
	v, err := d.json.ReadValue()
	if err != nil {
		return endOfInput(err)
	}
	if at, err := time.Parse(time.RFC3339, action.Text(v)); err == nil {
		d.ranAt = at
	}
	return nil
}

// queryErrors returns the error of a failed query, which otherwise looks like an empty result.
func (d *tableDecoder) queryErrors() error {
	kind := d.json.PeekKind()
	if kind != '[' {
		if err := d.json.SkipValue(); err != nil {
			return endOfInput(err)
		}
		if kind == 'n' {
			return nil
		}
		return errQueryFailed
	}
	failed := false
	var first struct {
		Message string `json:"message"`
	}
	err := d.list(func() error {
		if failed {
			return endOfInput(d.json.SkipValue())
		}
		failed = true
		v, err := d.json.ReadValue()
		if err == nil {
			_ = json.Unmarshal(v, &first, lenient[0], lenient[1]) // the query failed even without a message
		}
		return endOfInput(err)
	})
	switch {
	case err != nil:
		return err
	case !failed:
		return nil
	case first.Message == "":
		return errQueryFailed
	}
	return action.Errorf(action.Invalid, "Looker's query failed: %s", cut(first.Message))
}

var errQueryFailed = action.Errorf(action.Invalid, "Looker's query failed.")

// cut limits the length of an external message.
func cut(message string) string {
	const maxMessage = 1000
	if len(message) <= maxMessage {
		return message
	}
	return strings.ToValidUTF8(message[:maxMessage], "") + "…"
}
