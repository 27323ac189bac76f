package expression

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// Template is compiled JSON whose strings are templates. It can be rendered concurrently.
type Template struct {
	root  node
	uses  uses
	items int
}

// MaxTemplateNodes and MaxTemplateDepth limit the JSON of a template.
const (
	MaxTemplateNodes = 2000
	MaxTemplateDepth = 32
)

// FieldError is an error at a place in a template, such as data.comment.
type FieldError struct {
	Field string
	Err   error
}

func (e *FieldError) Error() string {
	if e.Field == "" {
		return e.Err.Error()
	}
	return e.Field + ": " + e.Err.Error()
}

func (e *FieldError) Unwrap() error { return e.Err }

// itemsVariable stands for the items of a batch.
const itemsVariable = "items"

// CompileTemplate compiles a template. If items is set, a string ${items} stands for the items of a batch, and
// there must be one. Its errors are sentences.
func CompileTemplate(text []byte, s Scope, items bool) (*Template, []*FieldError) {
	c := &compiler{scope: s, items: items, template: &Template{uses: uses{}}}
	d := jsontext.NewDecoder(bytes.NewReader(text))
	root, err := c.node(d, "", 0)
	if e, ok := errors.AsType[*FieldError](err); ok {
		c.problems = append(c.problems, e)
	}
	if len(c.problems) > 0 {
		return nil, c.problems
	}
	c.template.root = root
	if items && c.template.items != 1 {
		return nil, []*FieldError{{Err: sentence("The body of a request per batch must contain the string ${items} exactly once.")}}
	}
	return c.template, nil
}

// Uses reports whether the template uses a variable.
func (t *Template) Uses(variable string) bool { return t.uses[variable] != nil }

// Render renders the template to JSON of at most maxBytes.
func (t *Template) Render(v Vars, maxBytes int) ([]byte, error) {
	b := budgetOf(v)
	w := &writer{max: b.maxBytes(maxBytes)}
	err := t.root.write(w, v)
	b.spendText(len(w.text))
	return w.text, err
}

// Missing returns the first of the columns that a result lacks: its view and name.
func (c *Columns) Missing(needed map[string][]string) (view, name string, missing bool) {
	for v, view := range viewNames {
		for _, name := range needed[view] {
			if _, ok := c.by[v][name]; !ok {
				return view, name, true
			}
		}
	}
	return "", "", false
}

// node is a part of a template.
type node interface{ write(w *writer, v Vars) error }

type compiler struct {
	scope    Scope
	items    bool
	template *Template
	nodes    int
	// problems are those of strings: compiling goes on after them.
	problems []*FieldError
}

func (c *compiler) node(d *jsontext.Decoder, field string, depth int) (node, error) {
	fail := func(format string, args ...any) error { return &FieldError{field, fmt.Errorf(format, args...)} }
	if c.nodes++; c.nodes > MaxTemplateNodes {
		return nil, &FieldError{Err: sentence("The template has more than %d values.", MaxTemplateNodes)}
	}
	if depth > MaxTemplateDepth {
		return nil, fail("The template is nested more than %d levels deep.", MaxTemplateDepth)
	}
	switch d.PeekKind() {
	case '{':
		return c.object(d, field, depth)
	case '[':
		return c.array(d, field, depth)
	case '"':
		token, err := d.ReadToken()
		if err != nil {
			return nil, fail("The template is not valid JSON.")
		}
		return c.string(token.String(), field), nil
	default:
		value, err := d.ReadValue()
		if err != nil {
			return nil, fail("The template is not valid JSON.")
		}
		return constant(bytes.Clone(value)), nil
	}
}

func (c *compiler) object(d *jsontext.Decoder, field string, depth int) (node, error) {
	_, err := d.ReadToken()
	var o objectNode
	for err == nil && d.PeekKind() == '"' {
		var token jsontext.Token
		if token, err = d.ReadToken(); err != nil {
			break
		}
		name := token.String()
		child := name
		if field != "" {
			child = field + "." + name
		}
		if chunks, err := split(name); err != nil || len(chunks) > 1 || len(chunks) == 1 && chunks[0].code != "" {
			return nil, &FieldError{child, sentence("The name of a member cannot contain ${…}.")}
		}
		quoted, quoteErr := jsontext.AppendQuote(nil, name)
		if quoteErr != nil {
			return nil, &FieldError{child, sentence("The name of a member is not valid UTF-8.")}
		}
		value, nodeErr := c.node(d, child, depth+1)
		if nodeErr != nil {
			return nil, nodeErr
		}
		o = append(o, member{append(quoted, ':'), value})
	}
	if err == nil {
		_, err = d.ReadToken()
	}
	if err != nil {
		return nil, &FieldError{field, sentence("The template is not valid JSON.")}
	}
	return o, nil
}

func (c *compiler) array(d *jsontext.Decoder, field string, depth int) (node, error) {
	_, err := d.ReadToken()
	var a arrayNode
	for err == nil && d.PeekKind() != ']' {
		value, err := c.node(d, field+"["+strconv.Itoa(len(a))+"]", depth+1)
		if err != nil {
			return nil, err
		}
		a = append(a, value)
	}
	if err == nil {
		_, err = d.ReadToken()
	}
	if err != nil {
		return nil, &FieldError{field, sentence("The template is not valid JSON.")}
	}
	return a, nil
}

// string compiles a string. Compiling goes on after its problem.
func (c *compiler) string(text, field string) node {
	n, err := c.text(text, field)
	if err != nil {
		c.problems = append(c.problems, &FieldError{field, err})
	}
	return n
}

