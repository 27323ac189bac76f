package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/cmd/hub/internal/looker"
	"integrationhub.dev/hub/cmd/hub/internal/terminal"
)

// sendFlags are what is delivered.
type sendFlags struct {
	*requestFlags
	output                        *output
	data, format, download, title string
}

// newSend delivers a file.
func newSend(env map[string]string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "send NAME --data FILE",
		Short: "Deliver a file with an integration, like Looker",
		Example: "  hub send tray --data result.json --field url=https://…\n" +
			"  hub sample --format csv | hub send webhook --data - --format csv --field url=https://…",
		Args:              integrationName,
		ValidArgsFunction: completeName,
	}
	connect := hubFlags(cmd, env)
	f := &sendFlags{requestFlags: newRequestFlags(cmd), output: outputFlag(cmd)}
	cmd.Flags().StringVar(&f.data, "data", "", "the file to deliver; - reads standard input")
	cmd.Flags().StringVar(&f.format, "format", "",
		"format of the data, such as csv or json_detail (default: from the file name; json for standard input)")
	cmd.Flags().StringVar(&f.download, "download-url", "", "a URL from which the hub downloads the data instead")
	cmd.Flags().StringVar(&f.title, "title", "Sent by hub send", "the schedule's title")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := f.checkData(); err != nil {
			return err
		}
		client, err := connect()
		if err != nil {
			return err
		}
		return f.send(cmd, client, args[0])
	}
	return cmd
}

// checkData wants something to deliver: only the value of a cell comes without data.
func (f *sendFlags) checkData() error {
	if f.data != "" && f.download != "" {
		return usagef("--data and --download-url cannot be combined")
	}
	if f.data == "" && f.download == "" && f.kind != string(action.TypeCell) {
		return usagef("--data FILE is missing (- reads standard input)")
	}
	return nil
}

func (f *sendFlags) send(cmd *cobra.Command, client *looker.Client, name string) error {
	file, size, err := openData(f.data, cmd.InOrStdin())
	if err != nil {
		return err
	}
	defer file.Close()
	e, err := f.request(cmd.Context(), client, name)
	if err != nil {
		return err
	}
	progress := terminal.StartProgress(cmd.ErrOrStderr(), size)
	var data *looker.Data
	if f.data != "" {
		data = &looker.Data{Reader: progress.Reader(file), Extension: extension(f.format, f.data)}
	}
	outcome, answer, err := client.Execute(cmd.Context(), name, e, data)
	progress.Stop()
	if err != nil {
		return err
	}
	if *f.output == asJSON {
		if err := printJSON(cmd.OutOrStdout(), answer); err != nil {
			return err
		}
		if !outcome.Success {
			return errReported
		}
		return nil
	}
	if !outcome.Success {
		return fmt.Errorf("%s did not deliver: %s", name, failure(outcome))
	}
	what := "the request"
	if data != nil {
		what = terminal.Size(progress.Bytes())
	}
	if outcome.Message != "" {
		outcome.Message = " " + outcome.Message
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s delivered %s in %s.%s\n",
		name, what, progress.Elapsed().Round(time.Millisecond), outcome.Message)
	return err
}

// request is the delivery without its data, checked against what the hub offers.
func (f *sendFlags) request(ctx context.Context, client *looker.Client, name string) (looker.Envelope, error) {
	i, err := client.Integration(ctx, name)
	if err != nil {
		return looker.Envelope{}, err
	}
	e, err := f.envelope(i)
	if err != nil {
		return e, err
	}
	e.Plan = &looker.Plan{Title: f.title, Type: "Look", URL: "https://looker.example.com/looks/1", DownloadURL: f.download}
	return e, checkFields(ctx, client, i, e)
}

// failure is one sentence: the message, and what it does not say of single fields.
func failure(o looker.Outcome) string {
	message := strings.TrimSpace(o.Message)
	for _, name := range slices.Sorted(maps.Keys(o.ValidationErrors)) {
		if text := o.ValidationErrors[name]; !strings.Contains(message, text) {
			message += fmt.Sprintf(" --field %s: %s", name, text)
		}
	}
	if message == "" {
		return "the hub did not return a reason"
	}
	return strings.TrimSpace(message)
}
