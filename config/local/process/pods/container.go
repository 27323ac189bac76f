package pods

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"integrationhub.dev/config/local/process/images"
	"integrationhub.dev/config/local/process/logs"
	"integrationhub.dev/config/local/process/probe"
	"integrationhub.dev/config/local/process/run"
)

// container runs one container of a pod again and again, as its restart policy says.
type container struct {
	pod  *Pod
	spec *corev1.Container
	init bool

	started chan struct{} // closed when it has started once, its startup probe included

	// These are guarded by the pod's lock.
	state, last corev1.ContainerState
	restarts    int32
	image       images.Image
	running     bool // its process
	up          bool // its startup probe has succeeded, or it has none
	ready       bool // its readiness probe has succeeded, or it has none
	process     *run.Process
	log, oldLog *logs.Log
	kill        *time.Timer
}

func newContainer(p *Pod, spec *corev1.Container, init bool) *container {
	c := &container{pod: p, spec: spec, init: init, started: make(chan struct{})}
	reason := "ContainerCreating"
	if len(p.spec.Spec.InitContainers) > 0 {
		reason = "PodInitializing"
	}
	c.state.Waiting = &corev1.ContainerStateWaiting{Reason: reason}
	return c
}

func (c *container) sidecar() bool {
	return c.init && c.spec.RestartPolicy != nil && *c.spec.RestartPolicy == corev1.ContainerRestartPolicyAlways
}

func (c *container) folder() string { return filepath.Join(c.pod.folder, "containers", c.spec.Name) }

// change changes the container's state, and makes it known.
func (c *container) change(f func()) {
	c.pod.mu.Lock()
	f()
	c.pod.mu.Unlock()
	c.pod.notify()
}

func (c *container) waiting(reason, message string) {
	c.change(func() {
		if c.state.Terminated != nil {
			c.last = c.state
		}
		c.state = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}
	})
}

func (c *container) event(kind, reason, format string, args ...any) {
	c.pod.config.Event(c.pod.Get(), kind, reason, fmt.Sprintf(format, args...))
}

// succeeded reports whether the container has ended well.
func (c *container) succeeded() bool {
	c.pod.mu.Lock()
	defer c.pod.mu.Unlock()
	return c.state.Terminated != nil && c.state.Terminated.ExitCode == 0
}

// neverRan ends the state of a container that the pod's end came before. The caller holds
// the pod's lock.
func (c *container) neverRan() {
	if c.state.Terminated != nil || c.pod.ctx.Err() == nil {
		return
	}
	if c.last.Terminated != nil { // it waited to be started again
		c.state, c.last = c.last, corev1.ContainerState{}
		return
	}
	c.state = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
		ExitCode: 137, Reason: "ContainerStatusUnknown", Message: "The container could not be located when the pod was terminated",
	}}
}

func (c *container) awaitStarted(ctx context.Context) bool {
	select {
	case <-c.started:
		return true
	case <-ctx.Done():
		return false
	}
}

