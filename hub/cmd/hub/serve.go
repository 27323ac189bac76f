package main

import (
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"integrationhub.dev/hub"
	"integrationhub.dev/hub/version"
	"integrationhub.dev/integrations"
)

// newServe runs the hub from its environment.
func newServe(env map[string]string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the hub; --dev needs no configuration",
		Long: `Run the hub. Its settings are environment variables: see hub/README.md.

With --dev nothing has to be set: the hub has a temporary secret and a self-signed
certificate, logs readable text, and answers on this machine only, at PORT (8443).`,
		Args: noArgs,
	}
	dev := cmd.Flags().Bool("dev", false, "for developers: temporary secret, self-signed certificate, readable log, deliveries to this machine")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		o := hub.Options{Env: env, Entries: entries(), Version: version.Current().Version}
		if *dev {
			return serveDev(cmd.Context(), o, cmd.OutOrStdout())
		}
		var err error
		if o.Config, err = hub.LoadConfig(env); err != nil {
			return err
		}
		o.Log = hub.NewLogger(cmd.ErrOrStderr(), o.Config)
		return hub.Run(cmd.Context(), o)
	}
	return cmd
}

func entries() []hub.Entry {
	all := integrations.All()
	list := make([]hub.Entry, len(all))
	for i, e := range all {
		list[i] = hub.Entry(e)
	}
	return list
}

// environment is the process's, as a map.
func environment() map[string]string {
	env := map[string]string{}
	for _, e := range os.Environ() {
		if name, value, ok := strings.Cut(e, "="); ok {
			env[name] = value
		}
	}
	return env
}

// hostPort is where a listener is reached from this machine.
func hostPort(a net.Addr) string {
	_, port, _ := net.SplitHostPort(a.String()) // a listener's address is well-formed
	return fmt.Sprintf("localhost:%s", port)
}
