package looker

import (
	"encoding/json"
	"strings"
)

// fieldSet is the fields parameter of a request: names, each with its own fields in parentheses, as
// in id,params(name,has_value). A nil set means all fields.
type fieldSet map[string]fieldSet

func parseFields(text string) fieldSet {
	set, _ := parseFieldList(text)
	return set
}

// parseFieldList reads names up to the end or a closing parenthesis, and returns what follows it.
func parseFieldList(text string) (fieldSet, string) {
	set := fieldSet{}
	for text != "" {
		end := strings.IndexAny(text, ",()")
		if end < 0 {
			end = len(text)
		}
		name := strings.TrimSpace(text[:end])
		var inner fieldSet
		text = text[end:]
		if strings.HasPrefix(text, "(") {
			inner, text = parseFieldList(text[1:])
		}
		if name != "" {
			set[name] = inner
		}
		if strings.HasPrefix(text, ")") {
			return set, text[1:]
		}
		text = strings.TrimPrefix(text, ",")
	}
	return set, ""
}

// selectFields leaves only the requested fields in a response.
func selectFields(text []byte, fields string) ([]byte, error) {
	if strings.TrimSpace(fields) == "" {
		return text, nil
	}
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		return nil, err
	}
	return json.Marshal(parseFields(fields).of(value))
}

func (set fieldSet) of(value any) any {
	if len(set) == 0 {
		return value
	}
	switch v := value.(type) {
	case []any:
		for i := range v {
			v[i] = set.of(v[i])
		}
		return v
	case map[string]any:
		kept := map[string]any{}
		for name, inner := range set {
			if member, ok := v[name]; ok {
				kept[name] = inner.of(member)
			}
		}
		return kept
	default:
		return value
	}
}
