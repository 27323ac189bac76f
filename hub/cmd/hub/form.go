package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/cmd/hub/internal/looker"
	"integrationhub.dev/hub/cmd/hub/internal/terminal"
)

// newForm prints an integration's settings and form.
func newForm(env map[string]string) *cobra.Command {
	cmd := &cobra.Command{
		Use:               "form NAME",
		Short:             "Show an integration's settings and form",
		Example:           "  hub form tray\n  hub form slack --param slack_api_token=…",
		Args:              integrationName,
		ValidArgsFunction: completeName,
	}
	connect := hubFlags(cmd, env)
	flags := newRequestFlags(cmd)
	o := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		client, err := connect()
		if err != nil {
			return err
		}
		i, err := client.Integration(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		e, err := flags.envelope(i)
		if err != nil {
			return err
		}
		if i.FormURL == nil {
			return fmt.Errorf("%s has no form", i.Name)
		}
		form, answer, err := client.Form(cmd.Context(), i.Name, e)
		if err != nil {
			return err
		}
		out := cmd.OutOrStdout()
		if *o == asJSON {
			if err := printJSON(out, answer); err != nil {
				return err
			}
		}
		switch {
		case form.Error != "" && *o == asJSON:
			return errReported
		case form.Error != "":
			return fmt.Errorf("%s cannot load its form: %s", i.Name, form.Error)
		case *o == asJSON:
			return nil
		}
		return printForm(out, i, form)
	}
	return cmd
}

func printForm(out io.Writer, i looker.Integration, form looker.Form) error {
	columns := terminal.Width(out)
	for _, line := range terminal.Wrap(fmt.Sprintf("%s: %s", i.Label, i.Description), columns) {
		if _, err := fmt.Fprintln(out, line); err != nil {
			return err
		}
	}
	settings := &terminal.Table{Header: []string{"SETTING", "REQUIRED", "DESCRIPTION"}}
	for _, p := range i.Params {
		settings.Add(p.Name, yes(p.Required), labelled(p.Label, p.Description))
	}
	fields := &terminal.Table{Header: []string{"FIELD", "REQUIRED", "DEFAULT", "DESCRIPTION"}}
	for _, f := range form.Fields {
		fields.Add(f.Name, yes(f.Required), f.Default, describeField(f))
	}
	for _, part := range []struct {
		title string
		table *terminal.Table
	}{
		{"Settings in Looker (--param NAME=VALUE)", settings},
		{"Form (--field NAME=VALUE)", fields},
	} {
		if len(part.table.Rows) == 0 {
			continue
		}
		if _, err := fmt.Fprintf(out, "\n%s\n\n", part.title); err != nil {
			return err
		}
		if err := part.table.Write(out, columns); err != nil {
			return err
		}
	}
	return nil
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

// labelled joins a label and a description as sentences.
func labelled(label, description string) string {
	if label == "" || description == "" {
		return label + description
	}
	return strings.TrimSuffix(label, ".") + ". " + description
}

// describeField is what a user sees of a field, and what it takes.
func describeField(f action.Field) string {
	text := labelled(f.Label, f.Description)
	switch {
	case f.OAuthURL != "":
		return labelled(text, "Sign in at "+f.OAuthURL)
	case f.Value != "":
		return labelled(text, f.Value)
	case len(f.Options) > 0:
		options := make([]string, len(f.Options))
		for n, o := range f.Options {
			options[n] = o.Name
			if o.Label != "" && o.Label != o.Name {
				options[n] += " (" + o.Label + ")"
			}
		}
		return labelled(text, "One of: "+strings.Join(options, ", "))
	}
	return text
}
