package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"integrationhub.dev/hub/cmd/hub/internal/inbox"
	"integrationhub.dev/hub/cmd/hub/internal/terminal"
)

// newInbox shows what a development hub delivered to its inbox.
func newInbox(env map[string]string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "inbox",
		Short: "List the deliveries in the inbox of hub serve --dev",
		Long: `List the deliveries in the inbox of hub serve --dev.

HUB_INBOX_PAGE says where that is shown; hub env prints it.`,
		Example: "  hub inbox\n  hub inbox --follow\n  hub inbox show\n  hub inbox show 3 --body > delivered.json",
		Args:    unknownCommand,
	}
	connect := inboxFlags(cmd, env)
	o := outputFlag(cmd)
	follow := cmd.Flags().BoolP("follow", "f", false, "keep running and print deliveries as they arrive")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		client, err := connect()
		if err != nil {
			return err
		}
		if *follow {
			return followInbox(cmd.Context(), client, cmd.OutOrStdout(), *o)
		}
		list, err := client.List(cmd.Context(), 0)
		if err != nil {
			return err
		}
		if *o == asJSON {
			return encodeJSON(cmd.OutOrStdout(), list)
		}
		if len(list) == 0 {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "No deliveries yet.")
			return err
		}
		t := &terminal.Table{Header: []string{"ID", "RECEIVED", "ADDRESS", "TYPE", "SIZE", ""}}
		for _, d := range list {
			t.Add(inboxCells(d)...)
		}
		return printTable(cmd.OutOrStdout(), t)
	}
	cmd.AddCommand(newInboxShow(env))
	return cmd
}

func inboxCells(d *inbox.Delivery) []string {
	incomplete := ""
	if d.Problem != "" {
		incomplete = "incomplete"
	}
	return []string{
		strconv.Itoa(d.ID), d.Received.Local().Format(time.TimeOnly), //nolint:gosmopolitan // for whoever sits before it
		d.Method + " " + d.Path, d.ContentType(), terminal.Size(d.Size), incomplete,
	}
}

// followInbox prints deliveries until the command is interrupted.
func followInbox(ctx context.Context, client *inbox.Client, out io.Writer, o output) error {
	for last := 0; ; {
		list, err := client.Wait(ctx, last)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // an interrupt is how this ends
		}
		if err != nil {
			return err
		}
		for _, d := range list {
			last = d.ID
			if o == asJSON {
				err = encodeJSON(out, d)
			} else {
				t := &terminal.Table{}
				t.Add(inboxCells(d)...)
				err = printTable(out, t)
			}
			if err != nil {
				return err
			}
		}
	}
}

// inboxFlags adds the flag that says where the inbox is.
func inboxFlags(cmd *cobra.Command, env map[string]string) func() (*inbox.Client, error) {
	page := cmd.Flags().String("page", env["HUB_INBOX_PAGE"], "URL of the inbox page (HUB_INBOX_PAGE)")
	return func() (*inbox.Client, error) {
		if *page == "" {
			return nil, errors.New("no inbox: start hub serve --dev, then set HUB_INBOX_PAGE to the URL that it prints")
		}
		return inbox.NewClient(*page)
	}
}

// newInboxShow shows one delivery.
func newInboxShow(env map[string]string) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "show [ID]",
		Short:   "Show a delivery (default: the last one)",
		Example: "  hub inbox show\n  hub inbox show 3 --body > delivered.json",
	}
	connect := inboxFlags(cmd, env)
	o := outputFlag(cmd)
	body := cmd.Flags().Bool("body", false, "print only the unmodified body")
	var id int
	cmd.Args = func(_ *cobra.Command, args []string) error {
		var err error
		switch {
		case len(args) > 1:
			return usagef("hub inbox show accepts only one ID")
		case len(args) == 1:
			if id, err = strconv.Atoi(args[0]); err != nil {
				return usagef("%q is not the ID of a delivery, which must be a number", args[0])
			}
		}
		return nil
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		client, err := connect()
		if err != nil {
			return err
		}
		if len(args) == 0 {
			list, err := client.List(cmd.Context(), 0)
			if err != nil {
				return err
			}
			if len(list) == 0 {
				return errors.New("no deliveries yet")
			}
			id = list[len(list)-1].ID
		}
		if *body {
			return client.Body(cmd.Context(), id, cmd.OutOrStdout())
		}
		report, err := client.Delivery(cmd.Context(), id)
		if err != nil {
			return err
		}
		if *o == asJSON {
			return encodeJSON(cmd.OutOrStdout(), report)
		}
		return printDelivery(cmd.OutOrStdout(), report)
	}
	return cmd
}

// printDelivery shows a delivery's beginning.
func printDelivery(out io.Writer, r inbox.Report) error {
	head := &terminal.Table{}
	head.Add("Delivery", fmt.Sprintf("#%d, received at %s", r.ID, r.Received.Local().Format(time.TimeOnly))) //nolint:gosmopolitan // as above
	head.Add("Address", r.Method+" "+r.Path)
	head.Add("Type", r.ContentType())
	head.Add("Size", fmt.Sprintf("%s (%d bytes)", terminal.Size(r.Size), r.Size))
	head.Add("SHA-256", r.SHA256)
	if r.Problem != "" {
		head.Add("Problem", r.Problem)
	}
	if err := printTable(out, head); err != nil {
		return err
	}
	var err error
	switch p := r.Preview; {
	case len(p.Rows) > 0:
		if _, err = fmt.Fprintln(out); err == nil {
			err = printTable(out, &terminal.Table{Header: p.Columns, Rows: p.Rows})
		}
	case p.Text != "":
		_, err = fmt.Fprintf(out, "\n%s\n", p.Text)
	}
	if err == nil && r.Preview.More {
		_, err = fmt.Fprintf(out, "\nThe body is truncated. To see all of it: hub inbox show %d --body\n", r.ID)
	}
	return err
}
