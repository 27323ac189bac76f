package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"integrationhub.dev/hub/version"
)

func newVersion() *cobra.Command {
	cmd := &cobra.Command{Use: "version", Short: "Print the version", Args: noArgs}
	o := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *o == asJSON {
			return encodeJSON(cmd.OutOrStdout(), version.Current())
		}
		_, err := fmt.Fprintln(cmd.OutOrStdout(), version.Current())
		return err
	}
	return cmd
}
