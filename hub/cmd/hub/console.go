package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"integrationhub.dev/hub/cmd/hub/internal/console"
	"integrationhub.dev/hub/cmd/hub/internal/looker"
	simulator "integrationhub.dev/hub/looker"
)

// consoleFlags say which hub the console calls, and where it is reached.
type consoleFlags struct {
	hub                                  *looker.Options
	listen, public, tokenFile, stateFile string
}

func newConsoleFlags(cmd *cobra.Command, env map[string]string, listen string) *consoleFlags {
	f := &consoleFlags{hub: hubOptions(cmd, env)}
	flags := cmd.Flags()
	flags.StringVar(&f.listen, "listen", listen, "listen address of the console (loopback only)")
	flags.StringVar(&f.public, "public-url", "",
		"URL at which the hub reaches the console for downloads and sign-ins (default: the console's address)")
	flags.StringVar(&f.tokenFile, "token-file", "", "file with the hub's token (alternative: the token in HUB_TOKEN)")
	flags.StringVar(&f.stateFile, "state", "", "file in which to save settings and sign-ins, including secrets")
	flags.BoolVar(&f.hub.Insecure, "insecure", false, "do not verify the hub's certificate (Looker does)")
	return f
}

// options completes the flags with the console's own URL.
func (f *consoleFlags) options(own string, log *slog.Logger) (console.Options, error) {
	if err := checkVersion(f.hub); err != nil {
		return console.Options{}, err
	}
	o := console.Options{Hub: *f.hub, URL: own, StateFile: f.stateFile, Log: log}
	if f.public != "" {
		o.URL = strings.TrimRight(f.public, "/")
	}
	if f.tokenFile != "" {
		text, err := os.ReadFile(f.tokenFile)
		if errors.Is(err, fs.ErrNotExist) {
			return o, fmt.Errorf("--token-file: no such file: %s", f.tokenFile)
		}
		if err != nil {
			return o, fmt.Errorf("--token-file: %w", err)
		}
		o.Hub.Token = strings.TrimSpace(string(text))
	}
	return o, nil
}

// newConsole acts as Looker, on a page of this machine.
func newConsole(env map[string]string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "console",
		Short: "Open a Looker simulator for a hub in the browser",
		Long: `Simulate Looker against a hub, in a browser on this machine: choose an integration, enter
its settings, sign in, fill in its form, send a result, and read what went over the wire.

It is for development. It is not Looker, and contains nothing of it.`,
		Example: "  hub serve --dev --allow-loopback\n  eval \"$(hub env)\" && hub console   # in another terminal",
		Args:    unknownCommand,
	}
	flags := newConsoleFlags(cmd, env, "127.0.0.1:8444")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		session, listener, o, err := flags.open(cmd.Context(), slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil)))
		if err != nil {
			return err
		}
		server := console.NewServer(cmd.Context(), session, o, listener.Addr())
		_, _ = fmt.Fprintf(cmd.OutOrStdout(), "The console simulates Looker. Open http://%s%s\n", listener.Addr(), server.Path())
		return server.Serve(cmd.Context(), listener)
	}
	cmd.AddCommand(newConsoleRun(env))
	return cmd
}

// newConsoleRun runs cases.
func newConsoleRun(env map[string]string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run FILE...",
		Short: "Run test cases: deliveries with their expected results",
		Long: `Run cases, which are deliveries with their expected result, one after the other. The
exit status is 1 if one of them does not end as it should.`,
		Example: "  hub console run tray.yaml\n  hub console run cases/*.yaml --output json",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("FILE is missing: pass a test case (see hub/README.md)")
			}
			return nil
		},
	}
	flags := newConsoleFlags(cmd, env, "127.0.0.1:0")
	o := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		session, stop, err := flags.serve(cmd.Context())
		if err != nil {
			return err
		}
		defer stop()
		failed := false
		for _, file := range args {
			result := runCase(cmd.Context(), session, file, env)
			failed = failed || result.Error != ""
			if err := result.print(cmd.OutOrStdout(), *o); err != nil {
				return err
			}
		}
		if failed {
			return errReported
		}
		return nil
	}
	return cmd
}

// open listens, and opens a session whose one-time addresses are there.
func (f *consoleFlags) open(ctx context.Context, log *slog.Logger) (*console.Session, net.Listener, console.Options, error) {
	listener, err := console.Listen(ctx, f.listen)
	if err != nil {
		return nil, nil, console.Options{}, err
	}
	o, err := f.options("http://"+listener.Addr().String(), log)
	var session *console.Session
	if err == nil {
		session, err = console.Open(ctx, o)
	}
	if err != nil {
		_ = listener.Close()
		return nil, nil, console.Options{}, err
	}
	return session, listener, o, nil
}

// serve opens a session and serves its one-time addresses.
func (f *consoleFlags) serve(ctx context.Context) (*console.Session, func(), error) {
	session, listener, o, err := f.open(ctx, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	go func() { _ = console.NewServer(ctx, session, o, listener.Addr()).Serve(ctx, listener) }()
	return session, stop, nil
}

// caseResult is how a case ended.
type caseResult struct {
	File string `json:"file"`
	// Error says what is not as it should be; empty means that the case passed.
	Error   string           `json:"error,omitempty"`
	Seconds float64          `json:"seconds"`
	Result  simulator.Result `json:"result"`
}

func runCase(ctx context.Context, s *console.Session, file string, env map[string]string) caseResult {
	start := time.Now()
	r := caseResult{File: file}
	c, err := console.ReadCase(file)
	if err == nil {
		r.Result, err = s.RunCase(ctx, file, c, env)
	}
	if err != nil {
		r.Error = s.Redact(err.Error())
	}
	r.Seconds = time.Since(start).Seconds()
	return r
}

func (r caseResult) print(out io.Writer, o output) error {
	if o == asJSON {
		return encodeJSON(out, r)
	}
	word := "PASS"
	if r.Error != "" {
		word = "FAIL"
	}
	if _, err := fmt.Fprintf(out, "%s %s (%.1fs)\n", word, r.File, r.Seconds); err != nil {
		return err
	}
	lines := []string{r.Result.Message}
	if r.Result.Message == "" && r.Result.Status != 0 {
		lines[0] = fmt.Sprintf("The hub returned status %d and success %v.", r.Result.Status, r.Result.Success)
	}
	for name, text := range r.Result.ValidationErrors {
		lines = append(lines, name+": "+text)
	}
	for _, line := range append(lines, r.Error) {
		if line == "" {
			continue
		}
		if _, err := fmt.Fprintln(out, "  "+line); err != nil {
			return err
		}
	}
	return nil
}
