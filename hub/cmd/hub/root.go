package main

import (
	"cmp"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// process is what the program gets from its surroundings.
type process struct {
	// name is how users type the program's name; "" is hub.
	name     string
	in       io.Reader
	out, err io.Writer
	env      map[string]string
}

// newRoot makes the command tree. It is made per call, so that tests run side by side.
func newRoot(p process) *cobra.Command {
	root := &cobra.Command{
		Use:   "hub",
		Short: "Run the Integration Hub, or simulate Looker with any hub",
		Long: `hub runs the Integration Hub, and acts as Looker against any hub.

Commands that call a hub read HUB_URL, HUB_TOKEN and HUB_CA_FILE from the environment.`,
		Example:       "  hub serve --dev\n  eval \"$(hub env)\"   # in another terminal\n  hub list",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          unknownCommand,
	}
	// cobra's own flag needs a template for its text, and templates make the linker keep every method.
	showVersion := root.Flags().BoolP("version", "v", false, "print the version")
	root.RunE = func(cmd *cobra.Command, _ []string) error {
		if *showVersion {
			return printVersion(cmd.OutOrStdout())
		}
		return cmd.Help()
	}
	name := cmp.Or(p.name, root.Name())
	root.Annotations = map[string]string{cobra.CommandDisplayNameAnnotation: name}
	root.SetIn(p.in)
	root.SetOut(p.out)
	root.SetErr(p.err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return flagError(cmd, err) })
	root.AddCommand(newServe(p.env), newToken(p.env), newList(p.env), newForm(p.env), newSend(p.env),
		newDoctor(p.env), newMigrate(p.env), newSample(), newLint(), newInbox(p.env), newConsole(p.env), newEnv(p.env), newVersion())
	rename(root, renamer(root, name))
	return root
}

// unknownCommand refuses what is not a command, and names the one that was probably meant.
func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if cmd.SuggestionsMinimumDistance <= 0 {
		cmd.SuggestionsMinimumDistance = 2
	}
	message := "unknown command " + args[0]
	if similar := cmd.SuggestionsFor(args[0]); len(similar) > 0 {
		message += ", did you mean " + strings.Join(similar, " or ") + "?"
	}
	return usagef("%s", message)
}

// noArgs refuses arguments where a command takes none.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("%s accepts no arguments, but got %q", cmd.CommandPath(), args[0])
	}
	return nil
}
