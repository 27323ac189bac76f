package main

import (
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// commandName is how users type the program's name: as a plugin of kubectl, kubectl-integrationhub is "kubectl integrationhub".
func commandName(program string) string {
	base := strings.TrimSuffix(filepath.Base(program), ".exe")
	if plugin, ok := strings.CutPrefix(base, "kubectl-"); ok {
		return "kubectl " + strings.ReplaceAll(plugin, "-", " ")
	}
	return "hub"
}

// renamer returns what puts another name than hub into texts that name one of the commands, such as hub list.
func renamer(root *cobra.Command, name string) func(text string) string {
	if name == root.Name() {
		return func(text string) string { return text }
	}
	var commands []string
	for _, c := range root.Commands() {
		commands = append(commands, c.Name())
	}
	command := regexp.MustCompile(`\bhub (` + strings.Join(commands, "|") + `)\b`)
	return func(text string) string { return command.ReplaceAllString(text, name+" $1") }
}

// rename puts a name into all texts of a command and of those below it.
func rename(cmd *cobra.Command, replace func(text string) string) {
	cmd.Short, cmd.Long, cmd.Example = replace(cmd.Short), replace(cmd.Long), replace(cmd.Example)
	cmd.Flags().VisitAll(func(f *pflag.Flag) { f.Usage = replace(f.Usage) })
	for _, c := range cmd.Commands() {
		rename(c, replace)
	}
}
