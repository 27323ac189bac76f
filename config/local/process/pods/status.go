package pods

import (
	"context"
	"fmt"
	"io"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"integrationhub.dev/config/local/process/logs"
	"integrationhub.dev/config/local/process/network"
)

func (c *container) id() string {
	return fmt.Sprintf("process://%s/%s/%d", c.pod.spec.UID, c.spec.Name, c.restarts)
}

func (c *container) status() corev1.ContainerStatus {
	s := corev1.ContainerStatus{
		Name: c.spec.Name, Image: c.spec.Image, State: *c.state.DeepCopy(), LastTerminationState: *c.last.DeepCopy(),
		RestartCount: c.restarts, Ready: c.ready, Started: new(c.running && c.up),
	}
	if c.init && !c.sidecar() {
		s.Ready = c.state.Terminated != nil && c.state.Terminated.ExitCode == 0
	}
	if s.State.Running != nil || s.State.Terminated != nil {
		s.ImageID, s.ContainerID = c.image.ID, c.id()
	}
	return s
}

// status computes the pod's status from its containers'. The caller holds the pod's lock.
func (p *Pod) status() corev1.PodStatus {
	old := p.spec.Status
	s := corev1.PodStatus{
		Phase: p.phase(), StartTime: &p.start, QOSClass: old.QOSClass, ObservedGeneration: p.spec.Generation,
		HostIP: network.NodeIP, HostIPs: []corev1.HostIP{{IP: network.NodeIP}},
		PodIP: p.net.IP.String(), PodIPs: []corev1.PodIP{{IP: p.net.IP.String()}},
	}
	for _, c := range p.init {
		s.InitContainerStatuses = append(s.InitContainerStatuses, c.status())
	}
	ready := true
	var unready []string
	for _, c := range p.main {
		status := c.status()
		if !status.Ready {
			ready = false
			unready = append(unready, c.spec.Name)
		}
		s.ContainerStatuses = append(s.ContainerStatuses, status)
	}
	initialized := !slices.ContainsFunc(p.init, func(c *container) bool {
		if c.sidecar() {
			return !c.running || !c.up
		}
		return c.state.Terminated == nil || c.state.Terminated.ExitCode != 0
	})
	ready = ready && initialized && s.Phase == corev1.PodRunning
	condition := func(kind corev1.PodConditionType, ok bool, reason, message string) {
		c := corev1.PodCondition{
			Type: kind, Status: corev1.ConditionTrue, LastTransitionTime: metav1.Now(), ObservedGeneration: p.spec.Generation,
		}
		if !ok {
			c.Status, c.Reason, c.Message = corev1.ConditionFalse, reason, message
		}
		for _, o := range old.Conditions {
			if o.Type == kind && o.Status == c.Status {
				c.LastTransitionTime = o.LastTransitionTime
			}
		}
		s.Conditions = append(s.Conditions, c)
	}
	for _, c := range old.Conditions { // the scheduler's, and other controllers'
		if !slices.Contains([]corev1.PodConditionType{
			corev1.PodReadyToStartContainers, corev1.PodInitialized, corev1.ContainersReady, corev1.PodReady,
		}, c.Type) {
			s.Conditions = append(s.Conditions, c)
		}
	}
	why := fmt.Sprintf("containers with unready status: %v", unready)
	condition(corev1.PodReadyToStartContainers, p.prepared, "", p.message)
	condition(corev1.PodInitialized, initialized, "ContainersNotInitialized", "init containers have not completed")
	condition(corev1.ContainersReady, ready, "ContainersNotReady", why)
	condition(corev1.PodReady, ready, "ContainersNotReady", why)
	return s
}

// progress is how far a container is: what it comes to decides the pod's phase.
type progress int

const (
	pending progress = iota
	running
	failed
	succeeded
)

func (c *container) progress() progress {
	t := c.state.Terminated
	switch {
	case c.state.Running != nil || t == nil && c.last.Terminated != nil:
		return running
	case t == nil:
		return pending
	case c.pod.ctx.Err() == nil && c.again(int(t.ExitCode)):
		return running // it will be
	case t.ExitCode != 0:
		return failed
	}
	return succeeded
}

func (p *Pod) phase() corev1.PodPhase {
	for _, c := range p.init {
		if !c.sidecar() && c.progress() == failed {
			return corev1.PodFailed
		}
	}
	count := map[progress]int{}
	for _, c := range p.main {
		count[c.progress()]++
	}
	switch {
	case count[running] > 0:
		return corev1.PodRunning
	case count[pending] == len(p.main):
		return corev1.PodPending
	case count[pending] > 0:
		return corev1.PodRunning
	case count[failed] > 0:
		return corev1.PodFailed
	}
	return corev1.PodSucceeded
}

// Logs returns what a container has written, or what it wrote before it was started again.
func (p *Pod) Logs(ctx context.Context, name string, previous bool, o logs.Options) (io.ReadCloser, error) {
	c, err := p.container(name)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	log := c.log
	if previous {
		log = c.oldLog
	}
	p.mu.Unlock()
	if log == nil {
		if previous {
			return nil, fmt.Errorf("previous terminated container %q in pod %q not found", c.spec.Name, p.spec.Name)
		}
		return nil, fmt.Errorf("container %q in pod %q is waiting to start", c.spec.Name, p.spec.Name)
	}
	return log.Read(ctx, o)
}