// run runs the container until it shall not run any more: ctx ends, or it has ended and is
// not to be started again.
func (c *container) run(ctx context.Context) {
	wait := c.pod.config.newBackoff()
	for {
		image, ok := c.pull(ctx)
		if !ok {
			return
		}
		begin := time.Now()
		code := c.once(ctx, image)
		if ctx.Err() != nil || !c.again(code) {
			return
		}
		if time.Since(begin) > 2*c.pod.config.MaxBackoff { // it ran well for a while
			wait = c.pod.config.newBackoff()
		}
		pause := wait.step()
		c.waiting("CrashLoopBackOff", fmt.Sprintf("back-off %s restarting failed container=%s pod=%s_%s(%s)",
			pause, c.spec.Name, c.pod.spec.Name, c.pod.spec.Namespace, c.pod.spec.UID))
		c.event(corev1.EventTypeWarning, "BackOff", "Back-off restarting failed container %s", c.spec.Name)
		if !sleep(ctx, pause) {
			return
		}
		c.change(func() { c.restarts++ })
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// again is whether a container that has ended is started again.
func (c *container) again(code int) bool {
	policy := c.pod.spec.Spec.RestartPolicy
	if c.sidecar() {
		return true
	}
	if c.init && policy == corev1.RestartPolicyAlways {
		policy = corev1.RestartPolicyOnFailure
	}
	return policy != corev1.RestartPolicyNever && (policy != corev1.RestartPolicyOnFailure || code != 0)
}

// pull finds the image, and waits for it to be loaded.
func (c *container) pull(ctx context.Context) (images.Image, bool) {
	wait := c.pod.config.newBackoff()
	for {
		image, err := c.pod.config.Images.Find(c.spec.Image)
		if err == nil {
			c.change(func() { c.image = image })
			c.event(corev1.EventTypeNormal, "Pulled", "Container image %q already present on machine", c.spec.Image)
			return image, true
		}
		if c.spec.ImagePullPolicy == corev1.PullNever {
			c.waiting("ErrImageNeverPull", fmt.Sprintf("Container image %q is not present with pull policy of Never", c.spec.Image))
			c.event(corev1.EventTypeWarning, "ErrImageNeverPull", "Container image %q is not present with pull policy of Never", c.spec.Image)
		} else {
			c.waiting("ErrImagePull", err.Error())
			c.event(corev1.EventTypeWarning, "Failed", "Failed to pull image %q: %v", c.spec.Image, err)
		}
		pause := wait.step()
		if !sleep(ctx, pause/2) {
			return image, false
		}
		if c.spec.ImagePullPolicy != corev1.PullNever {
			c.waiting("ImagePullBackOff", fmt.Sprintf("Back-off pulling image %q: %v", c.spec.Image, err))
		}
		if !sleep(ctx, pause-pause/2) {
			return image, false
		}
	}
}

// once runs the container's process once, and returns its exit code. It waits for what the
// container's variables are made from.
func (c *container) once(ctx context.Context, image images.Image) int {
	begin := metav1.Now()
	wait := c.pod.config.newBackoff()
	for {
		process, log, err := c.start(ctx, image)
		if err == nil {
			return c.follow(ctx, process, log)
		}
		c.event(corev1.EventTypeWarning, "Failed", "Error: %v", err)
		if !errors.Is(err, errConfig) {
			c.ended(corev1.ContainerStateTerminated{ExitCode: startFailed, Reason: "StartError", Message: err.Error(), StartedAt: begin})
			return startFailed
		}
		c.waiting("CreateContainerConfigError", strings.TrimPrefix(err.Error(), errConfig.Error()+": "))
		if !sleep(ctx, wait.step()) {
			return startFailed
		}
	}
}

// startFailed is the exit code of a container whose process could not be started.
const startFailed = 128

// start starts the process with a new log.
func (c *container) start(ctx context.Context, image images.Image) (*run.Process, *logs.Log, error) {
	if err := os.MkdirAll(c.folder(), 0o700); err != nil {
		return nil, nil, fmt.Errorf("making the container's folder: %w", err)
	}
	cmd, err := c.command(ctx, image)
	if err != nil {
		return nil, nil, err
	}
	c.pod.mu.Lock()
	n := c.restarts
	c.pod.mu.Unlock()
	if err := os.WriteFile(c.messageFile(), nil, 0o600); err != nil {
		return nil, nil, fmt.Errorf("making the termination message: %w", err)
	}
	log, err := logs.Create(filepath.Join(c.folder(), fmt.Sprintf("%d.log", n)))
	if err != nil {
		return nil, nil, err
	}
	cmd.Stdout, cmd.Stderr = log.Stream("stdout"), log.Stream("stderr")
	process, err := run.Start(cmd)
	if err != nil {
		return nil, nil, errors.Join(err, log.Close())
	}
	return process, log, nil
}

// follow watches over a process until it ends.
func (c *container) follow(ctx context.Context, process *run.Process, log *logs.Log) int {
	begin := metav1.Now()
	c.change(func() {
		if c.state.Terminated != nil {
			c.last = c.state
		}
		c.state = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: begin}}
		c.running, c.process = true, process
		c.up, c.ready = c.spec.StartupProbe == nil, c.spec.StartupProbe == nil && c.spec.ReadinessProbe == nil
		c.oldLog, c.log = c.log, log
	})
	c.event(corev1.EventTypeNormal, "Started", "Container started")

	// What watches over it, and what ends it, goes on when ctx has ended.
	ctx, ending := context.WithoutCancel(ctx), ctx.Done()
	watch, endWatch := context.WithCancel(ctx)
	failed := make(chan *corev1.Probe, 1)
	var probes sync.WaitGroup
	probes.Go(func() { c.watch(watch, failed) })
	select {
	case <-process.Done():
	case <-ending:
		c.stop(ctx, process, nil)
	case p := <-failed:
		c.stop(ctx, process, p)
	}
	endWatch()
	probes.Wait()
	code, signal := process.Exit()
	if err := log.Close(); err != nil {
		c.pod.config.Log.WarnContext(ctx, "closing a log", "error", err)
	}
	state := corev1.ContainerStateTerminated{
		ExitCode: int32(code), Signal: int32(signal), //nolint:gosec // they are small
		Reason: "Completed", StartedAt: begin, Message: c.message(ctx, code, log),
	}
	if code != 0 {
		state.Reason = "Error"
	}
	c.ended(state)
	return code
}

