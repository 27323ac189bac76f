package local_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// without hides programs that this machine may have: the PATH holds links to all others.
func (m *machine) without(t *testing.T, hidden ...string) {
	t.Helper()
	links := t.TempDir()
	for _, dir := range []string{"/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue
		}
		for _, e := range entries {
			if !slices.Contains(hidden, e.Name()) {
				_ = os.Symlink(filepath.Join(dir, e.Name()), filepath.Join(links, e.Name())) // the first one counts
			}
		}
	}
	m.env = append(m.env, "PATH="+m.bin+":"+links)
}

// The apt-get of a machine that has Docker from docker.com. Its containerd.io conflicts with
// Debian's containerd and runc, so that a plain "apt-get install containerd" removes docker-ce.
const aptGetStandIn = `
case "$*" in
  *download*) for p; do [[ $p == -* || $p == download || $p == APT::* ]] || touch "$p.deb"; done ;;
  *-s*install*) for p; do [[ $p == -* || $p == install || $p == Dir::* ]] || echo "Inst $p (1.0 Debian)"; done; echo "Inst libc6 (2.36 Debian)" ;;
esac
exit 0`

func newDockerMachine(t *testing.T, hidden ...string) *machine {
	t.Helper()
	m := newMachine(t)
	m.without(t, append(hidden, "containerd", "containerd-shim-runc-v2", "ctr", "runc")...)
	m.program(t, "apt-get", aptGetStandIn)
	m.program(t, "dpkg-query", "printf 'installed docker-ce\\ninstalled containerd.io\\ninstalled libc6\\n'")
	m.program(t, "dpkg", "exit 0")
	return m
}

func TestPackagesAreUnpackedNotInstalled(t *testing.T) {
	t.Parallel()
	m := newDockerMachine(t, "nft")
	here := copyFolder(t)
	if out, err := m.run(t, nil, filepath.Join(here, "node", "cluster"), "prepare"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	calls := m.calls(t)
	for _, call := range called(calls, "apt-get") {
		if !strings.Contains(call, " download ") && !strings.Contains(call, " -s ") {
			t.Errorf("may change the machine: %s", call)
		}
		if strings.Contains(call, " -s ") && !strings.Contains(call, "Dir::State::status=") {
			t.Errorf("resolves against what is installed, and so against docker-ce: %s", call)
		}
	}
	download := called(calls, " download ")
	if len(download) != 1 {
		t.Fatalf("%d downloads: %q", len(download), calls)
	}
	for _, want := range []string{" containerd ", " runc ", " nftables"} {
		if !strings.Contains(download[0]+" ", want) {
			t.Errorf("not downloaded: %s: %s", want, download[0])
		}
	}
	if strings.Contains(download[0], "libc6") {
		t.Errorf("downloads what is installed: %s", download[0])
	}
	for _, call := range called(calls, "dpkg ") {
		if !strings.HasPrefix(call, "dpkg -x ") {
			t.Errorf("may change the machine: %s", call)
		}
	}
}

// The containerd and runc of docker-ce serve as well.
func TestInstalledRuntimeIsUsed(t *testing.T) {
	t.Parallel()
	m := newDockerMachine(t)
	for _, name := range []string{"containerd", "containerd-shim-runc-v2", "ctr", "runc", "nft", "conntrack", "openssl", "ip", "ss", "nsenter", "pkill"} {
		m.program(t, name, "exit 1")
	}
	here := copyFolder(t)
	if out, err := m.run(t, nil, filepath.Join(here, "node", "cluster"), "prepare"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, call := range m.calls(t) {
		if strings.Contains(call, "containerd ") || strings.Contains(call, "runc") {
			t.Errorf("fetches a runtime beside the one that is there: %s", call)
		}
	}
}

// Wherever else a package is installed, apt-get must rather fail than remove another.
func TestInstallsNeverRemove(t *testing.T) {
	t.Parallel()
	install := regexp.MustCompile(`apt(-get)?\s.*\binstall\b`)
	var files []string
	err := filepath.WalkDir(".", func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && filepath.Ext(path) != ".go" {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, file := range append(files, filepath.Join("..", "..", "Makefile")) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(strings.TrimSpace(line), "#") || !install.MatchString(line) {
				continue
			}
			found++
			if !strings.Contains(line, "--no-remove") && !strings.Contains(line, "apt-get -s ") {
				t.Errorf("%s: %s", file, strings.TrimSpace(line))
			}
		}
	}
	if found == 0 {
		t.Error("no line was looked at")
	}
}
