package formatted

import (
	"regexp"
	"strings"

	"golang.org/x/text/currency"
)

// decorated is a number with what a format adds to its digits: parentheses or a sign, a currency before or after, a
// percent sign.
var decorated = regexp.MustCompile(`^(\()?([+-])?([A-Z]{0,3}\p{Sc}|[A-Z]{3})?[ \x{a0}]?([+-])?` +
	`([0-9](?:[0-9.,'’ \x{a0}\x{202f}]*[0-9])?|\.[0-9]+)(?:[ \x{a0}\x{202f}]?(%|\p{Sc}|[A-Z]{3}))?(\))?$`)

// The digits in the two orders of separators. Groups are also separated by blanks and apostrophes.
var (
	pointDigits = regexp.MustCompile(`^(?:(0|[1-9][0-9]*)|([1-9][0-9]{0,2}(?:[,'’ \x{a0}\x{202f}][0-9]{3})+)|)(?:\.([0-9]+))?$`)
	commaDigits = regexp.MustCompile(`^(?:(0|[1-9][0-9]*)|([1-9][0-9]{0,2}(?:[.'’ \x{a0}\x{202f}][0-9]{3})+)|)(?:,([0-9]+))?$`)
	// ambiguousPoint could be a thousand or a fraction.
	ambiguousPoint = regexp.MustCompile(`^[1-9][0-9]{0,2}\.[0-9]{3}$`)
)

const (
	// maxDigits is what a spreadsheet's numbers keep.
	maxDigits = 15
	// maxPlusDigits tells a number with a plus sign from a phone number.
	maxPlusDigits = 6
)

// parts are what a decorated number consists of.
type parts struct {
	negative, parentheses, plus bool
	before, after               string
	digits                      string
}

// bare reports whether the number has no decoration that says what it is.
func (p parts) bare() bool { return p.before == "" && p.after == "" && !p.parentheses && !p.plus }

func split(text string) (parts, bool) {
	m := decorated.FindStringSubmatch(text)
	if m == nil {
		return parts{}, false
	}
	p := parts{
		negative: m[1] != "" || m[2] == "-" || m[4] == "-", parentheses: m[1] != "", plus: m[2] == "+" || m[4] == "+",
		before: m[3], after: m[6], digits: m[5],
	}
	signs := 0
	for _, part := range []string{m[1], m[2], m[4]} {
		signs += len(part)
	}
	valid := signs <= 1 && (m[1] == "") == (m[7] == "") && (p.before == "" || p.after == "")
	return p, valid && isUnit(p.before) && isUnit(p.after)
}

// isUnit tells a currency's code from that of an article.
func isUnit(text string) bool {
	if len(text) != 3 || strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return true // a sign
	}
	_, err := currency.ParseISO(text)
	return err == nil
}

// amount is the digits of a number in one order of separators.
type amount struct {
	text    string // such as 1234.50
	grouped bool
	places  int
}

func read(pattern *regexp.Regexp, digits string) (amount, bool) {
	m := pattern.FindStringSubmatch(digits)
	if m == nil || m[1]+m[2]+m[3] == "" {
		return amount{}, false
	}
	whole := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, m[1]+m[2])
	if whole == "" {
		whole = "0"
	}
	a := amount{text: whole, grouped: m[2] != "", places: len(m[3])}
	if m[3] != "" {
		a.text += "." + m[3]
	}
	return a, len(whole)+len(m[3]) <= maxDigits
}

// numbers is a column of numbers. It counts as one if all values are numbers with the same order of separators and the
// same unit.
type numbers struct {
	count int
	other bool // a value is no number, or has another unit
	// point and comma are the column with a decimal point, and with a decimal comma.
	point, comma order
	// ambiguous means that a value such as €1.234 could be a thousand or a fraction.
	ambiguous bool
	decorated bool
	negative  bool // a value is in parentheses
	bare      bool // a value other than 0 has no unit
	// before and after are the unit.
	before, after string
}

// order is what a column is like in one order of separators.
type order struct {
	wrong   bool // a value is no number
	grouped bool
	places  int
}

func (o *order) add(a amount, ok bool) {
	o.wrong, o.grouped, o.places = o.wrong || !ok, o.grouped || a.grouped, max(o.places, a.places)
}

func (n *numbers) add(text string) {
	if n.other {
		return
	}
	p, ok := split(text)
	if !ok {
		n.other = true
		return
	}
	point, isPoint := read(pointDigits, p.digits)
	comma, isComma := read(commaDigits, p.digits)
	if !isPoint && !isComma || p.plus && !point.grouped && len(strings.Split(point.text, ".")[0]) > maxPlusDigits {
		n.other = true
		return
	}
	n.point.add(point, isPoint)
	n.comma.add(comma, isComma)
	n.ambiguous = n.ambiguous || !p.bare() && ambiguousPoint.MatchString(p.digits)
	n.negative = n.negative || p.parentheses
	n.decorated = n.decorated || !p.bare() || point.grouped || !isPoint
	n.unit(p)
	n.count++
}

// unit compares the value's unit with that of the others.
func (n *numbers) unit(p parts) {
	switch {
	case p.before == "" && p.after == "":
		n.bare = n.bare || strings.Trim(p.digits, "0.,") != ""
	case n.before == "" && n.after == "":
		n.before, n.after = p.before, p.after
	case n.before != p.before || n.after != p.after:
		n.other = true
	}
	// 50 is not 50%.
	n.other = n.other || n.bare && n.after == "%"
}

func (n *numbers) valid() bool {
	if n.point.wrong == n.comma.wrong && (n.point.wrong || n.ambiguous) {
		return false
	}
	return n.count > 0 && !n.other && n.decorated
}

// pattern is that of the column's digits.
func (n *numbers) pattern() *regexp.Regexp {
	if n.point.wrong {
		return commaDigits
	}
	return pointDigits
}

func (n *numbers) value(text string) (string, bool) {
	p, ok := split(text)
	if !ok {
		return "", false
	}
	a, ok := read(n.pattern(), p.digits)
	if !ok {
		return "", false
	}
	if p.after == "%" {
		a.text = shift(a.text)
	}
	if p.negative {
		a.text = "-" + a.text
	}
	return a.text, true
}

// shift divides a number by a hundred.
func shift(text string) string {
	whole, fraction, _ := strings.Cut(text, ".")
	for len(whole) < 3 {
		whole = "0" + whole
	}
	at := len(whole) - 2
	return whole[:at] + "." + whole[at:] + fraction
}

func (n *numbers) format() (Format, bool) {
	o := n.point
	if o.wrong {
		o = n.comma
	}
	f := Format{"NUMBER", "0"}
	if o.grouped {
		f.Pattern = "#,##0"
	}
	if o.places > 0 {
		f.Pattern += "." + strings.Repeat("0", o.places)
	}
	switch {
	case n.after == "%":
		f.Type, f.Pattern = "PERCENT", f.Pattern+"%"
	case n.before != "":
		f.Type, f.Pattern = "CURRENCY", quoted(n.before)+f.Pattern
	case n.after != "":
		f.Type, f.Pattern = "CURRENCY", f.Pattern+quoted(" "+n.after)
	}
	if n.negative {
		f.Pattern += ";(" + f.Pattern + ")"
	}
	return f, true
}

// quoted is a literal in a number format. A unit has no quotes in it.
func quoted(unit string) string { return `"` + unit + `"` }
