// Command loadtest measures the performance of a hub and checks that it neither loses, duplicates
// nor corrupts deliveries.
//
//	loadtest bench [flags]   prints each measurement and its target
//	loadtest soak [flags]    delivers with injected faults and checks every delivery
//
// It builds and starts the hub like a user, sends requests like Looker, and receives the
// deliveries, all on this machine. A missed target is printed and does not fail the run; a
// delivery with the wrong result does.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "loadtest:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	command := map[string]func(context.Context, []string) error{"bench": bench, "soak": soak, rowsHub: serveRows}
	if len(args) == 0 || command[args[0]] == nil {
		return errors.New("usage: loadtest bench|soak [flags]; -h lists them")
	}
	err := command[args[0]](ctx, args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	return err
}

// site is the environment of a run: the hub's program, its certificate and the receiver.
type site struct {
	dir      string
	program  string // the hub's
	cert     *certificate
	receiver *receiver
	client   *http.Client // Looker's
}

// newSite builds the hub, unless a program is given. The caller closes the site.
func newSite(ctx context.Context, program string) (*site, error) {
	dir, err := os.MkdirTemp("", "integration-hub-loadtest-")
	if err != nil {
		return nil, fmt.Errorf("creating a directory: %w", err)
	}
	s := &site{dir: dir, program: program}
	if err := s.setup(ctx); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *site) setup(ctx context.Context) error {
	if s.program == "" {
		s.program = filepath.Join(s.dir, "hub")
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", //nolint:gosec // only our directory varies
			"-o", s.program, "integrationhub.dev/hub/cmd/hub")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			return fmt.Errorf("building the hub: %w", err)
		}
	}
	var err error
	if s.cert, err = newCertificate(s.dir); err != nil {
		return err
	}
	s.client = &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: s.cert.roots, MinVersion: tls.VersionTLS12},
		WriteBufferSize: 256 << 10, MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute,
	}}
	s.receiver, err = startReceiver(ctx, s.cert)
	return err
}

func (s *site) close() {
	if s.receiver != nil {
		_ = s.receiver.server.Close()
	}
	_ = os.RemoveAll(s.dir)
}

// serve returns the command line of a hub that may deliver to this machine.
func (s *site) serve() []string { return []string{s.program, "serve", "--dev", "--allow-loopback"} }
