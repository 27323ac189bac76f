package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"integrationhub.dev/hub/token"
)

// newToken prints a token. The secret comes from the environment, never from an argument,
// where every process of the machine could read it.
func newToken(env map[string]string) *cobra.Command {
	return &cobra.Command{
		Use:   "token",
		Short: "Create a token for Looker from the service secret",
		Long: `Create a token for Looker from the service secret in ACTION_HUB_SECRET.

The token is valid until the secret changes.`,
		Example: "  ACTION_HUB_SECRET=… hub token",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			secret := env["ACTION_HUB_SECRET"]
			if secret == "" {
				return usagef("ACTION_HUB_SECRET is not set: tokens are derived from it")
			}
			t, err := token.New([]byte(secret))
			if err != nil {
				return fmt.Errorf("%w (ACTION_HUB_SECRET)", err)
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), t)
			return err
		},
	}
}
