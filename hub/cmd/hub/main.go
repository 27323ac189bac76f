// Command hub runs the Integration Hub, and acts as Looker against any hub.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"integrationhub.dev/hub/version"
)

// command is one of the program's verbs.
type command struct {
	name, args, help string
	run              func(ctx context.Context, args []string, out io.Writer) error
}

func commands() []command {
	return []command{
		{"serve", "[--dev]", "run the hub; --dev needs no configuration", serve},
		{"token", "", "mint a token for Looker from the service secret", mintToken},
		{"list", "", "list a hub's integrations, as Looker does", list},
		{"form", "NAME", "ask for an integration's form, as Looker does", form},
		{"send", "NAME --data FILE", "deliver a file by an integration, as Looker does", send},
		{"version", "", "print the version", printVersion},
	}
}

func main() {
	// SIGTERM lets deliveries end; a second signal does not wait.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	err := run(ctx, os.Args[1:], os.Stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "hub:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) > 0 {
		for _, c := range commands() {
			if c.name == args[0] {
				return c.run(ctx, args[1:], out)
			}
		}
	}
	fmt.Fprintln(os.Stderr, "usage: hub COMMAND [flags]")
	for _, c := range commands() {
		fmt.Fprintf(os.Stderr, "  %-25s %s\n", c.name+" "+c.args, c.help)
	}
	return flag.ErrHelp
}

func printVersion(_ context.Context, _ []string, out io.Writer) error {
	_, err := fmt.Fprintln(out, version.Current())
	return err
}
