package expression

import (
	"fmt"
	"slices"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"

	"integrationhub.dev/hub/suggest"
)

// uses are the members of variables that an expression reads by a constant name, such as "form" and
// "channel", or "row.tag" and "email". Those that it only asks for, as has(row.tag.email) does, are false.
type uses map[string]map[string]bool

// add adds a member. A member that is asked for somewhere is optional everywhere.
func (u uses) add(path, name string, required bool) {
	if u[path] == nil {
		u[path] = map[string]bool{}
	}
	if known, ok := u[path][name]; ok {
		required = required && known
	}
	u[path][name] = required
}

// merge adds those of another expression.
func (u uses) merge(other uses) {
	for path, names := range other {
		for name, required := range names {
			u.add(path, name, required)
		}
	}
}

// check reports a member that does not exist.
func (u uses) check(s Scope) error {
	for path, names := range u {
		known, closed := s.Members[path]
		if path == "row" {
			known, closed = viewNames[:], true
		}
		if !closed {
			continue
		}
		for name := range names {
			if name != "" && !slices.Contains(known, name) {
				return sentence("There is no %s.%s%s", path, name, suggest.Text(name, known))
			}
		}
	}
	return nil
}

// findUses collects the uses of an expression.
func findUses(e ast.Expr) uses {
	u := uses{}
	u.visit(e)
	return u
}

func (u uses) visit(e ast.Expr) {
	switch e.Kind() {
	case ast.IdentKind:
		u.add(e.AsIdent(), "", true)
	case ast.SelectKind:
		s := e.AsSelect()
		if path, ok := pathOf(s.Operand()); ok {
			u.add(path, s.FieldName(), !s.IsTestOnly())
		}
		u.visit(s.Operand())
	case ast.CallKind:
		u.visitCall(e.AsCall())
	case ast.ListKind:
		u.visitAll(e.AsList().Elements())
	case ast.MapKind:
		for _, entry := range e.AsMap().Entries() {
			u.visit(entry.AsMapEntry().Key())
			u.visit(entry.AsMapEntry().Value())
		}
	case ast.StructKind:
		for _, field := range e.AsStruct().Fields() {
			u.visit(field.AsStructField().Value())
		}
	case ast.ComprehensionKind:
		c := e.AsComprehension()
		u.visitAll([]ast.Expr{c.IterRange(), c.AccuInit(), c.LoopCondition(), c.LoopStep(), c.Result()})
	default:
	}
}

func (u uses) visitAll(all []ast.Expr) {
	for _, e := range all {
		u.visit(e)
	}
}

func (u uses) visitCall(c ast.CallExpr) {
	args := c.Args()
	if len(args) == 2 {
		container, key, required := args[0], args[1], false
		known := true
		switch c.FunctionName() {
		case operators.Index:
			required = true
		case operators.OptIndex, operators.OptSelect:
		case operators.In:
			container, key = args[1], args[0]
		default:
			known = false
		}
		path, isPath := pathOf(container)
		if name, isText := literal(key); known && isPath && isText {
			u.add(path, name, required)
		}
	}
	if c.IsMemberFunction() {
		u.visit(c.Target())
	}
	u.visitAll(args)
}

// pathOf returns a variable's name, or that of a member, as row.tag.
func pathOf(e ast.Expr) (string, bool) {
	switch e.Kind() {
	case ast.IdentKind:
		return e.AsIdent(), true
	case ast.SelectKind:
		s := e.AsSelect()
		if path, ok := pathOf(s.Operand()); ok {
			return fmt.Sprintf("%s.%s", path, s.FieldName()), true
		}
	default:
	}
	return "", false
}

// literal returns the value of a constant text.
func literal(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	text, ok := e.AsLiteral().(types.String)
	return string(text), ok
}

// cellOf returns the view and the name if an expression is only a cell of the row, as row.tag.email.
func cellOf(e ast.Expr) (view int, name string, ok bool) {
	var path string
	switch e.Kind() {
	case ast.SelectKind:
		s := e.AsSelect()
		if s.IsTestOnly() {
			return 0, "", false
		}
		path, ok = pathOf(s.Operand())
		name = s.FieldName()
	case ast.CallKind:
		if c := e.AsCall(); c.FunctionName() == operators.Index {
			var isText bool
			path, ok = pathOf(c.Args()[0])
			name, isText = literal(c.Args()[1])
			ok = ok && isText
		}
	default:
	}
	for v, viewName := range viewNames {
		if ok && path == "row."+viewName {
			return v, name, true
		}
	}
	return 0, "", false
}
