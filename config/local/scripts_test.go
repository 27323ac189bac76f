// Package local_test runs the scripts of this folder with stand-ins for the programs that they
// call: each writes down its arguments, so that no test touches the machine or a cluster.
package local_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A machine is an empty home and a PATH on which chosen programs are stand-ins.
type machine struct {
	home string
	bin  string
	env  []string
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	m := &machine{home: t.TempDir(), bin: t.TempDir()}
	m.env = append(m.env,
		"HOME="+m.home,
		"INTEGRATION_HUB_CACHE="+m.cache(),
		"CALLS="+filepath.Join(m.home, "calls"),
		"PROGRAMS=compile", // no test reaches beyond this machine
		"PATH="+m.bin+":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	)
	return m
}

func (m *machine) cache() string { return filepath.Join(m.home, "cache") }

// program puts a stand-in on the PATH. It records its arguments and then runs the script.
func (m *machine) program(t *testing.T, name, script string) {
	t.Helper()
	writeFile(t, filepath.Join(m.bin, name), "#!/bin/bash\nprintf '%s\\n' \""+name+" $*\" >>\"$CALLS\"\n"+script+"\n", 0o755)
}

// calls returns what the stand-ins were called with, and forgets it.
func (m *machine) calls(t *testing.T) []string {
	t.Helper()
	file := filepath.Join(m.home, "calls")
	text, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if err := os.RemoveAll(file); err != nil {
		t.Fatal(err)
	}
	return strings.FieldsFunc(string(text), func(r rune) bool { return r == '\n' })
}

// copyFolder copies this folder, so that a test can edit it. Reading it here also makes "go test"
// run again after a script has changed: it does not see what other programs read.
func copyFolder(t *testing.T) string {
	t.Helper()
	here := filepath.Join(t.TempDir(), "config", "local")
	if err := os.CopyFS(here, os.DirFS(".")); err != nil {
		t.Fatal(err)
	}
	return here
}

// run runs a script without a terminal and returns what it printed.
func (m *machine) run(t *testing.T, env []string, script string, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.CommandContext(t.Context(), script, args...)
	cmd.Env = append(append([]string{}, m.env...), env...)
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

func writeFile(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// called returns the calls that contain a text.
func called(calls []string, text string) []string {
	var found []string
	for _, c := range calls {
		if strings.Contains(c, text) {
			found = append(found, c)
		}
	}
	return found
}
