package pods

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"integrationhub.dev/config/local/process/network"
	"integrationhub.dev/config/local/process/volumes"
)

// Pod is one pod that runs here.
type Pod struct {
	config *Config
	folder string
	net    *network.Pod
	writer volumes.Writer

	ctx     context.Context // ends when the pod shall stop
	cancel  context.CancelFunc
	refresh chan struct{}
	changed chan struct{}
	done    chan struct{}

	mu         sync.Mutex
	spec       *corev1.Pod // with the status that was computed last
	init, main []*container
	prepared   bool // it has its address and volumes
	message    string
	deadline   time.Time // when what still runs is killed
	start      metav1.Time
}

// Start starts a pod, which then goes on by itself until Stop, whatever becomes of ctx.
func Start(ctx context.Context, config *Config, spec *corev1.Pod) (*Pod, error) {
	place, err := config.Network.Add()
	if err != nil {
		return nil, fmt.Errorf("starting pod %s/%s: %w", spec.Namespace, spec.Name, err)
	}
	p := &Pod{
		config: config, spec: spec.DeepCopy(), net: place, folder: filepath.Join(config.Folder, string(spec.UID)),
		refresh: make(chan struct{}, 1), changed: make(chan struct{}, 1), done: make(chan struct{}), start: metav1.Now(),
	}
	p.ctx, p.cancel = context.WithCancel(context.WithoutCancel(ctx))
	p.writer = volumes.Writer{Folder: filepath.Join(p.folder, "volumes"), Source: config.Source}
	for i := range p.spec.Spec.InitContainers {
		p.init = append(p.init, newContainer(p, &p.spec.Spec.InitContainers[i], true))
	}
	for i := range p.spec.Spec.Containers {
		p.main = append(p.main, newContainer(p, &p.spec.Spec.Containers[i], false))
	}
	go p.run() //nolint:contextcheck // it runs under the pod's own context
	return p, nil
}

// Stop ends the pod: each container is asked to end, and killed after the grace period. A
// second call can only make that shorter. It does not wait.
func (p *Pod) Stop(grace time.Duration) {
	p.mu.Lock()
	if deadline := time.Now().Add(grace); p.deadline.IsZero() || deadline.Before(p.deadline) {
		p.deadline = deadline
		for _, c := range p.all() {
			c.hurry(deadline)
		}
	}
	p.mu.Unlock()
	p.cancel()
}

// Done is closed when nothing of the pod runs any more, and its last status was reported.
func (p *Pod) Done() <-chan struct{} { return p.done }

// Refresh makes the pod look at its Secrets and ConfigMaps again.
func (p *Pod) Refresh() {
	select {
	case p.refresh <- struct{}{}:
	default:
	}
}

// Update takes over what may change of a running pod: its labels and annotations.
func (p *Pod) Update(spec *corev1.Pod) {
	p.mu.Lock()
	p.spec.Labels, p.spec.Annotations = maps.Clone(spec.Labels), maps.Clone(spec.Annotations)
	p.spec.Generation = spec.Generation
	p.mu.Unlock()
	p.Refresh()
}

// Get returns the pod as it is now.
func (p *Pod) Get() *corev1.Pod {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.spec.Status = p.status()
	return p.spec.DeepCopy()
}

// Network returns the pod's place in the network.
func (p *Pod) Network() *network.Pod { return p.net }

func (p *Pod) all() []*container { return append(slices.Clone(p.init), p.main...) }

// notify makes the pod's status known soon.
func (p *Pod) notify() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

func (p *Pod) run() {
	defer close(p.done)
	var background sync.WaitGroup
	ended := make(chan struct{})
	background.Go(func() {
		for {
			select {
			case <-p.changed:
				p.config.Notify(p.Get())
			case <-ended:
				p.config.Notify(p.Get())
				return
			}
		}
	})
	if p.prepare() {
		background.Go(func() { p.keepVolumes(ended) })
		p.containers()
	}
	p.mu.Lock()
	for _, c := range p.all() {
		c.neverRan()
	}
	p.mu.Unlock()
	close(ended)
	background.Wait()
	p.net.Release()
	// What it kept in its folder ends with it. Logs of a pod that only ended by itself can
	// still be read: its folder goes when it is deleted.
	if p.ctx.Err() != nil {
		if err := os.RemoveAll(p.folder); err != nil {
			p.config.Log.Warn("removing a pod's folder", "error", err)
		}
	}
}

// Remove removes the files of a pod that has ended by itself.
func (p *Pod) Remove() error { return os.RemoveAll(p.folder) }

// prepare makes the pod's volumes, and waits for what they are made from. It reports false
// when the pod shall stop.
func (p *Pod) prepare() bool {
	p.notify()
	wait := p.config.newBackoff()
	for {
		err := p.writer.Update(p.ctx, p.Get())
		if p.ctx.Err() != nil {
			return false
		}
		p.mu.Lock()
		p.prepared = err == nil
		if err == nil {
			p.message = ""
		} else {
			p.message = err.Error()
		}
		p.mu.Unlock()
		p.notify()
		if err == nil {
			return true
		}
		p.config.Event(p.Get(), corev1.EventTypeWarning, "FailedMount", err.Error())
		if !p.pause(wait.step(), p.refresh) {
			return false
		}
	}
}

// pause waits for a time or a signal, and reports false when the pod shall stop.
func (p *Pod) pause(d time.Duration, signal <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-p.ctx.Done():
		return false
	case <-signal:
	case <-timer.C:
	}
	return true
}

// keepVolumes brings volumes up to date when what they show changes, and now and then, since
// tokens expire.
func (p *Pod) keepVolumes(ended <-chan struct{}) {
	ticker := time.NewTicker(time.Minute)
	defer ticker.Stop()
	for {
		select {
		case <-ended:
			return
		case <-p.refresh:
		case <-ticker.C:
		}
		if err := p.writer.Update(p.ctx, p.Get()); err != nil && !errors.Is(err, context.Canceled) {
			p.config.Event(p.Get(), corev1.EventTypeWarning, "FailedMount", err.Error())
		}
	}
}

// containers runs init containers one by one, and then the others side by side, until all
// have ended. Sidecars, which are init containers that go on, end after the others.
func (p *Pod) containers() {
	sidecars, endSidecars := context.WithCancel(context.WithoutCancel(p.ctx))
	defer endSidecars()
	var running sync.WaitGroup
	defer running.Wait()
	defer endSidecars()
	for _, c := range p.init {
		if c.sidecar() {
			running.Go(func() { c.run(sidecars) })
			if !c.awaitStarted(p.ctx) {
				return
			}
			continue
		}
		if c.run(p.ctx); !c.succeeded() {
			return
		}
	}
	var group sync.WaitGroup
	for _, c := range p.main {
		group.Go(func() { c.run(p.ctx) })
	}
	group.Wait()
}

// grace is how long what shall end may still take. The caller holds the lock.
func (p *Pod) grace() time.Duration {
	if p.deadline.IsZero() { // nobody stops the pod: a probe failed, or sidecars end after it
		if s := p.spec.Spec.TerminationGracePeriodSeconds; s != nil {
			return time.Duration(*s) * time.Second
		}
		return corev1.DefaultTerminationGracePeriodSeconds * time.Second
	}
	return max(time.Until(p.deadline), 0)
}
