package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"

	"integrationhub.dev/hub/token"
)

// mintToken prints a token. The secret comes from the environment, never from an argument,
// where every process of the machine could read it.
func mintToken(_ context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("hub token", flag.ContinueOnError)
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "usage: ACTION_HUB_SECRET=… hub token\nPrints a token for Looker. It is valid until the secret changes.")
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	t, err := token.New([]byte(os.Getenv("ACTION_HUB_SECRET")))
	if err != nil {
		return fmt.Errorf("%w (set ACTION_HUB_SECRET)", err)
	}
	_, err = fmt.Fprintln(out, t)
	return err
}
