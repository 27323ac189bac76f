package expression

import "github.com/google/cel-go/cel"

// MaxTotalCost is the cost of all evaluations together that have a budget: about a second, or 20 MB of text.
const MaxTotalCost = 2 * maxCost

// budgetVariable holds the budget among the variables. It is not an identifier, so that no expression can
// name it.
const budgetVariable = "#budget"

var errBudget = &Error{"the expressions together exceed the cost limit"}

// budget is what the evaluations with the same variables may cost together.
type budget struct{ left uint64 }

// WithBudget returns the variables with a budget of [MaxTotalCost]. It is for one goroutine.
func (v Vars) WithBudget() Vars {
	return v.With(Vars{budgetVariable: &budget{MaxTotalCost}})
}

// budgetOf returns the budget of variables, or nil.
func budgetOf(v cel.Activation) *budget {
	vars, ok := v.(Vars)
	if !ok {
		return nil
	}
	b, _ := vars[budgetVariable].(*budget)
	return b
}

// exhausted reports whether nothing more may be evaluated. Without a budget, everything may.
func (b *budget) exhausted() bool { return b != nil && b.left == 0 }

// spend subtracts the cost of an evaluation. One that was ended has no details, and cost its maximum.
func (b *budget) spend(details *cel.EvalDetails) {
	if b == nil {
		return
	}
	cost := uint64(maxCost)
	if details != nil && details.ActualCost() != nil {
		cost = *details.ActualCost()
	}
	b.left -= min(cost, b.left)
}

// bytesPerUnit is how much text costs a unit, as in CEL.
const bytesPerUnit = 10

// maxBytes is how much text may be made.
func (b *budget) maxBytes(limit int) int {
	if b == nil {
		return limit
	}
	return min(limit, int(b.left)*bytesPerUnit) //nolint:gosec // at most MaxTotalCost
}

// spendText subtracts the cost of a text, because copying a value costs nothing in CEL.
func (b *budget) spendText(length int) {
	if b != nil {
		b.left -= min(uint64(length/bytesPerUnit), b.left) //nolint:gosec // not negative
	}
}
