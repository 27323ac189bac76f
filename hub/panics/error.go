// Package panics turns panics into errors, on goroutines too: Go ends the process for a panic
// that its own goroutine does not recover, and with it every delivery of the pod.
package panics

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
)

// Error is a bug that showed as a panic.
type Error struct {
	// Value is what was passed to panic. It may hold data.
	Value any
	// Stack begins with the function that panicked.
	Stack []runtime.Frame
}

// NewError is the error for a recovered value. It is called by the deferred function itself.
func NewError(value any) *Error {
	pcs := make([]uintptr, 64)
	pcs = pcs[:runtime.Callers(2, pcs)]
	var stack []runtime.Frame
	for frames := runtime.CallersFrames(pcs); ; {
		f, more := frames.Next()
		stack = append(stack, f)
		if !more {
			break
		}
	}
	// What stands above the panic is the recovery, then the runtime's own functions.
	if i := slices.IndexFunc(stack, func(f runtime.Frame) bool { return f.Function == "runtime.gopanic" }); i >= 0 {
		stack = stack[i:]
	}
	for len(stack) > 1 && strings.HasPrefix(stack[0].Function, "runtime.") {
		stack = stack[1:]
	}
	return &Error{value, stack}
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "panic: %v", e.Value)
	for _, f := range e.Stack {
		fmt.Fprintf(&b, "\n%s\n\t%s:%d", f.Function, f.File, f.Line)
	}
	return b.String()
}
