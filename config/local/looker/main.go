// Command looker is a simulator of Looker for the local cluster: a hub is registered in it, and its
// integrations are run from it. It is for tests, and not part of the product.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"integrationhub.dev/config/local/servingcert"
	"integrationhub.dev/hub/looker"
	"integrationhub.dev/hub/looker/openapi"
	"integrationhub.dev/hub/outbound"
)

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, log, os.Args[1:], environment(os.Environ())); err != nil {
		log.Error("looker stopped", "error", err)
		os.Exit(1)
	}
}

func environment(list []string) map[string]string {
	env := map[string]string{}
	for _, entry := range list {
		name, value, _ := strings.Cut(entry, "=")
		env[name] = value
	}
	return env
}

// settings are the flags. Secrets come from the environment, where other users of the machine do not
// see them.
type settings struct {
	address, control, cert, key, ca string
	options                         looker.Options
}

func parse(args []string, env map[string]string) (settings, error) {
	var s settings
	f := flag.NewFlagSet("looker", flag.ContinueOnError)
	f.StringVar(&s.address, "address", ":8443", "address of Looker's API, over TLS")
	f.StringVar(&s.control, "control-address", "127.0.0.1:8081", "address of the simulator's own API, over plain HTTP and without authentication")
	f.StringVar(&s.cert, "cert", "", "certificate file, PEM")
	f.StringVar(&s.key, "key", "", "key file, PEM")
	f.StringVar(&s.ca, "ca", "", "file of further authorities that may sign hubs' certificates, PEM")
	f.StringVar(&s.options.URL, "url", "", "address at which hubs and browsers reach the simulator, such as https://looker.looker.svc")
	f.StringVar(&s.options.StateFile, "state", "", "file in which hubs, settings and users' states are kept, with their secrets")
	f.StringVar(&s.options.Version, "looker-version", looker.DefaultVersion, "version of Looker to report to hubs")
	f.StringVar(&s.options.LegalAgreement, "legal-agreement", "", "text that must be accepted for each new hub")
	f.DurationVar(&s.options.TokenLifetime, "token-lifetime", time.Hour, "how long an access token is valid")
	f.IntVar(&s.options.RateLimit.Requests, "rate-limit", 10, "how many requests per minute may create and update hubs; -1 is no limit")
	attributes := f.String("user-attributes", "", "names of the user attributes, separated by commas")
	if err := f.Parse(args); err != nil {
		return s, err
	}
	if s.cert == "" || s.key == "" {
		return s, errors.New("-cert and -key are missing: Looker is only served over TLS")
	}
	if *attributes != "" {
		s.options.UserAttributes = strings.Split(*attributes, ",")
	}
	id, secret := env["LOOKER_CLIENT_ID"], env["LOOKER_CLIENT_SECRET"]
	if id == "" || secret == "" {
		return s, errors.New("LOOKER_CLIENT_ID and LOOKER_CLIENT_SECRET are missing: the API key of the administrator")
	}
	// The user without the permission admin is for actions; that one has no API key.
	s.options.Users = []looker.User{
		{ID: "1", ClientID: id, ClientSecret: secret, Permissions: []looker.Permission{looker.Admin}},
		{ID: "2", Permissions: []looker.Permission{looker.SendToIntegration}},
	}
	var err error
	if s.options.Roots, err = outbound.LoadRoots(s.ca); err != nil {
		return s, fmt.Errorf("reading -ca: %w", err)
	}
	return s, nil
}

// run serves until ctx ends.
func run(ctx context.Context, log *slog.Logger, args []string, env map[string]string) error {
	s, err := parse(args, env)
	if err != nil {
		return err
	}
	s.options.Log = log
	doc, err := openapi.New() //nolint:contextcheck // it reads a document in memory
	if err != nil {
		return err
	}
	s.options.Document = doc
	l, err := looker.New(s.options)
	if err != nil {
		return err
	}
	own := servingcert.New(s.cert, s.key)
	if _, err := own.Current(nil); err != nil {
		return fmt.Errorf("reading the certificate: %w", err)
	}
	api := &http.Server{
		Addr: s.address, Handler: l, ReadHeaderTimeout: 10 * time.Second,
		TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: own.Current},
	}
	control := &http.Server{Addr: s.control, Handler: l.Control(), ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 2)
	go func() { failed <- api.ListenAndServeTLS("", "") }()
	go func() { failed <- control.ListenAndServe() }()
	go l.RefreshEvery(ctx, looker.RefreshInterval)
	log.InfoContext(ctx, "simulating Looker", "address", s.address, "control_address", s.control, "url", s.options.URL)
	select {
	case err = <-failed:
		err = fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	return errors.Join(err, api.Close(), control.Close())
}
