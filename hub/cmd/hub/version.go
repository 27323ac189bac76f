package main

import (
	"fmt"
	"io"

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
		return printVersion(cmd.OutOrStdout())
	}
	return cmd
}

func printVersion(w io.Writer) error {
	_, err := fmt.Fprintln(w, version.Current())
	return err
}
