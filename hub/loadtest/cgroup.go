package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// memoryGroup is a memory cgroup for one process, as a container has it.
type memoryGroup struct{ dir, usage, inactive string }

// memoryRoots are where a group can be made with cgroup v1 and v2, and the names of what is read there:
// https://docs.kernel.org/admin-guide/cgroup-v1/memory.html and https://docs.kernel.org/admin-guide/cgroup-v2.html
var memoryRoots = []memoryGroup{
	{"/sys/fs/cgroup/memory", "memory.usage_in_bytes", "total_inactive_file"},
	{"/sys/fs/cgroup", "memory.current", "inactive_file"},
}

// newMemoryGroup fails without root, or if the root group has no memory controller for others.
func newMemoryGroup() (*memoryGroup, error) {
	var errs []error
	for _, root := range memoryRoots {
		g := root
		g.dir = filepath.Join(root.dir, fmt.Sprintf("integration-hub-loadtest-%d", os.Getpid()))
		err := os.Mkdir(g.dir, 0o755) //nolint:gosec // cgroups have the modes of others
		if err == nil {
			if _, err = g.read(g.usage); err == nil {
				return &g, nil
			}
			_ = os.Remove(g.dir)
		}
		errs = append(errs, err)
	}
	return nil, fmt.Errorf("making a memory cgroup: %w", errors.Join(errs...))
}

// run is a command that runs a program in the group.
func (g *memoryGroup) run(program ...string) []string {
	return append([]string{"/bin/sh", "-c", `echo $$ > "$0/cgroup.procs" && exec "$@"`, g.dir}, program...)
}

// workingSet is what Kubernetes counts and limits, in bytes: the usage without pages of files that have not been used for
// long, which the kernel can drop at any time.
// https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/#active-file-memory-is-not-considered-as-available-memory
func (g *memoryGroup) workingSet() (int64, error) {
	usage, err := g.read(g.usage)
	if err != nil {
		return 0, err
	}
	inactive, err := g.read("memory.stat", g.inactive)
	return usage - inactive, err
}

// read reads a file with one number, or the number after a key.
func (g *memoryGroup) read(file string, key ...string) (int64, error) {
	text, err := os.ReadFile(filepath.Join(g.dir, file))
	if err != nil {
		return 0, fmt.Errorf("reading a cgroup: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, strings.Join(append(key, ""), " ")); ok {
			return strconv.ParseInt(strings.TrimSpace(rest), 10, 64)
		}
	}
	return 0, fmt.Errorf("%s has no %v", file, key)
}

// close removes the group, once its process is gone.
func (g *memoryGroup) close() error { return os.Remove(g.dir) }

// dropFromCache drops a file's pages, so that the process that reads them next is charged for them:
// https://www.gnu.org/software/coreutils/manual/html_node/dd-invocation.html
func dropFromCache(ctx context.Context, file string) error {
	if out, err := exec.CommandContext(ctx, "dd", "if="+file, "iflag=nocache", "count=0").CombinedOutput(); err != nil { //nolint:gosec // our own file
		return fmt.Errorf("dropping %s from the cache: %w: %s", file, err, out)
	}
	return nil
}
