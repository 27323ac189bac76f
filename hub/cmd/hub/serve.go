package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"integrationhub.dev/hub"
	"integrationhub.dev/hub/version"
	"integrationhub.dev/integrations"
)

// serve runs the hub from its environment.
func serve(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("hub serve", flag.ContinueOnError)
	dev := flags.Bool("dev", false, "for developers: temporary secret, self-signed certificate, readable log, deliveries to this machine")
	if err := flags.Parse(args); err != nil {
		return err
	}
	env := environment()
	o := hub.Options{Env: env, Entries: entries(), Version: version.Current().Version}
	if *dev {
		return serveDev(ctx, o, out)
	}
	var err error
	if o.Config, err = hub.LoadConfig(env); err != nil {
		return err
	}
	o.Log = hub.NewLogger(os.Stderr, o.Config)
	return hub.Run(ctx, o)
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