// text compiles a string: a constant, the value of an expression, or text with expressions in it.
func (c *compiler) text(text, field string) (node, error) {
	chunks, err := split(text)
	if err != nil {
		return nil, err
	}
	switch {
	case len(chunks) == 0:
		return constant(`""`), nil
	case len(chunks) == 1 && chunks[0].code == "":
		quoted, err := jsontext.AppendQuote(nil, chunks[0].text)
		if err != nil {
			return nil, sentence("The text is not valid UTF-8.")
		}
		return constant(quoted), nil
	case len(chunks) == 1 && c.items && chunks[0].code == itemsVariable:
		c.template.items++
		return itemsNode{}, nil
	case len(chunks) == 1:
		x, err := Compile(chunks[0].code, c.scope)
		if err != nil {
			return nil, err
		}
		c.template.uses.merge(x.uses)
		if x.isCell {
			return &cellNode{field, x.view, x.name}, nil
		}
		return &valueNode{field, x}, nil
	}
	t, err := CompileText(text, c.scope)
	if err != nil {
		return nil, err
	}
	c.template.uses.merge(t.uses)
	return &textNode{field, t}, nil
}

// constant is JSON without expressions.
type constant []byte

func (c constant) write(w *writer, _ Vars) error { return w.bytes(c) }

// member is a member of an object: its quoted name with a colon, and its value.
type member struct {
	name  []byte
	value node
}

type objectNode []member

func (o objectNode) write(w *writer, v Vars) error {
	if err := w.raw("{"); err != nil {
		return err
	}
	begin := len(w.text)
	for _, m := range o {
		mark := len(w.text)
		if mark > begin {
			if err := w.raw(","); err != nil {
				return err
			}
		}
		if err := w.bytes(m.name); err != nil {
			return err
		}
		if err := m.value.write(w, v); errors.Is(err, errAbsent) {
			w.text = w.text[:mark]
		} else if err != nil {
			return err
		}
	}
	return w.raw("}")
}

type arrayNode []node

func (a arrayNode) write(w *writer, v Vars) error {
	if err := w.raw("["); err != nil {
		return err
	}
	begin := len(w.text)
	for _, item := range a {
		mark := len(w.text)
		if mark > begin {
			if err := w.raw(","); err != nil {
				return err
			}
		}
		if err := item.write(w, v); errors.Is(err, errAbsent) {
			w.text = w.text[:mark]
		} else if err != nil {
			return err
		}
	}
	return w.raw("]")
}

// errAbsent is the error of a value that is left out.
var errAbsent = &Error{"the whole body is optional.none()"}

// valueNode is a string that is one expression.
type valueNode struct {
	field string
	x     *Expression
}

func (n *valueNode) write(w *writer, v Vars) error {
	value, err := n.x.eval(v)
	switch {
	case err != nil:
		return &FieldError{n.field, err}
	case absent(value):
		return errAbsent
	}
	if err := w.value(value, 0); err != nil {
		return &FieldError{n.field, err}
	}
	return nil
}

// cellNode is a string that is one cell of the row. Its JSON is copied, with all digits of a number.
type cellNode struct {
	field string
	view  int
	name  string
}

func (n *cellNode) write(w *writer, v Vars) error {
	row, ok := v["row"].(*rowValue)
	if !ok {
		return &FieldError{n.field, &Error{"there is no row"}}
	}
	i, ok := row.columns.by[n.view][n.name]
	if !ok {
		return &FieldError{n.field, &Error{"a name does not exist"}}
	}
	r := record{row, n.view}
	if err := r.writeCell(w, i); err != nil {
		return &FieldError{n.field, err}
	}
	return nil
}

// textNode is a string with expressions in it.
type textNode struct {
	field string
	text  *Text
}

func (n *textNode) write(w *writer, v Vars) error {
	text, err := n.text.Eval(v)
	if err == nil {
		err = w.string(text)
	}
	if err != nil {
		return &FieldError{n.field, err}
	}
	return nil
}

// itemsNode stands for the rendered items of a batch.
type itemsNode struct{}

func (itemsNode) write(w *writer, v Vars) error {
	items, _ := v[itemsVariable].([][]byte) // none is an empty list
	if err := w.raw("["); err != nil {
		return err
	}
	for i, item := range items {
		if i > 0 {
			if err := w.raw(","); err != nil {
				return err
			}
		}
		if err := w.bytes(item); err != nil {
			return err
		}
	}
	return w.raw("]")
}

// Requirements collects the columns that expressions need.
type Requirements struct{ uses uses }

func (r *Requirements) merge(u uses) {
	if r.uses == nil {
		r.uses = uses{}
	}
	r.uses.merge(u)
}

// AddText adds those of a text; nil has none.
func (r *Requirements) AddText(t *Text) {
	if t != nil {
		r.merge(t.uses)
	}
}

// AddURL adds those of a URL.
func (r *Requirements) AddURL(u *URL) { r.merge(u.uses) }

// AddTemplate adds those of a template; nil has none.
func (r *Requirements) AddTemplate(t *Template) {
	if t != nil {
		r.merge(t.uses)
	}
}

// Columns returns the names, labels or tags of the columns that must exist, by view.
func (r *Requirements) Columns() map[string][]string {
	names := map[string][]string{}
	for _, view := range viewNames {
		for name, required := range r.uses["row."+view] {
			if required && name != "" {
				names[view] = append(names[view], name)
			}
		}
		slices.Sort(names[view])
	}
	return names
}
