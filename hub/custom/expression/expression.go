// Package expression evaluates the expressions and templates of an HTTPIntegration. Expressions are CEL,
// compiled once and limited in length, nesting and cost; they have no access to anything but their
// variables. Templates build JSON from values, so that nothing is escaped by hand.
//
// An error of an evaluation never contains a value: it can be shown and logged.
package expression

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/ext"
	"github.com/google/cel-go/interpreter"

	"integrationhub.dev/hub/suggest"
)

// Limits of expressions.
const (
	maxLength = 4096
	maxDepth  = 50
	maxNodes  = 2000
	// maxCost is that of one evaluation, as in Kubernetes: about a tenth of a second.
	maxCost = 1_000_000
	// maxRowCost is that of an evaluation which is made for each row.
	maxRowCost = 100_000
)

// Vars are the values of variables.
type Vars map[string]any

// ResolveName implements [cel.Activation].
func (v Vars) ResolveName(name string) (any, bool) {
	value, ok := v[name]
	return value, ok
}

// Parent implements [cel.Activation].
func (Vars) Parent() cel.Activation { return nil }

// With returns the variables and others.
func (v Vars) With(others Vars) Vars {
	all := maps.Clone(v)
	maps.Copy(all, others)
	return all
}

// Scope is what expressions at one place can use.
type Scope struct {
	// Variables are the names of variables.
	Variables []string
	// Members maps variables to the names after the dot that exist, such as those of form fields.
	Members map[string][]string
	// PerRow is set where expressions are evaluated for each row.
	PerRow bool
}

// With returns the scope with more variables.
func (s Scope) With(variables ...string) Scope {
	s.Variables = append(slices.Clone(s.Variables), variables...)
	return s
}

// variableTypes are those of variables; others are dynamic.
var variableTypes = map[string]*cel.Type{
	"params": cel.MapType(cel.StringType, cel.StringType), "form": cel.MapType(cel.StringType, cel.StringType),
	"secrets": cel.MapType(cel.StringType, cel.StringType), "plan": cel.MapType(cel.StringType, cel.StringType),
	"request": cel.MapType(cel.StringType, cel.StringType), "headers": cel.MapType(cel.StringType, cel.StringType),
	"delivery": cel.MapType(cel.StringType, cel.DynType), "row": cel.MapType(cel.StringType, cel.DynType),
	"rows": cel.ListType(cel.MapType(cel.StringType, cel.DynType)), "columns": cel.ListType(cel.MapType(cel.StringType, cel.DynType)),
	"value": cel.StringType, "cell": cel.StringType, "text": cel.StringType,
	"status": cel.IntType, "page": cel.IntType, "index": cel.IntType, "count": cel.IntType,
}

// base has the functions of all expressions.
var base = sync.OnceValues(func() (*cel.Env, error) {
	return cel.NewEnv(
		cel.OptionalTypes(), cel.DefaultUTCTimeZone(true), cel.CrossTypeNumericComparisons(true),
		cel.ParserExpressionSizeLimit(maxLength), cel.ParserRecursionLimit(maxDepth), cel.ExpressionNodeLimit(maxNodes),
		ext.Strings(ext.StringsMaxPrecision(20)), ext.Encoders(ext.EncodersVersion(0)), jsonEncode, ext.Lists(ext.ListsMaxRangeSize(1000)), ext.Math(), ext.Sets(),
	)
})

// maxEncoded is the maximum size of the JSON that json.encode makes.
const maxEncoded = 4 << 20

// jsonEncode is the function json.encode. The one of the library loses digits of large numbers.
var jsonEncode = cel.Function("json.encode", cel.Overload("json_encode", []*cel.Type{cel.DynType}, cel.StringType,
	cel.UnaryBinding(func(v ref.Val) ref.Val {
		w := &writer{max: maxEncoded}
		if err := w.value(v, 0); err != nil {
			return types.WrapErr(err)
		}
		return types.String(w.text)
	})))

// encodeCost is the cost of json.encode: a tenth of a unit for each byte, as that of other texts.
var encodeCost = cel.CostTrackerOptions(interpreter.OverloadCostTracker("json_encode", func(_ []ref.Val, result ref.Val) *uint64 {
	cost := uint64(1)
	if text, ok := result.(types.String); ok {
		cost += uint64(len(text)) / 10
	}
	return &cost
}))

var (
	envsMu sync.Mutex
	envs   = map[string]*cel.Env{}
)

// env returns the environment of a set of variables. The number of sets is fixed by the places of
// expressions.
func env(variables []string) (*cel.Env, error) {
	variables = slices.Sorted(slices.Values(variables))
	key := strings.Join(variables, " ")
	envsMu.Lock()
	defer envsMu.Unlock()
	if e := envs[key]; e != nil {
		return e, nil
	}
	b, err := base()
	if err != nil {
		return nil, err
	}
	var options []cel.EnvOption
	for _, name := range variables {
		t := variableTypes[name]
		if t == nil {
			t = cel.DynType
		}
		options = append(options, cel.Variable(name, t))
	}
	e, err := b.Extend(options...)
	if err == nil {
		envs[key] = e
	}
	return e, err
}

