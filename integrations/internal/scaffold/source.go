package main

import (
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
)

// repository is the root of the module.
type repository string

func (r repository) path(name string) string {
	return filepath.Join(string(r), filepath.FromSlash(name))
}

// write writes a file, unless it has this text already: its time is what make compares.
func (r repository) write(name string, text []byte) error {
	if before, err := os.ReadFile(r.path(name)); err == nil && string(before) == string(text) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(r.path(name)), 0o755); err != nil { //nolint:gosec // a folder of the source
		return fmt.Errorf("writing %s: %w", name, err)
	}
	if err := os.WriteFile(r.path(name), text, 0o644); err != nil { //nolint:gosec // a file of the source
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return nil
}

// source is a Go file whose text is changed in place, so that its comments and lines stay.
type source struct {
	name string
	text []byte
	file *ast.File
}

func (r repository) source(name string) (*source, error) {
	text, err := os.ReadFile(r.path(name))
	if err != nil {
		return nil, err
	}
	s := &source{name: name}
	return s, s.set(text)
}

// set replaces the text. Positions of the earlier text are invalid then.
func (s *source) set(text []byte) (err error) {
	s.text = text
	// A set of its own for each text: the offset of a position is the position minus one.
	if s.file, err = parser.ParseFile(token.NewFileSet(), s.name, text, parser.ParseComments|parser.SkipObjectResolution); err != nil {
		return fmt.Errorf("parsing %s: %w", s.name, err)
	}
	return nil
}

// replace replaces the text between two positions.
func (s *source) replace(from, to token.Pos, text string) error {
	changed := string(s.text[:from-1]) + text + string(s.text[to-1:])
	formatted, err := format.Source([]byte(changed))
	if err != nil {
		return fmt.Errorf("changing %s: %w", s.name, err)
	}
	return s.set(formatted)
}

// list returns the value of a variable that is declared with a composite literal.
func (s *source) list(variable string) (found *ast.CompositeLit, err error) {
	declares := func(names []*ast.Ident, values []ast.Expr) {
		for i, name := range names {
			if name.Name == variable && i < len(values) {
				found, _ = values[i].(*ast.CompositeLit)
			}
		}
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ValueSpec:
			declares(n.Names, n.Values)
		case *ast.AssignStmt:
			var names []*ast.Ident
			for _, left := range n.Lhs {
				if name, ok := left.(*ast.Ident); ok {
					names = append(names, name)
				}
			}
			declares(names, n.Rhs)
		}
		return found == nil
	})
	if found == nil {
		return nil, fmt.Errorf("%s declares no list %s", s.name, variable)
	}
	return found, nil
}

// key returns the text that an element of a list begins with: a map's key, a text, or the field Name.
func key(element ast.Expr) string {
	switch e := element.(type) {
	case *ast.KeyValueExpr:
		return key(e.Key)
	case *ast.BasicLit:
		text, _ := strconv.Unquote(e.Value)
		return text
	case *ast.CompositeLit:
		return key(field(e, "Name"))
	}
	return ""
}

// field returns the value of a struct's field, or nil.
func field(of *ast.CompositeLit, name string) ast.Expr {
	for _, e := range of.Elts {
		if pair, ok := e.(*ast.KeyValueExpr); ok {
			if id, ok := pair.Key.(*ast.Ident); ok && id.Name == name {
				return pair.Value
			}
		}
	}
	return nil
}

// insert adds an element to a list that is in order.
func (s *source) insert(list *ast.CompositeLit, name, element string) error {
	for _, e := range list.Elts {
		if key(e) > name {
			return s.replace(e.Pos(), e.Pos(), element+",\n")
		}
	}
	if n := len(list.Elts); n > 0 {
		end := list.Elts[n-1].End()
		return s.replace(end, end, ",\n"+element)
	}
	return s.replace(list.Rbrace, list.Rbrace, "\n"+element+",\n")
}

// remove removes the element with a name from a list, if there is one.
func (s *source) remove(list *ast.CompositeLit, name string) error {
	for i, e := range list.Elts {
		switch {
		case key(e) != name:
			continue
		case i+1 < len(list.Elts):
			return s.replace(e.Pos(), list.Elts[i+1].Pos(), "")
		case i > 0:
			return s.replace(list.Elts[i-1].End(), e.End(), "")
		default:
			return s.replace(list.Lbrace+1, list.Rbrace, "")
		}
	}
	return nil
}
