package payload

// The functions here validate JSON in a buffer, because the library's decoder spends most of its time
// between the small values of a cell. Each returns the position behind what starts at i, or 0 if that is
// not valid, not complete or nested too deeply; the library then decides. They accept only what the
// library accepts with the options in lenient.

// maxScanDepth limits the recursion. Deeper values are left to the library.
const maxScanDepth = 64

// scanSpace skips white space. It may return len(b).
func scanSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// scanMark scans a punctuation mark with white space around it.
func scanMark(b []byte, i int, mark byte) int {
	if len(b)-i >= 2 && b[i] == mark && b[i+1] > ' ' { // mostly, there is no white space
		return i + 1
	}
	return scanSpacedMark(b, i, mark)
}

func scanSpacedMark(b []byte, i int, mark byte) int {
	if i = scanSpace(b, i); i >= len(b) || b[i] != mark {
		return 0
	}
	return scanSpace(b, i+1)
}

func scanValue(b []byte, i, depth int) int {
	if i >= len(b) {
		return 0
	}
	switch b[i] {
	case '"':
		return scanString(b, i)
	case '{':
		return scanObject(b, i, depth).end
	case '[':
		return scanArray(b, i, depth)
	case 't':
		return scanLiteral(b, i, "true")
	case 'f':
		return scanLiteral(b, i, "false")
	case 'n':
		return scanLiteral(b, i, "null")
	}
	return scanNumber(b, i)
}

func scanLiteral(b []byte, i int, literal string) int {
	if len(b)-i < len(literal) || string(b[i:i+len(literal)]) != literal {
		return 0
	}
	return i + len(literal)
}

// scanPlainString scans a string without escapes.
func scanPlainString(b []byte, i int) int {
	if i >= len(b) || b[i] != '"' {
		return 0
	}
	i++
	if i += plainPrefix(b[i:]); i >= len(b) || b[i] != '"' {
		return 0
	}
	return i + 1
}

func scanString(b []byte, i int) int {
	if i >= len(b) || b[i] != '"' {
		return 0
	}
	i++
	for {
		if i += plainPrefix(b[i:]); i >= len(b) {
			return 0
		}
		if b[i] == '"' {
			return i + 1
		}
		if i = scanEscape(b, i); i == 0 {
			return 0
		}
	}
}

func scanEscape(b []byte, i int) int {
	switch {
	case b[i] != '\\' || i+1 >= len(b): // a control character, or incomplete
		return 0
	case escapes[b[i+1]] != 0:
		return i + 2
	case b[i+1] != 'u' || len(b)-i < len(`\u0000`):
		return 0
	}
	for _, c := range b[i+2 : i+6] {
		if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'f') {
			return 0
		}
	}
	return i + len(`\u0000`)
}

// scanNumber scans a number that something follows, because at the end of the buffer it may go on.
func scanNumber(b []byte, i int) int {
	if i < len(b) && b[i] == '-' {
		i++
	}
	if i < len(b) && b[i] == '0' {
		i++
	} else if i = scanDigits(b, i); i == 0 {
		return 0
	}
	if i < len(b) && b[i] == '.' {
		if i = scanDigits(b, i+1); i == 0 {
			return 0
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		if i = scanExponent(b, i+1); i == 0 {
			return 0
		}
	}
	if i >= len(b) {
		return 0
	}
	return i
}

func scanExponent(b []byte, i int) int {
	if i < len(b) && (b[i] == '+' || b[i] == '-') {
		i++
	}
	return scanDigits(b, i)
}

// scanDigits scans at least one digit.
func scanDigits(b []byte, i int) int {
	start := i
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	if i == start {
		return 0
	}
	return i
}

func scanArray(b []byte, i, depth int) int {
	if i = scanSpace(b, i+1); depth == 0 || i >= len(b) {
		return 0
	}
	if b[i] == ']' {
		return i + 1
	}
	for {
		if i = scanValue(b, i, depth-1); i == 0 {
			return 0
		}
		if i = scanSpace(b, i); i >= len(b) {
			return 0
		}
		switch b[i] {
		case ',':
			i = scanSpace(b, i+1)
		case ']':
			return i + 1
		default:
			return 0
		}
	}
}

// scannedObject is the end of an object, and the place of its last member "value": 0 if there is none, or
// if an escape in a name leaves that open.
type scannedObject struct {
	end, valueStart, valueEnd int
}

func scanObject(b []byte, i, depth int) (o scannedObject) {
	if i = scanSpace(b, i+1); depth == 0 || i >= len(b) {
		return scannedObject{}
	}
	if b[i] == '}' {
		return scannedObject{end: i + 1}
	}
	unsure := false
	for {
		start, name := scanName(b, i)
		if start == 0 {
			return scannedObject{}
		}
		if i = scanValue(b, start, depth-1); i == 0 {
			return scannedObject{}
		}
		switch name {
		case valueName:
			o.valueStart, o.valueEnd = start, i
		case escapedName:
			unsure = true
		case otherName:
		}
		if i = scanSpace(b, i); i >= len(b) {
			return scannedObject{}
		}
		switch b[i] {
		case ',':
			i = scanSpace(b, i+1)
		case '}':
			if unsure {
				return scannedObject{end: i + 1}
			}
			o.end = i + 1
			return o
		default:
			return scannedObject{}
		}
	}
}

// nameKind tells whether a member's name is "value"; an escaped one may be.
type nameKind int

const (
	otherName nameKind = iota
	valueName
	escapedName
)

// scanName scans a member's name and the colon behind it.
func scanName(b []byte, i int) (int, nameKind) {
	const value = `"value"`
	if n := i + len(value); n+1 < len(b) && string(b[i:n]) == value && b[n] == ':' && b[n+1] > ' ' {
		return n + 1, valueName
	}
	end, kind := scanPlainString(b, i), otherName
	if end == 0 {
		end, kind = scanString(b, i), escapedName
	} else if string(b[i:end]) == value {
		kind = valueName
	}
	if end == 0 {
		return 0, otherName
	}
	return scanMark(b, end, ':'), kind
}
