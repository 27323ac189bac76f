package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/errdefs"
	"github.com/virtual-kubelet/virtual-kubelet/node/api"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	utilexec "k8s.io/utils/exec"

	"integrationhub.dev/config/local/process/logs"
	"integrationhub.dev/config/local/process/network"
	"integrationhub.dev/config/local/process/pods"
	"integrationhub.dev/config/local/process/run"
	"integrationhub.dev/config/local/process/volumes"
)

// provider does what virtual-kubelet asks for.
type provider struct {
	config *pods.Config
	client kubernetes.Interface

	mu      sync.Mutex
	notify  func(*corev1.Pod)
	pods    map[string]*entry // by namespace and name
	closing bool
	removal sync.WaitGroup
}

// entry is a pod that runs here.
type entry struct {
	*pods.Pod
	uid     string
	deleted bool
}

func key(namespace, name string) string { return namespace + "/" + name }

// NotifyPods implements virtual-kubelet's node.PodNotifier.
func (p *provider) NotifyPods(_ context.Context, notify func(*corev1.Pod)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.notify = notify
}

// tell passes a pod's status on, unless the pod was replaced by another with its name.
func (p *provider) tell(pod *corev1.Pod) {
	p.mu.Lock()
	notify := p.notify
	e := p.pods[key(pod.Namespace, pod.Name)]
	p.mu.Unlock()
	if notify != nil && e != nil && e.uid == string(pod.UID) {
		notify(pod)
	}
}

// CreatePod implements virtual-kubelet's provider.
func (p *provider) CreatePod(ctx context.Context, pod *corev1.Pod) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closing {
		return errors.New("the node is shutting down")
	}
	k := key(pod.Namespace, pod.Name)
	if old := p.pods[k]; old != nil && old.uid != string(pod.UID) {
		old.Stop(0)
	}
	started, err := pods.Start(ctx, p.config, pod)
	if err != nil {
		return err
	}
	p.pods[k] = &entry{Pod: started, uid: string(pod.UID)}
	return nil
}

// UpdatePod implements virtual-kubelet's provider.
func (p *provider) UpdatePod(ctx context.Context, pod *corev1.Pod) error {
	e, err := p.find(pod.Namespace, pod.Name)
	if err != nil || e.uid != string(pod.UID) {
		return p.CreatePod(ctx, pod)
	}
	e.Update(pod)
	return nil
}

// DeletePod implements virtual-kubelet's provider.
func (p *provider) DeletePod(ctx context.Context, pod *corev1.Pod) error {
	e, err := p.find(pod.Namespace, pod.Name)
	if err != nil || e.uid != string(pod.UID) {
		return errdefs.NotFound("the pod does not run here")
	}
	grace := time.Second // of one that is gone from the API server already
	if pod.DeletionTimestamp != nil && pod.DeletionGracePeriodSeconds != nil {
		grace = time.Duration(*pod.DeletionGracePeriodSeconds) * time.Second
	}
	e.Stop(grace)
	p.mu.Lock()
	again := e.deleted
	e.deleted = true
	p.mu.Unlock()
	if !again {
		p.removal.Go(func() { p.remove(context.WithoutCancel(ctx), e) })
	}
	return nil
}

