package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/cmd/hub/internal/terminal"
	"integrationhub.dev/hub/sample"
	"integrationhub.dev/hub/suggest"
)

// newSample writes a made-up result.
func newSample() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sample",
		Short: "Write a sample result in one of Looker's formats",
		Long: `Write a sample result in one of Looker's formats, to standard output.

Its columns carry the LookML tags by which integrations find e-mail addresses, telephone
numbers and IDs. The same number of rows gives the same bytes each time.

Formats: ` + join(sample.Formats()) + `.`,
		Example: "  hub sample > result.json\n  hub sample --format xlsx --rows 1000 > result.xlsx\n" +
			"  hub sample --format csv | hub send webhook --data - --format csv --field url=https://…",
		Args: noArgs,
	}
	format := cmd.Flags().String("format", string(action.JSONDetail), "format of the result")
	rows := cmd.Flags().Int("rows", 100, "number of rows")
	_ = cmd.RegisterFlagCompletionFunc("format", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return formatNames(), cobra.ShellCompDirectiveNoFileComp
	})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		f := action.Format(*format)
		switch {
		case *rows < 0:
			return usagef("--rows must not be negative")
		case !slices.Contains(sample.Formats(), f):
			hint := suggest.Text(*format, formatNames())
			if hint == "" {
				hint = "; choose one of " + join(sample.Formats())
			}
			return usagef("--format %s: no sample is available in this format%s", *format, hint)
		case sample.Binary(f) && terminal.Is(cmd.OutOrStdout()):
			return usagef("%s is not text: write it to a file, as in hub sample --format %s > result.%s", f, f, extension(*format, ""))
		}
		if err := sample.Write(cmd.OutOrStdout(), f, *rows); err != nil {
			return fmt.Errorf("writing the sample: %w", err)
		}
		return nil
	}
	return cmd
}

func formatNames() []string {
	var names []string
	for _, f := range sample.Formats() {
		names = append(names, string(f))
	}
	return names
}
