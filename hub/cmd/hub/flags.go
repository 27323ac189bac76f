package main

import (
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"integrationhub.dev/hub/cmd/hub/internal/looker"
	"integrationhub.dev/hub/suggest"
	"integrationhub.dev/integrations"
)

// pairs collects repeated --name key=value flags.
type pairs map[string]string

// String implements [pflag.Value].
func (p pairs) String() string { return strings.Join(slices.Sorted(maps.Keys(p)), ",") }

// Set implements [pflag.Value].
func (p pairs) Set(text string) error {
	k, v, ok := strings.Cut(text, "=")
	if !ok || k == "" {
		return errors.New("it must be key=value")
	}
	if _, twice := p[k]; twice {
		return errors.New(k + " is specified twice")
	}
	p[k] = v
	return nil
}

// Type implements [pflag.Value].
func (pairs) Type() string { return "key=value" }

var unknownFlag = regexp.MustCompile(`^unknown flag: --(\S+)`)

// flagError makes usage errors of pflag's, and names the flag that was probably meant.
func flagError(cmd *cobra.Command, err error) error {
	message := err.Error()
	if m := unknownFlag.FindStringSubmatch(message); m != nil {
		var known []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, "--"+f.Name) })
		message += suggest.Text("--"+m[1], known)
	}
	return usagef("%s", message)
}

// hubOptions adds the flags that say which hub to call.
func hubOptions(cmd *cobra.Command, env map[string]string) *looker.Options {
	o := &looker.Options{Token: env["HUB_TOKEN"]}
	f := cmd.Flags()
	f.StringVar(&o.URL, "url", env["HUB_URL"], "the hub's URL (HUB_URL)")
	f.StringVar(&o.CAFile, "ca", env["HUB_CA_FILE"], "PEM file with the CA certificates to trust (HUB_CA_FILE)")
	f.StringVar(&o.Connect, "connect", env["HUB_CONNECT"],
		"host:port to connect to instead of the URL's host, such as a port-forward (HUB_CONNECT)")
	f.StringVar(&o.Version, "looker", looker.DefaultVersion, "the version of Looker to simulate")
	return o
}

// hubFlags is as [hubOptions], and returns how to make the client.
func hubFlags(cmd *cobra.Command, env map[string]string) func() (*looker.Client, error) {
	o := hubOptions(cmd, env)
	return func() (*looker.Client, error) {
		if err := checkVersion(o); err != nil {
			return nil, err
		}
		return looker.New(*o)
	}
}

func checkVersion(o *looker.Options) error {
	if err := looker.CheckVersion(o.Version); err != nil {
		return usagef("--looker: %v", err)
	}
	return nil
}

// integrationName wants the one argument that names an integration.
func integrationName(cmd *cobra.Command, args []string) error {
	switch len(args) {
	case 0:
		return usagef("NAME of the integration is missing (list them with hub list)")
	case 1:
		return nil
	}
	return usagef("%s accepts one NAME, but got %s", cmd.CommandPath(), strings.Join(args, " "))
}

// completeName offers the integrations' names to the shell.
func completeName(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, e := range integrations.All() {
		names = append(names, e.Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