func (c *container) ended(state corev1.ContainerStateTerminated) {
	state.FinishedAt = metav1.Now()
	c.change(func() {
		state.ContainerID = c.id()
		c.running, c.up, c.ready, c.process = false, false, false, nil
		if c.kill != nil {
			c.kill.Stop()
			c.kill = nil
		}
		if c.state.Terminated != nil {
			c.last = c.state
		}
		c.state = corev1.ContainerState{Terminated: &state}
	})
}

func (c *container) messageFile() string { return filepath.Join(c.folder(), "termination-log") }

// message is what the container said when it ended.
func (c *container) message(ctx context.Context, code int, log *logs.Log) string {
	const lines, size = 80, 2048
	text, err := os.ReadFile(c.messageFile())
	if err == nil && len(text) > 0 {
		return string(text[max(0, len(text)-2*size):])
	}
	if code != 0 && c.spec.TerminationMessagePolicy == corev1.TerminationMessageFallbackToLogsOnError {
		return log.End(ctx, lines, size)
	}
	return ""
}

// watch runs the probes: the startup probe first, the others when it has succeeded.
func (c *container) watch(ctx context.Context, failed chan<- *corev1.Probe) {
	var group sync.WaitGroup
	defer group.Wait()
	if c.spec.Lifecycle != nil && c.spec.Lifecycle.PostStart != nil {
		if err := c.hook(ctx, c.spec.Lifecycle.PostStart); err != nil && ctx.Err() == nil {
			c.event(corev1.EventTypeWarning, "FailedPostStartHook", "PostStartHook failed: %v", err)
			failed <- &corev1.Probe{}
			return
		}
	}
	if p := c.spec.StartupProbe; p != nil {
		startup, done := context.WithCancel(ctx)
		ok := false
		probe.Run(startup, p, probe.New(p.ProbeHandler, c.target()), func(err error) {
			if ok = err == nil; !ok {
				c.unhealthy("Startup", err)
				failed <- p
			}
			done()
		})
		done()
		if !ok {
			return
		}
		c.change(func() { c.up, c.ready = true, c.spec.ReadinessProbe == nil })
	}
	select {
	case <-c.started:
	default:
		close(c.started)
	}
	if p := c.spec.ReadinessProbe; p != nil {
		group.Go(func() {
			probe.Run(ctx, p, probe.New(p.ProbeHandler, c.target()), func(err error) {
				if err != nil {
					c.unhealthy("Readiness", err)
				}
				c.change(func() { c.ready = err == nil && c.running })
			})
		})
	}
	if p := c.spec.LivenessProbe; p != nil {
		group.Go(func() {
			live, done := context.WithCancel(ctx)
			defer done()
			probe.Run(live, p, probe.New(p.ProbeHandler, c.target()), func(err error) {
				if err != nil {
					c.unhealthy("Liveness", err)
					failed <- p
					done()
				}
			})
		})
	}
}

func (c *container) unhealthy(kind string, err error) {
	c.event(corev1.EventTypeWarning, "Unhealthy", "%s probe failed: %v", kind, err)
}

// stop ends the process: with the grace period of the probe that failed, or the pod's.
func (c *container) stop(ctx context.Context, process *run.Process, failed *corev1.Probe) {
	c.event(corev1.EventTypeNormal, "Killing", "Stopping container %s", c.spec.Name)
	begin := time.Now()
	var grace time.Duration
	c.change(func() {
		grace = c.pod.grace()
		if failed != nil && failed.TerminationGracePeriodSeconds != nil {
			grace = time.Duration(*failed.TerminationGracePeriodSeconds) * time.Second
		}
		c.ready = false
		c.kill = time.AfterFunc(grace, process.Kill)
	})
	if c.spec.Lifecycle != nil && c.spec.Lifecycle.PreStop != nil {
		ending, cancel := context.WithTimeout(ctx, grace)
		if err := c.hook(ending, c.spec.Lifecycle.PreStop); err != nil {
			c.event(corev1.EventTypeWarning, "FailedPreStopHook", "PreStopHook failed: %v", err)
		}
		cancel()
	}
	// The timer kills it; at least a moment is left after the hook, as the kubelet does.
	process.Stop(max(grace-time.Since(begin), 0))
}

// hurry makes an end that is under way come sooner. The caller holds the pod's lock.
func (c *container) hurry(deadline time.Time) {
	if c.kill != nil {
		c.kill.Reset(max(time.Until(deadline), 0))
	}
}
