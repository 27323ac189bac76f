package expression

import (
	"slices"

	"github.com/google/cel-go/common/types"
)

// unknownKinds are those of results whose type depends on values.
var unknownKinds = []types.Kind{types.DynKind, types.AnyKind, types.TypeParamKind, types.UnknownKind, types.UnspecifiedKind}

// notText are the kinds of results that are never text.
var notText = map[types.Kind]string{
	types.ListKind: "a list", types.MapKind: "an object", types.BytesKind: "bytes", types.TypeKind: "a type",
}

// CheckText reports an expression that can never be evaluated to text. Its error is a sentence.
func (x *Expression) CheckText() error {
	if kind := notText[x.kind]; kind != "" {
		return sentence("The result is %s and not text", kind)
	}
	return nil
}

// CheckBool reports a condition that can never be evaluated.
func (x *Expression) CheckBool() error {
	if x.kind != types.BoolKind && !slices.Contains(unknownKinds, x.kind) {
		return sentence("The result is not true or false")
	}
	return nil
}

// CheckList reports an expression that can never be evaluated to a list.
func (x *Expression) CheckList() error {
	if x.kind != types.ListKind && !slices.Contains(unknownKinds, x.kind) {
		return sentence("The result is not a list")
	}
	return nil
}

// UsesOnly reports whether the expression uses no other variable than the named one.
func (x *Expression) UsesOnly(variable string) bool {
	for path := range x.uses {
		if path != variable {
			return false
		}
	}
	return true
}
