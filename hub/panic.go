package hub

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
)

// panicError is a bug that showed as a panic.
type panicError struct {
	value any
	stack []runtime.Frame // the function that panicked first
}

// caught is the error for a recovered value. It is called by the deferred function itself.
func caught(value any) error {
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
	return &panicError{value, stack}
}

func (e *panicError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "panic: %v", e.value)
	for _, f := range e.stack {
		fmt.Fprintf(&b, "\n%s\n\t%s:%d", f.Function, f.File, f.Line)
	}
	return b.String()
}
