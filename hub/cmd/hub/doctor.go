package main

import (
	"github.com/spf13/cobra"

	"integrationhub.dev/hub/cmd/hub/internal/doctor"
	"integrationhub.dev/hub/cmd/hub/internal/terminal"
)

// newDoctor checks a hub from outside.
func newDoctor(env map[string]string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "doctor [URL]",
		Short: "Check whether a hub meets Looker's requirements",
		Long: `Check whether a hub meets Looker's requirements: DNS, certificate, clock, token, integrations, a form.

Certificates are checked against this machine's authorities, as Looker does against its
host's; set HUB_CA_FILE for a private one. The exit status is 1 if a check fails.`,
		Example: "  HUB_TOKEN=… hub doctor https://hub.example.com",
	}
	o := hubOptions(cmd, env)
	format := outputFlag(cmd)
	cmd.Args = func(_ *cobra.Command, args []string) error {
		switch len(args) {
		case 0:
			return nil
		case 1:
			o.URL = args[0]
			return nil
		}
		return usagef("hub doctor accepts only one URL")
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if o.URL == "" {
			return usagef("URL is missing: pass the hub's URL, or set HUB_URL")
		}
		if err := checkVersion(o); err != nil {
			return err
		}
		report := doctor.New(*o).Run(cmd.Context())
		out := cmd.OutOrStdout()
		var err error
		if *format == asJSON {
			err = encodeJSON(out, report)
		} else {
			t := &terminal.Table{}
			for _, c := range report {
				text := c.Message
				if c.Advice != "" {
					text += ": " + c.Advice
				}
				t.Add(string(c.Status), c.Name, text)
			}
			err = printTable(out, t)
		}
		if err == nil && !doctor.Healthy(report) {
			return errReported
		}
		return err
	}
	return cmd
}
