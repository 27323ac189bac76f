package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// result is what a command line came to.
type result struct {
	Status   int
	Out, Err string
}

// runHub runs a command line with an environment of its own.
func runHub(t *testing.T, env map[string]string, stdin string, args ...string) result {
	t.Helper()
	var out, stderr bytes.Buffer
	status := run(t.Context(), args, process{in: strings.NewReader(stdin), out: &out, err: &stderr, env: env})
	return result{status, out.String(), stderr.String()}
}

// What is wrong with a command line is said without calling a hub.
func TestUsageErrors(t *testing.T) {
	t.Parallel()
	env := map[string]string{"HUB_URL": "https://localhost:1", "HUB_TOKEN": "t"}
	for _, test := range []struct {
		name, args, want string
		status           int
	}{
		{"mistyped command", "sevre", "unknown command sevre, did you mean serve?", exitUsage},
		{"unknown command", "frobnicate", "unknown command frobnicate", exitUsage},
		{"mistyped flag", "send tray --dat x", "unknown flag: --dat, did you mean --data?", exitUsage},
		{"no data", "send tray", "--data FILE is missing (- reads standard input)", exitUsage},
		{"data twice", "send tray --data x --download-url y", "--data and --download-url cannot be combined", exitUsage},
		{"no name", "form", "NAME of the integration is missing (list them with hub list)", exitUsage},
		{"two names", "form a b", "hub form accepts one NAME, but got a b", exitUsage},
		{"stray argument", "list x", `hub list accepts no arguments, but got "x"`, exitUsage},
		{"no version of Looker", "list --looker abc", `--looker: "abc" is not a version of Looker: it must be three numbers, such as 24.20.41`, exitUsage},
		{"unknown output", "list --output yaml", `invalid argument "yaml" for "-o, --output" flag: it must be table or json`, exitUsage},
		{"no pair", "form x --param y", `invalid argument "y" for "--param" flag: it must be key=value`, exitUsage},
		{"pair twice", "form x --param y=1 --param y=2", `invalid argument "y=2" for "--param" flag: y is specified twice`, exitUsage},
		{"no secret", "token", "ACTION_HUB_SECRET is not set: tokens are derived from it", exitUsage},
		{"no file", "send tray --data missing.json", "no such file: missing.json", exitFailed},
		{"folder", "send tray --data .", ". is a folder, not a file", exitFailed},
		{"no scheme", "list --url localhost:1", "the hub's address needs https://: try https://localhost:1", exitFailed},
		{"no scheme, with a path", "list --url hub.example.com/x", "the hub's address needs https://: try https://hub.example.com/x", exitFailed},
		{"other scheme", "list --url ftp://hub", "the hub's address needs https://, not ftp://", exitFailed},
		{"nothing there", "list", "nothing is listening at localhost:1: check that the hub is running, and check HUB_URL", exitFailed},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := runHub(t, env, "", strings.Fields(test.args)...)
			first, rest, _ := strings.Cut(got.Err, "\n")
			if got.Status != test.status || first != "hub: "+test.want || got.Out != "" {
				t.Errorf("got %+v, want status %d and %q", got, test.status, test.want)
			}
			if help := strings.HasSuffix(rest, "--help' for usage.\n"); help != (test.status == exitUsage) {
				t.Errorf("got %q after the error, want a hint at --help for usage errors only", rest)
			}
		})
	}
}

// Help is what was asked for: on standard output, without an error.
func TestHelp(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"--help"}, {"help"}, {"send", "--help"}, {"help", "send"}, {"completion", "bash"}} {
		got := runHub(t, nil, "", args...)
		if got.Status != 0 || got.Err != "" || len(got.Out) < 200 {
			t.Errorf("hub %s: got status %d, %d bytes of output and the error %q", args, got.Status, len(got.Out), got.Err)
		}
	}
	version := runHub(t, nil, "", "--version")
	if diff := cmp.Diff(runHub(t, nil, "", "version"), version); diff != "" || version.Out == "" {
		t.Errorf("hub version and hub --version differ (-command +flag):\n%s", diff)
	}
}

// The shell completes the integrations' names.
func TestCompletion(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{"form tra": "tray", "send slack_": "slack_app", "list --output ": "json"} {
		got := runHub(t, nil, "", append([]string{"__complete"}, strings.Split(args, " ")...)...)
		if !strings.Contains("\n"+got.Out, "\n"+want+"\n") {
			t.Errorf("hub %s completes to %q, want %q among it", args, got.Out, want)
		}
	}
}
