// Package panics converts panics into errors, also on other goroutines: an unrecovered panic on any
// goroutine ends the process and with it every delivery of the pod.
package panics

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
)

// Error is a recovered panic.
type Error struct {
	// Value is the argument of panic. It may contain data.
	Value any
	// Stack starts at the function that panicked.
	Stack []runtime.Frame
}

// NewError returns the error for a recovered value. The deferred function must call it directly.
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
	// Remove the frames of the recovery and of the runtime.
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
