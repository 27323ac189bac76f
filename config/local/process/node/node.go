// Package node is a Kubernetes node made with virtual-kubelet whose pods are processes.
package node

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/node"
	"github.com/virtual-kubelet/virtual-kubelet/node/api"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"

	"integrationhub.dev/config/local/process/environment"
	"integrationhub.dev/config/local/process/images"
	"integrationhub.dev/config/local/process/network"
	"integrationhub.dev/config/local/process/pods"
)

// Name is what the node is called.
const Name = "node1"

// Config says what a node needs.
type Config struct {
	Client kubernetes.Interface
	Folder string // the cluster's
	Block  *network.Block
	// Listener and TLS serve the kubelet's API: logs, exec and port-forward.
	Listener net.Listener
	TLS      *tls.Config
	// APIServer is its address for pods, and CA its authority, PEM.
	APIServer *net.TCPAddr
	Version   string // of Kubernetes, as the node reports it
	// ProxyToken is the password for the proxy that pods are told of.
	ProxyToken, ProxyAddress string
	// Grace is how long pods may take to end when the node shuts down.
	Grace time.Duration
	Log   *slog.Logger
}

// Node runs pods until it is shut down.
type Node struct {
	config   Config
	provider *provider
	services network.Services
	pods     *network.Pods
	core     informers.SharedInformerFactory
	own      informers.SharedInformerFactory
	events   record.EventBroadcaster
	podCtl   *node.PodController
	nodeCtl  *node.NodeController
	server   *http.Server
}

// New prepares a node.
func New(config Config) (*Node, error) {
	n := &Node{
		config: config, pods: network.NewPods(config.Block),
		core: informers.NewSharedInformerFactory(config.Client, 0),
		own: informers.NewSharedInformerFactoryWithOptions(config.Client, 0, informers.WithTweakListOptions(func(o *metav1.ListOptions) {
			o.FieldSelector = fields.OneTermEqualSelector("spec.nodeName", Name).String()
		})),
		events: record.NewBroadcaster(),
	}
	n.services = network.Services{
		Services: n.core.Core().V1().Services().Lister(), Slices: n.core.Discovery().V1().EndpointSlices().Lister(),
	}
	recorder := n.events.NewRecorder(scheme.Scheme, corev1.EventSource{Component: "kubelet", Host: Name})
	self := n.object()
	n.provider = &provider{client: config.Client, pods: map[string]*entry{}, config: &pods.Config{
		Folder: filepath.Join(config.Folder, "pods"), Hosts: filepath.Join(config.Folder, "hosts"),
		Images: images.Store{Folder: filepath.Join(config.Folder, "images")}, Network: n.pods,
		Source: &source{
			client: config.Client, secrets: n.core.Core().V1().Secrets().Lister(), configMaps: n.core.Core().V1().ConfigMaps().Lister(),
			capacity: self.Status.Allocatable, tokens: map[string]token{},
		},
		Services: n.serviceVariables, Extra: n.extra,
		Event:  func(pod *corev1.Pod, kind, reason, message string) { recorder.Event(pod, kind, reason, message) },
		Notify: func(pod *corev1.Pod) { n.provider.tell(pod) },
		Log:    config.Log, Backoff: time.Second, MaxBackoff: time.Minute,
	}}
	var err error
	n.podCtl, err = node.NewPodController(node.PodControllerConfig{
		PodClient: config.Client.CoreV1(), EventRecorder: recorder, Provider: n.provider,
		PodInformer: n.own.Core().V1().Pods(), SecretInformer: n.core.Core().V1().Secrets(),
		ConfigMapInformer: n.core.Core().V1().ConfigMaps(), ServiceInformer: n.core.Core().V1().Services(),
		SkipDownwardAPIResolution: true, // it is done when a container starts, as the kubelet does
	})
	if err != nil {
		return nil, fmt.Errorf("making the pod controller: %w", err)
	}
	n.nodeCtl, err = node.NewNodeController(node.NaiveNodeProvider{}, self, config.Client.CoreV1().Nodes(),
		node.WithNodeEnableLeaseV1(config.Client.CoordinationV1().Leases(corev1.NamespaceNodeLease), 0))
	if err != nil {
		return nil, fmt.Errorf("making the node controller: %w", err)
	}
	n.server = &http.Server{
		ReadHeaderTimeout: 30 * time.Second, TLSConfig: config.TLS,
		ErrorLog: slog.NewLogLogger(config.Log.Handler(), slog.LevelDebug),
	}
	n.server.Handler = api.PodHandler(api.PodHandlerConfig{
		RunInContainer: n.provider.exec, GetContainerLogs: n.provider.containerLogs, PortForward: n.provider.forward,
		GetPods: n.provider.GetPods,
		GetPodsFromKubernetes: func(context.Context) ([]*corev1.Pod, error) {
			return n.own.Core().V1().Pods().Lister().List(labels.Everything())
		},
		// A hub's deliveries may be quiet for long.
		StreamIdleTimeout: 4 * time.Hour, StreamCreationTimeout: 30 * time.Second,
	}, false)
	return n, errors.Join(n.watch(), n.writeHosts())
}

