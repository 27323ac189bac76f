package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"integrationhub.dev/config/local/process/run"
)

// cluster is one cluster of this user.
type cluster struct{ folder, bin string }

const superviseVerb = "supervise"

// programs are what a cluster cannot be without.
var programs = []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"}

func (c cluster) file(name string) string { return filepath.Join(c.folder, name) }

// supervisor returns the number of the supervisor's process. What counts is the lock that it
// holds: the number in a file outlives it, even a reboot.
func (c cluster) supervisor() (int, bool) {
	f, err := os.Open(c.file("lock"))
	if err != nil {
		return 0, false
	}
	defer f.Close()
	if syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) == nil {
		return 0, false
	}
	text, err := os.ReadFile(c.file("lock"))
	if err != nil {
		return 0, false
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	return pid, err == nil
}

func (c cluster) complete() bool {
	_, err := os.Stat(c.file("complete"))
	_, running := c.supervisor()
	return err == nil && running
}

var errDown = errors.New("the cluster is not up")

// up starts the supervisor, which goes on alone, and waits until the cluster can be used.
func (c cluster) up(ctx context.Context) error {
	if c.complete() {
		fmt.Fprintln(os.Stderr, "the cluster is up already")
		return nil
	}
	var missing []string
	for _, name := range programs {
		if _, err := os.Stat(filepath.Join(c.bin, name)); err != nil {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("%s has no %s; build them: config/local/process/cluster build", c.bin, strings.Join(missing, ", "))
	}
	if err := c.down(ctx); err != nil { // what an earlier one may have left
		return err
	}
	if err := os.MkdirAll(c.file("log"), 0o700); err != nil {
		return fmt.Errorf("making the cluster's folder: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	log, err := os.OpenFile(c.file("log/supervisor.log"), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("making the log: %w", err)
	}
	defer log.Close()
	cmd := exec.CommandContext(context.WithoutCancel(ctx), self, "-folder", c.folder, "-bin", c.bin, superviseVerb) //nolint:gosec // itself
	cmd.Dir = c.folder
	cmd.Env = append(os.Environ(), run.Marker+"="+c.folder)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // it outlives this shell
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting the supervisor: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	for {
		select {
		case err := <-ended:
			text, _ := os.ReadFile(c.file("log/supervisor.log")) // it explains more than its exit code
			return fmt.Errorf("the cluster did not start: %w\n%s", err, lastLines(text, 20))
		case <-ctx.Done():
			return fmt.Errorf("waiting for the cluster; see %s: %w", c.file("log"), ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
		if c.complete() {
			return nil
		}
	}
}

func lastLines(text []byte, n int) []byte {
	lines := bytes.SplitAfter(text, []byte{'\n'})
	return bytes.Join(lines[max(0, len(lines)-n):], nil)
}

// down ends the cluster and removes everything it left, also when its supervisor is gone.
func (c cluster) down(ctx context.Context) error {
	if pid, ok := c.supervisor(); ok {
		if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
			return fmt.Errorf("ending the cluster: %w", err)
		}
		graceful := poll(ctx, shutdownGrace+20*time.Second, func() (bool, error) {
			_, ok := c.supervisor()
			return !ok, nil
		})
		if graceful != nil {
			fmt.Fprintln(os.Stderr, "the cluster does not end by itself; killing its processes")
		}
	}
	if err := poll(ctx, 10*time.Second, c.kill); err != nil {
		return err
	}
	if err := os.RemoveAll(c.folder); err != nil {
		return fmt.Errorf("removing the cluster's folder: %w", err)
	}
	return nil
}

// kill kills the cluster's processes, and reports whether there are none left.
func (c cluster) kill() (bool, error) {
	pids, err := run.Leftovers(c.folder)
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended
	}
	return len(pids) == 0, err
}

// poll asks again and again until the answer is yes.
func poll(ctx context.Context, longest time.Duration, ask func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	for {
		if ok, err := ask(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for processes to end: %w", ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// exec becomes the command, with the cluster's kubeconfig and programs.
func (c cluster) exec(args []string) error {
	if !c.complete() {
		return errDown
	}
	if len(args) == 0 {
		return errors.New("exec needs a command")
	}
	proxy, err := os.ReadFile(c.file("proxy"))
	if err != nil {
		return fmt.Errorf("reading the proxy's address: %w", err)
	}
	for name, value := range map[string]string{
		"KUBECONFIG": c.file("admin.conf"), "PATH": c.bin + ":" + os.Getenv("PATH"), "CLUSTER_PROXY": string(proxy),
	} {
		if err := os.Setenv(name, value); err != nil {
			return fmt.Errorf("setting %s: %w", name, err)
		}
	}
	program, err := exec.LookPath(args[0])
	if err != nil {
		return err
	}
	return syscall.Exec(program, args, os.Environ()) //nolint:gosec // the user's command
}

func (c cluster) status() error {
	if !c.complete() {
		return errDown
	}
	return c.exec([]string{"kubectl", "get", "nodes,pods", "-A"})
}