// Expression is a compiled expression. It can be evaluated concurrently.
type Expression struct {
	program cel.Program
	// uses are the members of variables that the expression reads.
	uses uses
	// kind is that of the result, as far as it is known before values are.
	kind types.Kind
	// isCell marks an expression that is only a cell of the row: its view and name.
	isCell bool
	view   int
	name   string
}

// Compile compiles an expression. Its error is a sentence for the author.
func Compile(text string, s Scope) (*Expression, error) {
	e, err := env(s.Variables)
	if err != nil {
		return nil, fmt.Errorf("preparing the environment: %w", err)
	}
	if len(text) > maxLength {
		return nil, sentence("The expression has more than %d characters.", maxLength)
	}
	ast, issues := e.Compile(text)
	if errs := issues.Errors(); len(errs) > 0 {
		message := strings.TrimSuffix(strings.Split(errs[0].Message, "\n")[0], ".")
		if name, ok := strings.CutPrefix(message, "undeclared reference to '"); ok {
			name, _, _ = strings.Cut(name, "'")
			message += suggest.Text(name, s.Variables)
		}
		return nil, sentence("The expression is not valid: %s", message)
	}
	cost := uint64(maxCost)
	if s.PerRow {
		cost = maxRowCost
	}
	program, err := e.Program(ast, cel.CostLimit(cost), encodeCost)
	if err != nil {
		return nil, sentence("The expression is not valid: %v", err)
	}
	x := &Expression{program: program, uses: findUses(ast.NativeRep().Expr()), kind: ast.OutputType().Kind()}
	x.view, x.name, x.isCell = cellOf(ast.NativeRep().Expr())
	return x, x.uses.check(s)
}

// sentence returns an error that is a sentence.
func sentence(format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	if !strings.HasSuffix(text, "?") && !strings.HasSuffix(text, ".") {
		text += "."
	}
	return errors.New(text)
}

// Error is why an evaluation failed, without any value. It is a phrase that completes a sentence.
type Error struct{ reason string }

func (e *Error) Error() string { return e.reason }

// reasons are what errors of CEL begin with, and what to say instead. Its own texts contain values.
var reasons = []struct{ prefix, reason string }{
	{"no such key", "a name does not exist"},
	{"no such overload", "a value has the wrong type"},
	{"no such attribute", "a variable does not exist"},
	{"invalid type", "a value has the wrong type"},
	{"unsupported", "a value has the wrong type"},
	{"type conversion error", "a value cannot be converted"},
	{"division by zero", "division by zero"},
	{"modulus by zero", "division by zero"},
	{"integer overflow", "a number is too large"},
	{"double overflow", "a number is too large"},
	{"range error", "a number is too large"},
	{"index out of bounds", "a list is too short"},
	{"index out of range", "a text is too short"},
	{"operation cancelled", "it exceeds the cost limit"},
	{"operation interrupted", "it exceeds the cost limit"},
	{"actual cost limit exceeded", "it exceeds the cost limit"},
	{errInteger.Error(), "a number has more digits than expressions support"},
}

// explain converts an error of CEL.
func explain(err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	text := err.Error()
	for _, r := range reasons {
		if strings.Contains(text, r.prefix) {
			return &Error{r.reason}
		}
	}
	return &Error{"it cannot be evaluated"}
}

func (x *Expression) eval(v cel.Activation) (ref.Val, error) {
	b := budgetOf(v)
	if b.exhausted() {
		return nil, errBudget
	}
	result, details, err := x.program.Eval(v)
	b.spend(details)
	if err != nil {
		return nil, explain(err)
	}
	return result, nil
}

// Bool evaluates a condition.
func (x *Expression) Bool(v Vars) (bool, error) {
	result, err := x.eval(v)
	if err != nil {
		return false, err
	}
	b, ok := result.(types.Bool)
	if !ok {
		return false, &Error{"the result is not true or false"}
	}
	return bool(b), nil
}

// Text evaluates an expression to text.
func (x *Expression) Text(v Vars) (string, error) {
	result, err := x.eval(v)
	if err != nil {
		return "", err
	}
	return textOf(result)
}

// List evaluates an expression to a list, of which it returns at most n items.
func (x *Expression) List(v Vars, n int) ([]any, error) {
	result, err := x.eval(v)
	if err != nil {
		return nil, err
	}
	list, ok := result.(traits.Lister)
	if !ok {
		return nil, &Error{"the result is not a list"}
	}
	var items []any
	for it := list.Iterator(); it.HasNext() == types.True && len(items) < n; {
		items = append(items, it.Next())
	}
	return items, nil
}
