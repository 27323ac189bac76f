package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"integrationhub.dev/api/httpintegration"
	"integrationhub.dev/hub/custom"
	"integrationhub.dev/hub/custom/manifest"
	"integrationhub.dev/integrations"
)

// newLint checks files with no-code integrations.
func newLint() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "lint FILE...",
		Short: "Check HTTPIntegrations in files or folders",
		Long: `Check HTTPIntegrations, which are no-code integrations, in files or folders.

Each problem is a line with the file, the line in it and the field. The exit status is 1
if there is one. Requests are checked with the values in spec.sample: --show-requests
prints them. Nothing is sent, and secrets are placeholders.

With --schema, print the JSON Schema for editors instead.`,
		Example: "  hub lint integrations/\n  hub lint --show-requests mattermost.yaml\n  hub lint --schema > httpintegration.schema.json",
	}
	show := cmd.Flags().Bool("show-requests", false, "print the requests for spec.sample")
	schema := cmd.Flags().Bool("schema", false, "print the JSON Schema of the files")
	cmd.Args = func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) == 0 && !*schema:
			return usagef("FILE is missing: pass a file or a folder with HTTPIntegrations")
		case len(args) > 0 && *schema:
			return usagef("--schema does not accept a FILE")
		}
		return nil
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *schema {
			_, err := cmd.OutOrStdout().Write(httpintegration.Schema)
			return err
		}
		files, err := filesOf(args)
		if err != nil {
			return err
		}
		problems, err := lint(files, cmd.OutOrStdout(), *show)
		switch {
		case err != nil:
			return err
		case problems > 0:
			return errReported
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "Files checked: %d. No problems.\n", len(files))
		return err
	}
	return cmd
}

// filesOf returns the files, and those in folders.
func filesOf(args []string) ([]string, error) {
	var files []string
	for _, arg := range args {
		info, err := os.Stat(arg)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("no such file or folder: %s", arg)
		case err != nil:
			return nil, fmt.Errorf("reading %s: %w", arg, err)
		case !info.IsDir():
			files = append(files, arg)
			continue
		}
		for _, extension := range []string{"yaml", "yml", "json"} {
			found, err := filepath.Glob(filepath.Join(arg, "*."+extension))
			if err != nil {
				return nil, fmt.Errorf("reading %s: %w", arg, err)
			}
			files = append(files, found...)
		}
	}
	slices.Sort(files)
	return files, nil
}

// lint prints the problems of files and, if show is set, the requests of their samples. It returns the
// number of problems.
func lint(files []string, out io.Writer, show bool) (int, error) {
	o := custom.Options{}
	for _, r := range integrations.All() {
		o.Names = append(o.Names, r.Name)
	}
	count, owners := 0, map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return 0, fmt.Errorf("reading %s: %w", file, err)
		}
		i, problems := lintFile(file, text, o, owners)
		count += len(problems)
		for _, p := range problems {
			if _, err := fmt.Fprintln(out, p); err != nil {
				return 0, err
			}
		}
		if show && len(problems) == 0 {
			if err := showRequests(out, file, i); err != nil {
				return 0, err
			}
		}
	}
	return count, nil
}

// lintFile returns the integration of a file, or its problems. owners are the files that have names already.
func lintFile(file string, text []byte, o custom.Options, owners map[string]string) (*custom.Integration, manifest.Problems) {
	m, err := manifest.Parse(file, text)
	var i *custom.Integration
	if err == nil {
		i, err = custom.Compile(m, o)
	}
	if problems, ok := errors.AsType[manifest.Problems](err); ok {
		return nil, problems
	}
	name := i.Definition().Name
	if owner := owners[name]; owner != "" {
		return nil, manifest.Problems{m.Problem("spec.name", "The name %s is already used by %s.", name, owner)}
	}
	owners[name] = file
	return i, nil
}
