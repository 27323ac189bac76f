package action

import "github.com/go-json-experiment/json/jsontext"

// jsonRest is the rest of a JSON text that a decoder has already validated, so that only the ends of
// values have to be found. A decoder would validate each cell once more, which takes longer than to
// decode the row. Invalid text gives values that mean nothing, but ends.
type jsonRest struct{ text []byte }

// next returns the first byte after white space without consuming it, or 0 at the end.
func (r *jsonRest) next() byte {
	for i, c := range r.text {
		if c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			r.text = r.text[i:]
			return c
		}
	}
	r.text = nil
	return 0
}

// skip consumes a punctuation mark if it is next.
func (r *jsonRest) skip(mark byte) {
	if r.next() == mark {
		r.text = r.text[1:]
	}
}

// value consumes the next value.
func (r *jsonRest) value() jsontext.Value {
	var end int
	switch r.next() {
	case '"':
		end = stringEnd(r.text)
	case '{', '[':
		end = nestedEnd(r.text)
	default:
		end = scalarEnd(r.text)
	}
	v := r.text[:end:end]
	r.text = r.text[end:]
	return v
}

// scalarEnd is the length of the number or literal that a text starts with.
func scalarEnd(text []byte) int {
	for i, c := range text {
		switch c {
		case ',', ':', ']', '}', ' ', '\n', '\r', '\t':
			return i
		}
	}
	return len(text)
}

// stringEnd is the length of the string that a text starts with.
func stringEnd(text []byte) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
	}
	return len(text)
}

// nestedEnd is the length of the object or array that a text starts with.
func nestedEnd(text []byte) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			i += stringEnd(text[i:]) - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(text)
}
