package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"integrationhub.dev/hub/cmd/hub/internal/terminal"
)

// newList prints what a hub offers, one integration a line.
func newList(env map[string]string) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List a hub's integrations", Args: noArgs}
	connect := hubFlags(cmd, env)
	o := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		client, err := connect()
		if err != nil {
			return err
		}
		list, answer, err := client.List(cmd.Context())
		if err != nil {
			return err
		}
		out := cmd.OutOrStdout()
		if *o == asJSON {
			return printJSON(out, answer)
		}
		if _, err := fmt.Fprintf(out, "%s: %d integrations\n\n", list.Label, len(list.Integrations)); err != nil {
			return err
		}
		t := &terminal.Table{Header: []string{"NAME", "LABEL", "TYPES", "FORMATS"}}
		for _, i := range list.Integrations {
			formats := join(i.Formats)
			if formats == "" {
				formats = "any"
			}
			t.Add(i.Name, i.Label, join(i.Types), formats)
		}
		return printTable(out, t)
	}
	return cmd
}

// join lists names with commas.
func join[T ~string](list []T) string {
	texts := make([]string, len(list))
	for i, v := range list {
		texts[i] = string(v)
	}
	return strings.Join(texts, ",")
}
