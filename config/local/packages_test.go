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
	install := regexp.MustCompile(`apt(-get)?\s[^=]*\sinstall\s`)
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

// A program for the tests is unpacked, or installed where that removes and replaces nothing.
func TestProgramsForTests(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		program   string
		simulated string // what apt-get -s says
		root      bool
		env       []string
		want      string
		fails     bool
		installs  bool
	}{
		{name: "sshd", program: "sshd", root: true, simulated: "Inst openssh-server (9.2 Debian)", want: "/debian-sshd/sshd"},
		{name: "sshd without root", program: "sshd", simulated: "Inst openssh-server (9.2 Debian)", want: "/debian-sshd/sshd"},
		{name: "npm", program: "npm", root: true, simulated: "Inst npm (9 Debian)", want: "missing", installs: true, fails: true}, // the stand-in installs nothing
		{name: "npm without root", program: "npm", want: "missing: npm is not installed"},
		{name: "npm in CI", program: "npm", env: []string{"CI=true"}, want: "CI must not skip", fails: true},
		{name: "npm that removes", program: "npm", root: true, simulated: "Remv docker-ce [28]\nInst npm (9 Debian)", want: "would remove or replace"},
		{name: "npm that upgrades", program: "npm", root: true, simulated: "Inst libssl3 [3.0.1] (3.0.2 Debian)\nInst npm (9 Debian)", want: "would remove or replace"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			m.without(t, "sshd", "npm")
			uid := "65534"
			if tt.root {
				uid = "0"
			}
			m.program(t, "id", "echo "+uid)
			m.program(t, "dpkg", "exit 0")
			m.program(t, "dpkg-query", "echo installed libc6")
			m.program(t, "apt-get", `
case "$*" in
  *download*) touch openssh-server.deb ;;
  *-s*) cat <<'END'
`+tt.simulated+`
END
  ;;
esac
exit 0`)
			packages := map[string]string{"sshd": "openssh-server", "npm": "npm"}
			out, err := m.run(t, tt.env, filepath.Join(copyFolder(t), "install"), tt.program, "the test", packages[tt.program])
			if (err != nil) != tt.fails || !tt.installs && !strings.Contains(out, tt.want) {
				t.Errorf("%v: %s", err, out)
			}
			installs := false
			for _, call := range called(m.calls(t), " install ") {
				installs = installs || !strings.Contains(call, " -s ")
			}
			if installs != tt.installs {
				t.Errorf("installs: %v", installs)
			}
		})
	}
}
