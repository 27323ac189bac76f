// Package servertest runs real servers for tests, and delivers to them what every store must
// take. The programs are named by environment variables, which `make test-servers` sets.
package servertest

import (
	"bytes"
	"context"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/hub/outbound"
)

// Program is the file of the program that an environment variable names. Without it the test
// fails: a test that is left out in silence tests nothing. "missing: " and a reason skips it, where
// the machine does not have the program; not in CI.
func Program(t *testing.T, variable string) string {
	t.Helper()
	file := os.Getenv(variable)
	if file == "" {
		t.Fatalf("%s is not set: run make test-servers", variable)
	}
	if reason, missing := strings.CutPrefix(file, "missing: "); missing {
		if os.Getenv("CI") != "" {
			t.Fatal(reason)
		}
		t.Skip(reason)
	}
	return file
}

// Address is one on this machine that nobody listens on.
func Address(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// patience is for a server to start.
const patience = time.Minute

// Start runs a server until the test ends, and returns once it accepts connections at the
// address.
func Start(t *testing.T, address string, env []string, program string, args ...string) {
	t.Helper()
	var said bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program, args...) //nolint:gosec // the test's own program
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting %s: %v", program, err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%s", program, said.String())
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err == nil {
			_ = conn.Close()
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s does not listen on %s: %v", program, address, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Deps are the hub's own, but that this machine may be reached.
func Deps(t *testing.T, env map[string]string) action.Deps {
	t.Helper()
	policy := outbound.Policy{AllowLoopback: true}
	deps := actiontest.Deps(t, nil, env)
	deps.HTTP, deps.Dial = outbound.NewClient(outbound.Options{Policy: policy}), outbound.Dialer(policy)
	t.Cleanup(deps.HTTP.CloseIdleConnections)
	return deps
}

// Store is a place on a server that an integration writes to.
type Store struct {
	Integration  action.Integration
	Params, Form map[string]string
	// All reads everything that is there, by name. A store that keeps no content types has
	// none.
	All func(t *testing.T) map[string]Object
	// Part is the size of the parts in which data goes at first, if it does.
	Part int
	// Typeless stores keep neither content types nor encodings.
	Typeless bool
}

// Object is one file or object.
type Object struct {
	Body, Type, Encoding string
}

func (s Store) deliver(t *testing.T, more map[string]string, serve http.HandlerFunc) error {
	t.Helper()
	form := map[string]string{}
	maps.Copy(form, s.Form)
	maps.Copy(form, more)
	req := actiontest.Download(t, actiontest.Query(s.Params, form), serve)
	_, err := s.Integration.Execute(t.Context(), req)
	return err
}

func text(n int) string { return strings.Repeat("0123456789a", n/11+1)[:n] }

func serves(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }
}

// Deliver delivers what every store must take, and compares what is there afterwards.
func (s Store) Deliver(t *testing.T) {
	t.Helper()
	csv := func(name, body string) map[string]Object {
		o := Object{Body: body, Type: "text/csv"}
		if s.Typeless {
			o.Type = ""
		}
		return map[string]Object{name: o}
	}
	const large = 20<<20 + 7 // several parts, of which the last is short
	want := map[string]Object{}
	for _, step := range []struct {
		what    string
		answers map[string]string
		serve   http.HandlerFunc
		adds    map[string]Object
		error   string
	}{
		{"nothing in it", map[string]string{"filename": "empty.csv"}, serves(""), csv("empty.csv", ""), ""},
		{"small", map[string]string{"filename": "small.csv"}, serves("1,x\n"), csv("small.csv", "1,x\n"), ""},
		{"as large as a part", map[string]string{"filename": "part.csv"}, serves(text(s.Part)), csv("part.csv", text(s.Part)), ""},
		{"large", map[string]string{"filename": "large.csv"}, serves(text(large)), csv("large.csv", text(large)), ""},
		{"an odd name", map[string]string{"filename": "a b/ü+%&#=.csv"}, serves("2"), csv("a b/ü+%&#=.csv", "2"), ""},
		{"replaced", map[string]string{"filename": "small.csv"}, serves(text(large)), csv("small.csv", text(large)), ""},
		{"kept", map[string]string{"filename": "small.csv", "overwrite": "fail"}, serves("3"), nil, "A file with this name already exists."},
		{"kept from a large one", map[string]string{"filename": "small.csv", "overwrite": "fail"}, serves(text(large)), nil, "A file with this name already exists."},
		{"new where it must be", map[string]string{"filename": "new.csv", "overwrite": "fail"}, serves("4"), csv("new.csv", "4"), ""},
		{"large and new where it must be", map[string]string{"filename": "new large.csv", "overwrite": "fail"}, serves(text(large)), csv("new large.csv", text(large)), ""},
		{"breaks off", map[string]string{"filename": "large.csv"}, actiontest.BrokenDownload("5"), nil, brokenOff},
		{"breaks off late", map[string]string{"filename": "large.csv"}, actiontest.BrokenDownload(text(large)), nil, brokenOff},
	} {
		err := s.deliver(t, with(step.answers, "format", "csv"), step.serve)
		if err != nil && action.MessageOf(err) != step.error || (err == nil) != (step.error == "") {
			t.Errorf("%s: error %v, want %q", step.what, err, step.error)
		}
		maps.Copy(want, step.adds)
		s.compare(t, step.what, want)
	}
}

const brokenOff = "The download from Looker broke off before the data was complete."

func with(answers map[string]string, name, value string) map[string]string {
	answers[name] = value
	return answers
}

// compare does not print what differs, which is large.
func (s Store) compare(t *testing.T, what string, want map[string]Object) {
	t.Helper()
	got := s.All(t)
	for name, object := range want {
		switch o, there := got[name]; {
		case !there:
			t.Errorf("%s: %s is missing", what, name)
		case o != object:
			t.Errorf("%s: %s has %d bytes of type %q and encoding %q, want %d, %q and %q; same content: %v",
				what, name, len(o.Body), o.Type, o.Encoding, len(object.Body), object.Type, object.Encoding, o.Body == object.Body)
		}
	}
	for name := range got {
		if _, wanted := want[name]; !wanted {
			t.Errorf("%s: %s is left behind", what, name)
		}
	}
}
