package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"integrationhub.dev/hub"
	"integrationhub.dev/hub/cmd/hub/internal/inbox"
	"integrationhub.dev/hub/config"
	"integrationhub.dev/hub/telemetry"
	"integrationhub.dev/hub/token"
)

// A development hub listens here unless the environment says otherwise. Only this machine
// reaches it.
const (
	devHost = "localhost"
	devPort = "8443"
)

// loopback is where the inbox listens: an address, not a name, so that the integrations'
// domain rules open nothing else.
const loopback = "127.0.0.1"

// devReloadInterval is how soon a file that was saved is reloaded.
const devReloadInterval = 250 * time.Millisecond

// dev is a hub that needs no configuration, and what belongs to it.
type dev struct {
	env    map[string]string
	folder string // of the certificate and the inbox's payloads
	cert   tls.Certificate
	ca     string
	inbox  *inbox.Inbox
	served *inbox.Servers
}

// serveDev runs a development hub with its inbox, and says how to talk to both.
func serveDev(ctx context.Context, o hub.Options, out, stderr io.Writer) error {
	listener, err := listenDev(ctx, o.Env)
	if err != nil {
		return err
	}
	defer listener.Close() // for what fails before the hub serves
	folder, err := os.MkdirTemp("", "integration-hub-dev-")
	if err != nil {
		return fmt.Errorf("creating a folder for the certificate: %w", err)
	}
	defer os.RemoveAll(folder)
	d := &dev{env: o.Env, folder: folder, ca: filepath.Join(folder, "ca.pem")}
	d.defaults(listener.Addr())
	if d.cert, err = selfSigned(d.ca, o.Env["ACTION_HUB_CA_FILE"]); err == nil {
		o.Env["ACTION_HUB_CA_FILE"] = d.ca
		o.Config, err = config.Load(o.Env)
	}
	if err != nil {
		return err
	}
	o.Log = telemetry.NewLogger(stderr, o.Config)
	if err := d.startInbox(ctx, &o); err != nil {
		return err
	}
	defer d.served.Close()
	// The inbox may have opened the integrations' domain rules.
	if o.Config, err = config.Load(o.Env); err != nil {
		return err
	}
	o.Certificate, o.Listener = config.NewCertificate(d.cert), listener
	lookerToken, err := token.New([]byte(o.Config.Secret.Reveal()))
	if err != nil {
		return err
	}
	file, err := writeDevEnv(o.Env, folder, d.clientEnv(lookerToken))
	if err != nil {
		return err
	}
	defer file.remove()
	o.ReloadInterval = devReloadInterval
	o.Started = func(net.Addr) { d.greet(out, file) }
	return hub.Run(ctx, o)
}

// listenDev listens where the environment says.
func listenDev(ctx context.Context, env map[string]string) (net.Listener, error) {
	address, source := env["ACTION_HUB_LISTEN_ADDRESS"], "ACTION_HUB_LISTEN_ADDRESS=localhost:9443"
	if address == "" {
		port := devPort
		if env["PORT"] != "" {
			port = env["PORT"]
		}
		address, source = net.JoinHostPort(devHost, port), "PORT=9443"
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is in use by another program: choose another port, as in %s hub serve --dev (0 selects a free port)",
			address, source)
	}
	if err != nil {
		return nil, fmt.Errorf("listening: %w", err)
	}
	return l, nil
}

// defaults sets what the environment leaves out.
func (d *dev) defaults(listening net.Addr) {
	for name, value := range map[string]string{
		"ACTION_HUB_SECRET":         rand.Text(),
		"ACTION_HUB_LABEL":          "Development hub",
		"ACTION_HUB_BASE_URL":       "https://" + hostPort(listening),
		"ACTION_HUB_LISTEN_ADDRESS": listening.String(),
		"ACTION_HUB_ADMIN_ADDRESS":  "localhost:0",
		"ACTION_HUB_DRAIN_DELAY":    "0s",
		"ACTION_HUB_DRAIN_TIMEOUT":  "10s",
		"ACTION_HUB_LOG_FORMAT":     "text",
		"ACTION_HUB_STATUS_PAGE":    "public",
	} {
		if d.env[name] == "" {
			d.env[name] = value
		}
	}
}

// startInbox opens the way to it, and to nothing else on this machine.
func (d *dev) startInbox(ctx context.Context, o *hub.Options) error {
	var listeners [2]net.Listener
	for i := range listeners {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(loopback, "0"))
		if err != nil {
			return fmt.Errorf("listening for the inbox: %w", err)
		}
		listeners[i] = l
	}
	address, err := netip.ParseAddrPort(listeners[0].Addr().String())
	if err != nil {
		return fmt.Errorf("reading the inbox's address: %w", err)
	}
	o.AllowAddrs = append(o.AllowAddrs, address)
	for _, name := range []string{"TRAY_EXTRA_DOMAINS", "ZAPIER_EXTRA_DOMAINS", "WEBHOOK_ALLOWED_DOMAINS"} {
		switch {
		case d.env[name] != "":
			d.env[name] += "," + loopback
		case name != "WEBHOOK_ALLOWED_DOMAINS": // which without a value allows all
			d.env[name] = loopback
		}
	}
	d.inbox = inbox.New(d.folder)
	d.served = d.inbox.Serve(listeners[0], listeners[1], d.cert, o.Log)
	return nil
}

// clientEnv is what commands in another terminal need.
func (d *dev) clientEnv(lookerToken string) [][2]string {
	return [][2]string{
		{"HUB_URL", d.env["ACTION_HUB_BASE_URL"]},
		{"HUB_CA_FILE", d.ca},
		{"HUB_TOKEN", lookerToken},
		{"HUB_INBOX", "https://" + d.served.Deliveries.String()},
		{"HUB_INBOX_PAGE", "http://" + d.served.Page.String() + d.inbox.Path()},
	}
}

// greet says what there is and how to use it. The commands can be copied as they stand.
func (d *dev) greet(out io.Writer, file *devEnvFile) {
	hub := shellQuote(self())
	_, _ = fmt.Fprintf(out, `The hub answers at %s
What it delivers to the inbox is shown at %s

In another terminal:

  . %s
  %s list
  %s form tray
  %s sample --rows 100 | %s send tray --data - --field url=$HUB_INBOX/first
  %s inbox

`, d.env["ACTION_HUB_BASE_URL"], "http://"+d.served.Page.String()+d.inbox.Path(), shellQuote(file.own), hub, hub, hub, hub, hub)
}

// self is how a shell calls this program.
func self() string {
	path, err := os.Executable()
	if err != nil {
		return "hub"
	}
	for _, folder := range filepath.SplitList(os.Getenv("PATH")) {
		if filepath.Join(folder, "hub") == path {
			return "hub"
		}
	}
	return path
}

// shellQuote writes a word for a POSIX shell.
func shellQuote(word string) string {
	safe := func(r rune) bool {
		return strings.ContainsRune("_-./:@%+=,", r) || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
	}
	if word != "" && strings.TrimFunc(word, safe) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
