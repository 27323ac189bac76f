package expression

import (
	"strings"
)

// Text is a compiled template whose result is text.
type Text struct {
	parts []part
	uses  uses
}

// part is a constant text, or an expression.
type part struct {
	text string
	*Expression
}

// CompileText compiles a template.
func CompileText(text string, s Scope) (*Text, error) {
	parts, err := split(text)
	if err != nil {
		return nil, err
	}
	t := &Text{uses: uses{}}
	for _, p := range parts {
		if p.code == "" {
			t.parts = append(t.parts, part{text: p.text})
			continue
		}
		x, err := compileText(p.code, s)
		if err != nil {
			return nil, err
		}
		t.uses.merge(x.uses)
		t.parts = append(t.parts, part{Expression: x})
	}
	return t, nil
}

// compileText compiles an expression whose result must be text.
func compileText(code string, s Scope) (*Expression, error) {
	x, err := Compile(code, s)
	if err != nil {
		return nil, err
	}
	return x, x.CheckText()
}

// Constant reports whether the template has no expressions.
func (t *Text) Constant() bool {
	for _, p := range t.parts {
		if p.Expression != nil {
			return false
		}
	}
	return true
}

// Uses reports whether the template uses a variable.
func (t *Text) Uses(variable string) bool { return t.uses[variable] != nil }

// Eval evaluates the template.
func (t *Text) Eval(v Vars) (string, error) {
	if len(t.parts) == 1 && t.parts[0].Expression == nil {
		return t.parts[0].text, nil
	}
	var b strings.Builder
	for _, p := range t.parts {
		text := p.text
		if p.Expression != nil {
			var err error
			if text, err = p.Text(v); err != nil {
				return "", err
			}
		}
		if b.Len()+len(text) > maxText {
			return "", errTooLarge
		}
		b.WriteString(text)
	}
	budgetOf(v).spendText(b.Len())
	return b.String(), nil
}

// maxText is the maximum length of a text that is not JSON.
const maxText = 1 << 20

// chunk is a part of a template: constant text, or the code of an expression.
type chunk struct{ text, code string }

// split finds the expressions of a template: ${…}. $${ stands for ${ itself.
func split(template string) ([]chunk, error) {
	var chunks []chunk
	var text strings.Builder
	flush := func() {
		if text.Len() > 0 {
			chunks = append(chunks, chunk{text: text.String()})
			text.Reset()
		}
	}
	for rest := template; rest != ""; {
		i := strings.Index(rest, "${")
		if i < 0 {
			text.WriteString(rest)
			break
		}
		if i > 0 && rest[i-1] == '$' {
			text.WriteString(rest[:i-1] + "${")
			rest = rest[i+2:]
			continue
		}
		text.WriteString(rest[:i])
		end := endOf(rest[i+2:])
		if end < 0 {
			return nil, sentence("An expression begins with ${ and does not end with }. For a literal ${, write $${.")
		}
		code := strings.TrimSpace(rest[i+2 : i+2+end])
		if code == "" {
			return nil, sentence("An expression is empty.")
		}
		flush()
		chunks = append(chunks, chunk{code: code})
		rest = rest[i+2+end+1:]
	}
	flush()
	return chunks, nil
}

// endOf returns the index of the brace that ends an expression, or -1. Braces in maps and in texts do not.
func endOf(code string) int {
	depth := 0
	for i := 0; i < len(code); i++ {
		switch c := code[i]; c {
		case '{':
			depth++
		case '}':
			if depth == 0 {
				return i
			}
			depth--
		case '\'', '"':
			raw := i > 0 && (code[i-1] == 'r' || code[i-1] == 'R')
			end := endOfString(code[i:], raw)
			if end < 0 {
				return -1
			}
			i += end - 1
		case '/':
			if strings.HasPrefix(code[i:], "//") { // a comment
				end := strings.IndexByte(code[i:], '\n')
				if end < 0 {
					return -1
				}
				i += end
			}
		}
	}
	return -1
}

// endOfString returns the length of the string literal at the beginning of code, or -1.
func endOfString(code string, raw bool) int {
	quote := code[:1]
	if triple := strings.Repeat(quote, 3); strings.HasPrefix(code, triple) {
		quote = triple
	}
	for i := len(quote); i < len(code); i++ {
		switch {
		case code[i] == '\\' && !raw:
			i++
		case strings.HasPrefix(code[i:], quote):
			return i + len(quote)
		}
	}
	return -1
}
