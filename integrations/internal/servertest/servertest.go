// Package servertest runs real servers for tests, and makes the deliveries that every store must support.
// Environment variables, which `make test-servers` sets, contain the programs' files.
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

// Program returns the file of the program in an environment variable. The test fails if it is not set,
// since a test that is skipped silently tests nothing. "missing: " and a reason skip the test, but not in
// CI.
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

// Address returns a free address on the loopback interface.
func Address(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// startTimeout limits the start of a server.
const startTimeout = time.Minute

// Start runs a server until the test ends, and returns when the server accepts connections at the
// address.
func Start(t *testing.T, address string, env []string, program string, args ...string) {
	t.Helper()
	var output bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program, args...) //nolint:gosec // the test's own program
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting %s: %v", program, err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("output of %s:\n%s", program, output.String())
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
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

// Deps returns the hub's own dependencies, with access to the loopback interface.
func Deps(t *testing.T, env map[string]string) action.Deps {
	t.Helper()
	policy := outbound.Policy{AllowLoopback: true}
	deps := actiontest.Deps(t, nil, env)
	deps.HTTP, deps.Dial = outbound.NewClient(outbound.Options{Policy: policy}), outbound.Dialer(policy)
	t.Cleanup(deps.HTTP.CloseIdleConnections)
	return deps
}

// Store is an integration with its destination on a server.
type Store struct {
	Integration  action.Integration
	Params, Form map[string]string
	// All returns all objects by name.
	All func(t *testing.T) map[string]Object
	// Part is the size of the first part, if the store has parts.
	Part int
	// Typeless is set if the store keeps neither content types nor encodings.
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

// Deliver makes the deliveries that every store must support, and compares the objects after each.
func (s Store) Deliver(t *testing.T) {
	t.Helper()
	const large = 20<<20 + 7 // several parts and a shorter last one
	want := map[string]Object{}
	for _, step := range []struct {
		name      string
		filename  string
		overwrite string // the field's value; empty replaces an existing file
		body      string
		serve     http.HandlerFunc // serves body if nil
		wantError string
	}{
		{name: "empty", filename: "empty.csv"},
		{name: "small", filename: "small.csv", body: "1,x\n"},
		{name: "exactly one part", filename: "part.csv", body: text(s.Part)},
		{name: "several parts", filename: "large.csv", body: text(large)},
		{name: "name with special characters", filename: "a b/ü+%&#=.csv", body: "2"},
		{name: "replaces a file", filename: "small.csv", body: text(large)},
		{name: "existing file", filename: "small.csv", overwrite: "fail", body: "3", wantError: exists},
		{name: "existing file, several parts", filename: "small.csv", overwrite: "fail", body: text(large), wantError: exists},
		{name: "new file", filename: "new.csv", overwrite: "fail", body: "4"},
		{name: "new file, several parts", filename: "new large.csv", overwrite: "fail", body: text(large)},
		{name: "download breaks off", filename: "large.csv", serve: actiontest.BrokenDownload("5"), wantError: brokenOff},
		{name: "download breaks off late", filename: "large.csv", serve: actiontest.BrokenDownload(text(large)), wantError: brokenOff},
	} {
		serve := step.serve
		if serve == nil {
			serve = serves(step.body)
		}
		err := s.deliver(t, map[string]string{"format": "csv", "filename": step.filename, "overwrite": step.overwrite}, serve)
		if got := errorMessage(err); got != step.wantError {
			t.Errorf("%s: error %q, want %q", step.name, got, step.wantError)
		}
		if step.wantError == "" {
			want[step.filename] = s.csv(step.body)
		}
		s.compare(t, step.name, want)
	}
}

// errorMessage is an error's message, or "" without an error.
func errorMessage(err error) string {
	if err == nil {
		return ""
	}
	return action.MessageOf(err)
}

// csv is the object of a CSV file.
func (s Store) csv(body string) Object {
	if s.Typeless {
		return Object{Body: body}
	}
	return Object{Body: body, Type: "text/csv"}
}

const (
	exists    = "A file with this name already exists."
	brokenOff = "The download from Looker ended before the data was complete."
)

// compare does not print the bodies, which are large.
func (s Store) compare(t *testing.T, step string, want map[string]Object) {
	t.Helper()
	got := s.All(t)
	for name, object := range want {
		switch o, there := got[name]; {
		case !there:
			t.Errorf("%s: %s is missing", step, name)
		case o != object:
			t.Errorf("%s: %s has %d bytes of type %q and encoding %q, want %d, %q and %q; same content: %v",
				step, name, len(o.Body), o.Type, o.Encoding, len(object.Body), object.Type, object.Encoding, o.Body == object.Body)
		}
	}
	for name := range got {
		if _, wanted := want[name]; !wanted {
			t.Errorf("%s: unexpected object %s", step, name)
		}
	}
}
