package local_test

import (
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// What keeps the node from starting is said by its name and before the build, not as a timeout
// after it.
func TestNodeCheck(t *testing.T) {
	t.Parallel()
	controllers := func(text string) func(*testing.T, *machine, string) {
		return func(t *testing.T, m *machine, root string) {
			t.Helper()
			m.program(t, "stat", "echo cgroup2fs")
			writeFile(t, filepath.Join(root, "cgroup.controllers"), text+"\n", 0o644)
		}
	}
	v1 := func(t *testing.T, m *machine, root string) {
		t.Helper()
		m.program(t, "stat", "echo tmpfs")
		for _, c := range []string{"cpuset", "memory", "pids"} {
			writeFile(t, filepath.Join(root, c, "cgroup.procs"), "", 0o644)
		}
	}
	for _, tt := range []struct {
		name  string
		setup func(*testing.T, *machine, string)
		want  string
	}{
		{name: "cgroup v1", setup: v1},
		{name: "cgroup v2", setup: controllers("cpuset cpu io memory hugetlb pids rdma misc")},
		{name: "a controller is missing", setup: controllers("cpu io memory pids"), want: "cgroup v2 offers no controller cpuset here"},
		{name: "no cgroups", setup: func(*testing.T, *machine, string) {}, want: "there are no cgroups below"},
		{
			name: "read-only", want: "no cgroup can be made: cannot create directory: Read-only file system",
			setup: func(t *testing.T, m *machine, root string) {
				t.Helper()
				v1(t, m, root)
				m.program(t, "mkdir", "echo 'mkdir: cannot create directory: Read-only file system' >&2; exit 1")
			},
		},
		{
			name: "no namespaces", want: "namespaces cannot be made",
			setup: func(t *testing.T, m *machine, root string) {
				t.Helper()
				v1(t, m, root)
				m.program(t, "unshare", "echo 'unshare: unshare failed: Operation not permitted' >&2; exit 1")
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			m.program(t, "go", goStandIn)
			m.program(t, "id", "echo 0")
			m.program(t, "unshare", "exit 0")
			m.program(t, "apt-get", "exit 0")
			root := t.TempDir()
			tt.setup(t, m, root)
			out, err := m.run(t, []string{"CGROUP_ROOT=" + root}, filepath.Join(copyFolder(t), "check"), "node")
			if (err == nil) != (tt.want == "") || !strings.Contains(out, tt.want) {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}

// A process of an earlier run that does not end is named, with what to do.
func TestBusyOldRun(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.program(t, "kill", "exit 0") // as for a process that cannot be killed
	root := t.TempDir()
	m.program(t, "cksum", "echo 7 4")
	sleeper := exec.CommandContext(t.Context(), "sleep", "600")
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sleeper.Process.Kill(); _ = sleeper.Wait() })
	pid := strconv.Itoa(sleeper.Process.Pid)
	writeFile(t, filepath.Join(root, "pids", "integration-hub-demo-7", "cgroup.procs"), pid+"\n", 0o644)
	out, err := m.run(t, []string{"CGROUP_ROOT=" + root, "DOWN_ATTEMPTS=1"}, filepath.Join(copyFolder(t), "cluster"), "down")
	if err == nil || !strings.Contains(out, "processes of an earlier run do not end: "+pid+" (sleep)") {
		t.Errorf("%v: %s", err, out)
	}
	if kills := called(m.calls(t), "kill -9 "+pid); len(kills) != 1 {
		t.Errorf("killed %q", kills)
	}
}
