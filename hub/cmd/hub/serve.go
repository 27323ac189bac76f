package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"integrationhub.dev/hub"
	"integrationhub.dev/hub/config"
	hubenv "integrationhub.dev/hub/env"
	"integrationhub.dev/hub/telemetry"
	"integrationhub.dev/hub/version"
	"integrationhub.dev/integrations"
)

// newServe runs the hub from its environment.
func newServe(env map[string]string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the hub; --dev needs no configuration",
		Long: `Run the hub. Its settings are environment variables: see hub/README.md.

With --dev nothing has to be set. The hub has a temporary secret and a self-signed
certificate, logs readable text, and answers on this machine only, at PORT (8443). It
comes with an inbox, where webhook, tray and zapier deliver to: see hub inbox.`,
		Example: "  hub serve --dev\n  PORT=9443 hub serve --dev\n  hub serve --dev --integrations . --integration-secrets secrets",
		Args:    noArgs,
	}
	dev := cmd.Flags().Bool("dev", false, "development mode: no configuration, and an inbox that receives deliveries")
	local := cmd.Flags().Bool("allow-loopback", false, "with --dev: also allow deliveries to loopback addresses other than the inbox")
	folder := cmd.Flags().String("integrations", "", "folder with HTTPIntegrations; changes are reloaded (ACTION_HUB_INTEGRATIONS_DIR)")
	secrets := cmd.Flags().String("integration-secrets", "", "folder with the secrets of the HTTPIntegrations (ACTION_HUB_INTEGRATION_SECRETS_DIR)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		for name, value := range map[string]string{hubenv.IntegrationsDir: *folder, hubenv.IntegrationSecrets: *secrets} {
			if value != "" {
				env[name] = value
			}
		}
		o := hub.Options{Env: env, Integrations: integrations.All(), SharedREADME: integrations.SharedREADME(), Version: version.Current().Version}
		if *dev {
			o.AllowLoopback = *local
			return serveDev(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		}
		if *local {
			return usagef("--allow-loopback requires --dev")
		}
		var err error
		if o.Config, err = config.Load(env); err != nil {
			return err
		}
		o.Log = telemetry.NewLogger(cmd.ErrOrStderr(), o.Config)
		// A third of the heap is garbage of the start, and an idle hub would keep it for minutes.
		o.Started = func(net.Addr) { debug.FreeOSMemory() }
		err = hub.Run(cmd.Context(), o)
		if e, ok := errors.AsType[*net.OpError](err); ok && errors.Is(e, syscall.EADDRINUSE) {
			return fmt.Errorf("%s is in use by another program: set PORT, ACTION_HUB_LISTEN_ADDRESS or ACTION_HUB_ADMIN_ADDRESS", e.Addr)
		}
		return err
	}
	return cmd
}

// environment returns the process's environment.
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