// Translate is the node's part of the proxy.
func (n *Node) Translate() network.Translate {
	return network.Translate{Block: n.config.Block, Pods: n.pods, Services: n.services}
}

// watch follows what pods and the proxy depend on.
func (n *Node) watch() error {
	changed := func(kind string) cache.ResourceEventHandlerFuncs {
		tell := func(o any) {
			if m, ok := o.(metav1.Object); ok {
				n.provider.refresh(kind, m.GetNamespace(), m.GetName())
			}
		}
		return cache.ResourceEventHandlerFuncs{AddFunc: tell, UpdateFunc: func(_, o any) { tell(o) }}
	}
	write := func(any) {
		if err := n.writeHosts(); err != nil {
			n.config.Log.Warn("writing the hosts file", "error", err)
		}
	}
	_, secrets := n.core.Core().V1().Secrets().Informer().AddEventHandler(changed("Secret"))
	_, configMaps := n.core.Core().V1().ConfigMaps().Informer().AddEventHandler(changed("ConfigMap"))
	_, services := n.core.Core().V1().Services().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: write, UpdateFunc: func(_, o any) { write(o) }, DeleteFunc: write,
	})
	_, gone := n.own.Core().V1().Pods().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{DeleteFunc: func(o any) {
		if d, ok := o.(cache.DeletedFinalStateUnknown); ok {
			o = d.Obj
		}
		if pod, ok := o.(*corev1.Pod); ok {
			n.provider.gone(pod)
		}
	}})
	return errors.Join(secrets, configMaps, services, gone)
}

func (n *Node) writeHosts() error {
	text, err := n.services.Hosts()
	if err != nil {
		return err
	}
	file := filepath.Join(n.config.Folder, "hosts")
	if err := os.WriteFile(file+".new", text, 0o600); err != nil {
		return fmt.Errorf("writing the hosts file: %w", err)
	}
	return os.Rename(file+".new", file)
}

// serviceVariables tells of the API server and of a namespace's services.
func (n *Node) serviceVariables(namespace string) map[string]string {
	list, err := n.services.Services.Services(namespace).List(labels.Everything())
	if err != nil { // a lister reads from memory
		return nil
	}
	return environment.Services(list)
}