// remove removes a pod from the API server as soon as its processes have ended.
func (p *provider) remove(ctx context.Context, e *entry) {
	<-e.Done()
	pod := e.Get()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	api := p.client.CoreV1().Pods(pod.Namespace)
	if current, err := api.Get(ctx, pod.Name, metav1.GetOptions{}); err == nil && current.UID == pod.UID {
		current.Status = pod.Status
		if _, err := api.UpdateStatus(ctx, current, metav1.UpdateOptions{}); err != nil {
			p.config.Log.InfoContext(ctx, "reporting a pod's end", "pod", key(pod.Namespace, pod.Name), "error", err)
		}
	}
	err := api.Delete(ctx, pod.Name, metav1.DeleteOptions{
		GracePeriodSeconds: new(int64), Preconditions: metav1.NewUIDPreconditions(string(pod.UID)),
	})
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		p.config.Log.InfoContext(ctx, "removing a pod", "pod", key(pod.Namespace, pod.Name), "error", err)
	}
	if err := e.Remove(); err != nil {
		p.config.Log.WarnContext(ctx, "removing a pod's folder", "error", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if k := key(pod.Namespace, pod.Name); p.pods[k] == e {
		delete(p.pods, k)
	}
}

// gone ends a pod that is no longer in the API server, such as one that was deleted by force
// while it had time to end.
func (p *provider) gone(pod *corev1.Pod) {
	if e, err := p.find(pod.Namespace, pod.Name); err == nil && e.uid == string(pod.UID) {
		e.Stop(time.Second)
	}
}

func (p *provider) find(namespace, name string) (*entry, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.pods[key(namespace, name)]; e != nil {
		return e, nil
	}
	return nil, errdefs.NotFoundf("no pod %s/%s runs here", namespace, name)
}

// GetPod implements virtual-kubelet's provider. A pod that is being deleted does not count:
// another may come in its place.
func (p *provider) GetPod(_ context.Context, namespace, name string) (*corev1.Pod, error) {
	e, err := p.find(namespace, name)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	deleted := e.deleted
	p.mu.Unlock()
	if deleted {
		return nil, errdefs.NotFoundf("pod %s/%s is being deleted", namespace, name)
	}
	return e.Get(), nil
}

// GetPodStatus implements virtual-kubelet's provider.
func (p *provider) GetPodStatus(_ context.Context, namespace, name string) (*corev1.PodStatus, error) {
	e, err := p.find(namespace, name)
	if err != nil {
		return nil, err
	}
	return &e.Get().Status, nil
}

// GetPods implements virtual-kubelet's provider.
func (p *provider) GetPods(context.Context) ([]*corev1.Pod, error) {
	var list []*corev1.Pod
	for _, e := range p.all() {
		list = append(list, e.Get())
	}
	return list, nil
}

func (p *provider) all() []*entry {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []*entry
	for _, e := range p.pods {
		list = append(list, e)
	}
	return list
}

// refresh lets the pods that use a Secret or a ConfigMap look at it again.
func (p *provider) refresh(kind, namespace, name string) {
	for _, e := range p.all() {
		if pod := e.Get(); pod.Namespace == namespace && volumes.Uses(pod, kind, name) {
			e.Refresh()
		}
	}
}

// shutdown ends all pods, each within its own grace period but none later than the longest.
func (p *provider) shutdown(longest time.Duration) {
	p.mu.Lock()
	p.closing = true
	p.mu.Unlock()
	list := p.all()
	for _, e := range list {
		grace := longest
		if s := e.Get().Spec.TerminationGracePeriodSeconds; s != nil {
			grace = min(grace, time.Duration(*s)*time.Second)
		}
		e.Stop(grace)
	}
	for _, e := range list {
		<-e.Done()
	}
}

// containerLogs serves "kubectl logs".
func (p *provider) containerLogs(ctx context.Context, namespace, pod, container string, o api.ContainerLogOpts) (io.ReadCloser, error) {
	e, err := p.find(namespace, pod)
	if err != nil {
		return nil, err
	}
	since := o.SinceTime
	if o.SinceSeconds > 0 {
		since = time.Now().Add(-time.Duration(o.SinceSeconds) * time.Second)
	}
	r, err := e.Logs(ctx, container, o.Previous, logs.Options{
		Tail: o.Tail, LimitBytes: o.LimitBytes, Timestamps: o.Timestamps, Follow: o.Follow, Since: since,
	})
	if err != nil {
		return nil, errdefs.AsInvalidInput(err)
	}
	return r, nil
}

// exec serves "kubectl exec". There is no terminal.
func (p *provider) exec(ctx context.Context, namespace, pod, container string, argv []string, attach api.AttachIO) error {
	e, err := p.find(namespace, pod)
	if err != nil {
		return err
	}
	cmd, err := e.Exec(ctx, container, argv)
	if err != nil {
		return err
	}
	cmd.Stdin = attach.Stdin()
	if out := attach.Stdout(); out != nil {
		defer out.Close()
		cmd.Stdout = out
		cmd.Stderr = out
	}
	if out := attach.Stderr(); out != nil {
		defer out.Close()
		cmd.Stderr = out
	}
	process, err := run.Start(cmd)
	if err != nil {
		return err
	}
	select {
	case <-process.Done():
	case <-ctx.Done():
		process.Stop(0)
	}
	if code, _ := process.Exit(); code != 0 {
		return utilexec.CodeExitError{Err: fmt.Errorf("command terminated with exit code %d", code), Code: code}
	}
	return nil
}

// forward serves "kubectl port-forward".
func (p *provider) forward(ctx context.Context, namespace, pod string, port int32, stream io.ReadWriteCloser) error {
	e, err := p.find(namespace, pod)
	if err != nil {
		return err
	}
	conn, err := e.Network().Dial(ctx, int(port))
	if err != nil {
		return fmt.Errorf("connecting to port %d of pod %s/%s: %w", port, namespace, pod, err)
	}
	defer conn.Close()
	network.Join(stream, conn)
	return nil
}
