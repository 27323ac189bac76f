// Command hub runs the Integration Hub, and acts as Looker against any hub.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	// SIGTERM lets deliveries end; a second signal does not wait.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], process{name: commandName(os.Args[0]), in: os.Stdin, out: os.Stdout, err: os.Stderr, env: environment()}))
}

// The exit status tells scripts whether the command line or what it asked for was at fault.
const (
	exitFailed = 1
	exitUsage  = 2
)

// run executes a command line and returns the exit status.
func run(ctx context.Context, args []string, p process) int {
	root := newRoot(p) //nolint:contextcheck // cobra hands the context to each command
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil || errors.Is(err, errReported) {
		if err != nil {
			return exitFailed
		}
		return 0
	}
	_, _ = fmt.Fprintf(p.err, "%s: %s\n", root.DisplayName(), renamer(root, root.DisplayName())(err.Error()))
	if _, ok := errors.AsType[*usageError](err); ok {
		_, _ = fmt.Fprintf(p.err, "Run '%s --help' for usage.\n", cmd.CommandPath())
		return exitUsage
	}
	return exitFailed
}

// errReported ends a command that has already said what failed.
var errReported = errors.New("reported")

// usageError is a command line that cannot be carried out.
type usageError struct{ message string }

func (e *usageError) Error() string { return e.message }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...)}
}