// extra leads a container to the API server and to the cluster's network. A program finds
// its account's token by a path that nobody can map, and takes a kubeconfig instead.
func (n *Node) extra(pod *corev1.Pod, folder string, path func(string) (string, bool)) (map[string]string, error) {
	proxy := network.URL(n.config.ProxyAddress, n.config.ProxyToken)
	env := map[string]string{
		"KUBERNETES_SERVICE_HOST": n.config.APIServer.IP.String(),
		"KUBERNETES_SERVICE_PORT": strconv.Itoa(n.config.APIServer.Port),
		"HTTPS_PROXY":             proxy, "HTTP_PROXY": proxy,
	}
	account, ok := path("/var/run/secrets/kubernetes.io/serviceaccount")
	if !ok {
		return env, nil
	}
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: local, cluster: {server: "https://%s", certificate-authority: %q}}]
users: [{name: pod, user: {tokenFile: %q}}]
contexts: [{name: local, context: {cluster: local, user: pod, namespace: %q}}]
current-context: local
`, n.config.APIServer, filepath.Join(account, "ca.crt"), filepath.Join(account, "token"), pod.Namespace)
	env["KUBECONFIG"] = filepath.Join(folder, "kubeconfig")
	if err := os.WriteFile(env["KUBECONFIG"], []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("writing a pod's kubeconfig: %w", err)
	}
	return env, nil
}

// object is the node as it registers itself.
func (n *Node) object() *corev1.Node {
	capacity := corev1.ResourceList{
		corev1.ResourceCPU: *resource.NewQuantity(int64(runtime.NumCPU()), resource.DecimalSI),
		// Nothing enforces requests and limits here: what pods ask for must only fit.
		corev1.ResourceMemory:           resource.MustParse("64Gi"),
		corev1.ResourceEphemeralStorage: resource.MustParse("1Ti"),
		corev1.ResourcePods:             resource.MustParse("250"),
	}
	var conditions []corev1.NodeCondition
	for kind, status := range map[corev1.NodeConditionType]corev1.ConditionStatus{
		corev1.NodeReady: corev1.ConditionTrue, corev1.NodeMemoryPressure: corev1.ConditionFalse,
		corev1.NodeDiskPressure: corev1.ConditionFalse, corev1.NodePIDPressure: corev1.ConditionFalse,
	} {
		conditions = append(conditions, corev1.NodeCondition{
			Type: kind, Status: status, Reason: "ProcessNode", Message: "pods are processes of this machine",
			LastHeartbeatTime: metav1.Now(), LastTransitionTime: metav1.Now(),
		})
	}
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: Name, Labels: map[string]string{
			corev1.LabelHostname: Name, corev1.LabelOSStable: "linux", corev1.LabelArchStable: runtime.GOARCH,
		}},
		Spec: corev1.NodeSpec{PodCIDR: network.PodCIDR, PodCIDRs: []string{network.PodCIDR}},
		Status: corev1.NodeStatus{
			Capacity: capacity, Allocatable: capacity, Conditions: conditions, Phase: corev1.NodeRunning,
			Addresses: []corev1.NodeAddress{
				{Type: corev1.NodeInternalIP, Address: network.NodeIP}, {Type: corev1.NodeHostName, Address: Name},
			},
			DaemonEndpoints: corev1.NodeDaemonEndpoints{
				KubeletEndpoint: corev1.DaemonEndpoint{Port: int32(network.Port(n.config.Listener))}, //nolint:gosec // a port
			},
			NodeInfo: corev1.NodeSystemInfo{
				OperatingSystem: "linux", Architecture: runtime.GOARCH, KubeletVersion: n.config.Version,
				ContainerRuntimeVersion: "process://1", OSImage: "processes without containers",
			},
		},
	}
}

// Run runs the node until ctx ends, and then ends its pods.
func (n *Node) Run(ctx context.Context) error {
	n.events.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: n.config.Client.CoreV1().Events("")})
	defer n.events.Shutdown()
	// The controllers go on while pods end, so that their end is still reported.
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	n.core.Start(work.Done())
	n.own.Start(work.Done())
	for kind, ok := range n.core.WaitForCacheSync(ctx.Done()) {
		if !ok {
			return fmt.Errorf("reading %v: %w", kind, ctx.Err())
		}
	}
	go func() {
		if err := n.server.ServeTLS(n.config.Listener, "", ""); !errors.Is(err, http.ErrServerClosed) {
			n.config.Log.ErrorContext(work, "serving the kubelet's API", "error", err)
		}
	}()
	defer n.server.Close()
	failed := make(chan error, 2)
	go func() { failed <- n.podCtl.Run(work, 4) }()
	select {
	case <-n.podCtl.Ready():
	case err := <-failed:
		return fmt.Errorf("running the pod controller: %w", err)
	}
	go func() { failed <- n.nodeCtl.Run(work) }()
	select {
	case <-ctx.Done():
		n.provider.shutdown(n.config.Grace)
		return nil
	case err := <-failed:
		n.provider.shutdown(n.config.Grace)
		return fmt.Errorf("running the node: %w", err)
	}
}

// Ready is closed when the node is registered.
func (n *Node) Ready() <-chan struct{} { return n.nodeCtl.Ready() }
