package expression

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
)

// errInteger means that a number is an integer of more than 64 bits.
var errInteger = errors.New("integer of more than 64 bits")

// FromJSON converts JSON to a value of CEL. Integers keep their digits if they have at most 64 bits; other
// numbers are doubles. Text that is not valid JSON is null.
func FromJSON(text []byte) ref.Val {
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	var value any
	if d.Decode(&value) != nil || d.More() {
		return types.NullValue
	}
	return native(value)
}

// native converts a decoded value of JSON.
func native(value any) ref.Val {
	switch v := value.(type) {
	case nil:
		return types.NullValue
	case bool:
		return types.Bool(v)
	case string:
		return types.String(v)
	case json.Number:
		return number(v.String())
	case []any:
		items := make([]ref.Val, len(v))
		for i, item := range v {
			items[i] = native(item)
		}
		return types.NewRefValList(types.DefaultTypeAdapter, items)
	case map[string]any:
		members := make(map[ref.Val]ref.Val, len(v))
		for name, member := range v {
			members[types.String(name)] = native(member)
		}
		return types.NewRefValMap(types.DefaultTypeAdapter, members)
	}
	return types.NullValue
}

// number converts a number of JSON.
func number(text string) ref.Val {
	if !strings.ContainsAny(text, ".eE") {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return types.Int(n)
		}
		if n, err := strconv.ParseUint(text, 10, 64); err == nil {
			return types.Uint(n)
		}
		return types.WrapErr(errInteger)
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return types.WrapErr(errInteger)
	}
	return types.Double(f)
}

// textOf converts a value to text. Null is empty.
func textOf(v ref.Val) (string, error) {
	switch v := v.(type) {
	case types.String:
		return string(v), nil
	case types.Null:
		return "", nil
	case types.Bool:
		return strconv.FormatBool(bool(v)), nil
	case types.Int:
		return strconv.FormatInt(int64(v), 10), nil
	case types.Uint:
		return strconv.FormatUint(uint64(v), 10), nil
	case types.Double:
		if text, ok := formatDouble(float64(v)); ok {
			return text, nil
		}
	case types.Timestamp:
		return v.Format(time.RFC3339Nano), nil
	case types.Duration:
		return v.String(), nil
	case *types.Optional:
		if !v.HasValue() {
			return "", nil
		}
		return textOf(v.GetValue())
	}
	return "", &Error{"the result is not text"}
}

// formatDouble writes a number of JSON; infinity is none.
func formatDouble(f float64) (string, bool) {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return "", false
	}
	if math.Abs(f) < 1e21 && (f == 0 || math.Abs(f) >= 1e-6) {
		return strconv.FormatFloat(f, 'f', -1, 64), true
	}
	return strconv.FormatFloat(f, 'g', -1, 64), true
}

// absent reports whether a value is optional.none().
func absent(v ref.Val) bool {
	o, ok := v.(*types.Optional)
	return ok && !o.HasValue()
}

// maxValueDepth is the maximum nesting of a value.
const maxValueDepth = 64

// writer appends JSON and bounds its size.
type writer struct {
	text []byte
	max  int
}

// errTooLarge means that the JSON exceeds its limit.
var errTooLarge = &Error{"it is too large"}

func (w *writer) raw(text string) error {
	if len(w.text)+len(text) > w.max {
		return errTooLarge
	}
	w.text = append(w.text, text...)
	return nil
}

func (w *writer) bytes(text []byte) error {
	if len(w.text)+len(text) > w.max {
		return errTooLarge
	}
	w.text = append(w.text, text...)
	return nil
}

func (w *writer) string(text string) error {
	if len(w.text)+len(text) > w.max {
		return errTooLarge
	}
	w.text, _ = jsontext.AppendQuote(w.text, text) // invalid UTF-8 is replaced
	if len(w.text) > w.max {
		return errTooLarge
	}
	return nil
}

// value appends a value. Members of maps are in order of their names.
func (w *writer) value(v ref.Val, depth int) error {
	if depth > maxValueDepth {
		return &Error{"a value is nested too deep"}
	}
	switch v := v.(type) {
	case types.String:
		return w.string(string(v))
	case types.Bytes:
		return w.string(base64.StdEncoding.EncodeToString(v))
	case types.Null:
		return w.raw("null")
	case *types.Optional:
		if !v.HasValue() {
			return w.raw("null")
		}
		return w.value(v.GetValue(), depth+1)
	case *record:
		return v.write(w)
	case traits.Mapper:
		return w.object(v, depth)
	case traits.Lister:
		return w.list(v, depth)
	case types.Timestamp, types.Duration:
		text, err := textOf(v)
		if err != nil {
			return err
		}
		return w.string(text)
	case types.Bool, types.Int, types.Uint, types.Double:
		text, err := textOf(v)
		if err != nil {
			return &Error{"a number is not finite"}
		}
		return w.raw(text)
	case *types.Err:
		return explain(v)
	}
	return &Error{"a value has the wrong type"}
}

func (w *writer) object(m traits.Mapper, depth int) error {
	members := map[string]ref.Val{}
	var names []string
	for it := m.Iterator(); it.HasNext() == types.True; {
		key := it.Next()
		name, err := textOf(key)
		if err != nil {
			return &Error{"the name of a member is not text"}
		}
		value := m.Get(key)
		if absent(value) {
			continue
		}
		if _, twice := members[name]; !twice {
			names = append(names, name)
		}
		members[name] = value
	}
	slices.Sort(names)
	for i, name := range names {
		separator := ","
		if i == 0 {
			separator = "{"
		}
		if err := w.raw(separator); err != nil {
			return err
		}
		if err := w.string(name); err != nil {
			return err
		}
		if err := w.raw(":"); err != nil {
			return err
		}
		if err := w.value(members[name], depth+1); err != nil {
			return err
		}
	}
	if len(names) == 0 {
		return w.raw("{}")
	}
	return w.raw("}")
}

func (w *writer) list(l traits.Lister, depth int) error {
	if err := w.raw("["); err != nil {
		return err
	}
	first := true
	for it := l.Iterator(); it.HasNext() == types.True; {
		item := it.Next()
		if absent(item) {
			continue
		}
		if !first {
			if err := w.raw(","); err != nil {
				return err
			}
		}
		first = false
		if err := w.value(item, depth+1); err != nil {
			return err
		}
	}
	return w.raw("]")
}
