package pods

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"integrationhub.dev/config/local/process/environment"
	"integrationhub.dev/config/local/process/images"
	"integrationhub.dev/config/local/process/probe"
	"integrationhub.dev/config/local/process/rewrite"
	"integrationhub.dev/config/local/process/run"
	"integrationhub.dev/config/local/process/volumes"
)

// errConfig says that a container's configuration cannot be made, such as for a Secret that
// is not there.
var errConfig = errors.New("configuring the container")

// command makes the process that stands for the container: its arguments, variables and
// working folder, with paths and listen addresses mapped.
func (c *container) command(ctx context.Context, image images.Image) (*exec.Cmd, error) {
	env, m, err := c.environment(ctx, image)
	if err != nil {
		return nil, err
	}
	argv := slices.Clone(image.Entrypoint)
	if len(c.spec.Command) > 0 {
		argv = expand(c.spec.Command, env)
	}
	switch {
	case len(c.spec.Args) > 0:
		argv = append(argv, expand(c.spec.Args, env)...)
	case len(c.spec.Command) == 0:
		argv = append(argv, image.Cmd...)
	}
	return c.build(image, argv, env, m)
}

func expand(words []string, env map[string]string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = environment.Expand(w, env)
	}
	return out
}

// build makes a command from words that are the container's.
func (c *container) build(image images.Image, argv []string, env map[string]string, m mapping) (*exec.Cmd, error) {
	if len(argv) == 0 {
		return nil, errors.New("no command specified")
	}
	program, err := image.Executable(argv[0])
	if err != nil {
		return nil, err
	}
	cmd := &exec.Cmd{Path: program, Args: []string{argv[0]}, Dir: c.folder()}
	for _, word := range argv[1:] {
		cmd.Args = append(cmd.Args, m.listen.Argument(m.paths.In(word)))
	}
	for _, name := range slices.Sorted(maps.Keys(env)) {
		cmd.Env = append(cmd.Env, name+"="+m.listen.Value(m.paths.In(env[name])))
	}
	// Added last, and not mapped: it is how "cluster down" finds what is left.
	cmd.Env = append(cmd.Env, run.Marker+"="+filepath.Dir(c.pod.config.Folder))
	if dir := cmp.Or(c.spec.WorkingDir, image.WorkingDir); dir != "" && dir != "/" {
		mapped, ok := m.paths.Of(dir)
		if !ok && image.Root != "" {
			mapped = filepath.Join(image.Root, path.Join("/", dir))
		}
		if _, err := os.Stat(mapped); err == nil {
			cmd.Dir = mapped
		}
	}
	return cmd, nil
}

// mapping adapts words to this machine.
type mapping struct {
	paths  rewrite.Paths
	listen rewrite.Listen
}

// environment makes the container's variables, still as the container knows them, and how
// they are mapped.
func (c *container) environment(ctx context.Context, image images.Image) (map[string]string, mapping, error) {
	pod := c.pod.Get()
	for _, v := range c.spec.VolumeMounts {
		if v.SubPathExpr != "" {
			return nil, mapping{}, fmt.Errorf("%w: subPathExpr is %w", errConfig, volumes.ErrUnsupported)
		}
	}
	m := mapping{paths: rewrite.NewPaths(c.mounts(pod)...), listen: rewrite.Listen{
		Host: c.pod.net.Host.String(), Address: c.pod.net.Listen, Port: c.pod.net.Port,
	}}
	for _, p := range c.spec.Ports {
		m.listen.Ports = append(m.listen.Ports, int(p.ContainerPort))
	}
	if err := c.hosts(); err != nil {
		return nil, m, err
	}
	env := map[string]string{"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": c.folder(), "HOSTNAME": pod.Name}
	if tmp, ok := m.paths.Of("/tmp"); ok {
		env["TMPDIR"] = tmp
	}
	for _, e := range image.Env {
		name, value, _ := strings.Cut(e, "=")
		env[name] = value
	}
	if pod.Spec.EnableServiceLinks == nil || *pod.Spec.EnableServiceLinks {
		maps.Copy(env, c.pod.config.Services(pod.Namespace))
	}
	extra, err := c.pod.config.Extra(pod, c.folder(), m.paths.Of)
	if err != nil {
		return nil, m, err
	}
	maps.Copy(env, extra)
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	env, err = environment.Of(ctx, pod, c.spec, env, c.pod.config.Source)
	if err != nil {
		return nil, m, fmt.Errorf("%w: %w", errConfig, err)
	}
	return env, m, nil
}

// hosts lets programs that look for etc/hosts in their working folder find the services.
func (c *container) hosts() error {
	folder := filepath.Join(c.folder(), "etc")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("making the container's folder: %w", err)
	}
	link := filepath.Join(folder, "hosts")
	if _, err := os.Lstat(link); err == nil {
		return nil
	}
	if err := os.Symlink(c.pod.config.Hosts, link); err != nil {
		return fmt.Errorf("showing the container its hosts: %w", err)
	}
	return nil
}

func (c *container) mounts(pod *corev1.Pod) []rewrite.Mount {
	folders := c.pod.writer.Folders(pod)
	mounts := []rewrite.Mount{{Path: cmp.Or(c.spec.TerminationMessagePath, corev1.TerminationMessagePathDefault), Source: c.messageFile()}}
	for _, m := range c.spec.VolumeMounts {
		mounts = append(mounts, rewrite.Mount{Path: m.MountPath, Source: filepath.Join(folders[m.Name], path.Join("/", m.SubPath))})
	}
	return mounts
}

// Exec makes a command that runs in a container, with its variables and mapped paths.
func (p *Pod) Exec(ctx context.Context, name string, argv []string) (*exec.Cmd, error) {
	c, err := p.container(name)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	running, image := c.running, c.image
	p.mu.Unlock()
	if !running {
		return nil, fmt.Errorf("container %s is not running", name)
	}
	env, m, err := c.environment(ctx, image)
	if err != nil {
		return nil, err
	}
	return c.build(image, argv, env, m)
}

func (p *Pod) container(name string) (*container, error) {
	for _, c := range p.all() {
		if c.spec.Name == name || name == "" && !c.init {
			return c, nil
		}
	}
	return nil, fmt.Errorf("pod %s has no container %q", p.spec.Name, name)
}

func (c *container) target() probe.Target {
	return probe.Target{Ports: c.spec.Ports, Dial: c.pod.net.Dial, Exec: c.exec}
}

// exec runs a command in the container, for probes and hooks.
func (c *container) exec(ctx context.Context, argv []string) error {
	cmd, err := c.pod.Exec(ctx, c.spec.Name, argv)
	if err != nil {
		return err
	}
	process, err := run.Start(cmd)
	if err != nil {
		return err
	}
	select {
	case <-process.Done():
	case <-ctx.Done():
		process.Stop(0)
		return ctx.Err()
	}
	if code, _ := process.Exit(); code != 0 {
		return fmt.Errorf("command exited with %d", code)
	}
	return nil
}

func (c *container) hook(ctx context.Context, h *corev1.LifecycleHandler) error {
	switch {
	case h.Exec != nil:
		return c.exec(ctx, h.Exec.Command)
	case h.HTTPGet != nil:
		return c.target().Get(ctx, h.HTTPGet)
	case h.Sleep != nil:
		sleep(ctx, time.Duration(h.Sleep.Seconds)*time.Second)
	}
	return nil
}
