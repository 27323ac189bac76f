package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"integrationhub.dev/hub/cmd/hub/internal/terminal"
)

// output is how a command prints: a table for people, or JSON for programs.
type output string

const (
	asTable output = "table"
	asJSON  output = "json"
)

// String implements [pflag.Value].
func (o *output) String() string { return string(*o) }

// Set implements [pflag.Value].
func (o *output) Set(text string) error {
	if v := output(text); v == asTable || v == asJSON {
		*o = v
		return nil
	}
	return fmt.Errorf("it must be %s or %s", asTable, asJSON)
}

// Type implements [pflag.Value].
func (*output) Type() string { return "table|json" }

// outputFlag adds --output to a command.
func outputFlag(cmd *cobra.Command) *output {
	o := asTable
	cmd.Flags().VarP(&o, "output", "o", "output format")
	_ = cmd.RegisterFlagCompletionFunc("output", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return []string{string(asTable), string(asJSON)}, cobra.ShellCompDirectiveNoFileComp
	})
	return &o
}

// printJSON indents an answer.
func printJSON(out io.Writer, answer []byte) error {
	var b bytes.Buffer
	if err := json.Indent(&b, bytes.TrimSpace(answer), "", "  "); err != nil {
		return fmt.Errorf("the hub's response is not JSON: %w", err)
	}
	b.WriteByte('\n')
	_, err := b.WriteTo(out)
	return err
}

// encodeJSON prints a value of our own.
func encodeJSON(out io.Writer, v any) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// printTable fits a table to the terminal.
func printTable(out io.Writer, t *terminal.Table) error { return t.Write(out, terminal.Width(out)) }
