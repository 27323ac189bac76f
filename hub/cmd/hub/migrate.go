package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"integrationhub.dev/hub/cmd/hub/internal/migrate"
	"integrationhub.dev/hub/cmd/hub/internal/terminal"
	"integrationhub.dev/integrations"
)

// newMigrate helps to move from the reference hub.
func newMigrate(env map[string]string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Migrate from the reference hub",
		Args:  unknownCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newMigrateCheck(env))
	return cmd
}

func newMigrateCheck(env map[string]string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check [FILE]",
		Short: "Report differences from the reference hub",
		Long: `Say what will differ from the reference hub: in its settings, and for the schedules of each
integration that it offers.

FILE is the reference's .env file or the output of env, or - for standard input; without it, the command reads its
own environment. No value of a setting is printed, and nothing is called. A blocker keeps the hub
from starting or an integration from being offered; the exit status is 1 if there is one.`,
		Example: "  hub migrate check .env\n  kubectl exec deploy/action-hub -- env | hub migrate check -",
	}
	format := outputFlag(cmd)
	cmd.Args = func(_ *cobra.Command, args []string) error {
		if len(args) > 1 {
			return usagef("hub migrate check accepts only one FILE")
		}
		return nil
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		environment, err := referenceEnvironmentOf(cmd.InOrStdin(), env, args)
		if err != nil {
			return err
		}
		report, err := migrate.Check(environment, integrations.All())
		if err != nil {
			return err
		}
		out := cmd.OutOrStdout()
		if *format == asJSON {
			err = encodeJSON(out, report)
		} else {
			err = printMigration(out, report)
		}
		if err == nil && report.Blocked() {
			return errReported
		}
		return err
	}
	return cmd
}

// referenceEnvironmentOf reads the variables of the reference hub.
func referenceEnvironmentOf(in io.Reader, env map[string]string, args []string) (map[string]string, error) {
	if len(args) == 0 {
		return env, nil
	}
	var text []byte
	var err error
	if args[0] == "-" {
		text, err = io.ReadAll(in)
	} else {
		text, err = os.ReadFile(args[0])
	}
	if err != nil {
		return nil, fmt.Errorf("reading the reference's environment: %w", err)
	}
	environment, err := migrate.ParseEnvironment(string(text))
	if err != nil {
		return nil, fmt.Errorf("reading the reference's environment in %s: %w", args[0], err)
	}
	return environment, nil
}

// printMigration prints the hub's findings, and then those of each integration.
func printMigration(out io.Writer, r migrate.Report) error {
	t := &terminal.Table{Header: []string{"WHAT", "LEVEL", "DIFFERENCES"}}
	for _, f := range r.Hub {
		t.Add("hub", string(f.Level), f.Message)
	}
	for _, i := range r.Integrations {
		if len(i.Findings) == 0 {
			t.Add(i.Name, "same", "")
		}
		for _, f := range i.Findings {
			t.Add(i.Name, string(f.Level), f.Message)
		}
	}
	if err := printTable(out, t); err != nil {
		return err
	}
	if len(r.New) > 0 {
		advice := "set ACTION_WHITELIST"
		if r.Whitelist {
			advice = "remove these names from ACTION_WHITELIST, where the reference ignored them"
		}
		if _, err := fmt.Fprintf(out, "\nNew in Looker: %s.\nTo enable only the integrations of the reference, %s.\n", strings.Join(r.New, ", "), advice); err != nil {
			return err
		}
	}
	verdict := "There are no blockers."
	if r.Blocked() {
		verdict = "Resolve the blockers before you migrate."
	}
	_, err := fmt.Fprintf(out, "\n%d integrations of the reference were checked. %s\n", len(r.Integrations), verdict)
	return err
}
