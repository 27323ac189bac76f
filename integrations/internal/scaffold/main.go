// Command scaffold creates an integration and keeps everything up to date that follows from the
// list of integrations. It is run by "make new-integration" and "make generate".
//
// It reads the sources instead of importing them: it must also work while they do not compile, as
// after the folder of an integration was deleted.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

var errUsage = errors.New(
	"usage: scaffold new -name NAME [-kind file|rows] [-label LABEL], or scaffold generate, in the root of the module")

func run(args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	repo := repository(".")
	switch args[0] {
	case "new":
		flags := flag.NewFlagSet("new", flag.ContinueOnError)
		name := flags.String("name", "", "the name in Looker's API, such as acme_crm")
		kind := flags.String("kind", "file", "file or rows")
		label := flags.String("label", "", "the name in Looker, such as Acme CRM")
		if err := flags.Parse(args[1:]); err != nil {
			return err
		}
		made, err := repo.create(*name, *kind, *label)
		if err != nil {
			return err
		}
		for _, file := range made {
			fmt.Fprintln(os.Stderr, "created", file)
		}
		return nil
	case "generate":
		gone, err := repo.prune()
		if err != nil {
			return err
		}
		for _, name := range gone {
			fmt.Fprintf(os.Stderr, "%s has no folder anymore: its registration, test data and icon were removed\n", name)
		}
		return repo.generate()
	}
	return errUsage
}
