package local_test

import (
	"os"
	"path/filepath"
	"testing"
)

// goStandIn compiles nothing: it makes the file that -o names.
const goStandIn = `
case "$*" in
  version) echo "go version ${GO_VERSION:-go1.26.0} linux/amd64" ;;
  *"list -m"*) echo v1.37.2 ;;
  *" build "*) while [ "$1" != -o ]; do shift; done; printf "#!/bin/bash\nexit 0\n" >"$2"; chmod +x "$2" ;;
esac`

// Building Kubernetes takes minutes. An edit of the script, a second run and another tool's
// version must not make it happen again.
func TestToolsAreBuiltOnce(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.program(t, "go", goStandIn)
	here := copyFolder(t)
	builds := func(env ...string) int {
		t.Helper()
		if out, err := m.run(t, env, filepath.Join(here, "build"), "tools", "kubectl", "etcd"); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return len(called(m.calls(t), " build "))
	}
	edit := func(name string) {
		t.Helper()
		f, err := os.OpenFile(filepath.Join(here, name), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteString("\n"); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		name string
		edit string
		env  []string
		want int
	}{
		{name: "an empty cache", want: 2},
		{name: "a second run", want: 0},
		{name: "an edited script", edit: "build", want: 0},
		{name: "another version of one tool", edit: "tools/etcd/go.mod", want: 1},
		{name: "another toolchain", env: []string{"GO_VERSION=go1.27.0"}, want: 2},
	} {
		if step.edit != "" {
			edit(step.edit)
		}
		if got := builds(step.env...); got != step.want {
			t.Errorf("%s: %d tools built, want %d", step.name, got, step.want)
		}
	}
}
