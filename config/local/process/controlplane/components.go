package controlplane

import (
	"context"
	"crypto/tls"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"integrationhub.dev/config/local/process/network"
	"integrationhub.dev/config/local/process/run"
)

// Plane is a control plane that runs.
type Plane struct {
	Folder string // the cluster's
	Bin    string // where the programs are
	Block  *network.Block
	Log    *slog.Logger

	pki      *authority
	api      string // address of the API server
	etcd     string
	proxy    net.Listener
	programs []*program
}

// Who the API server is to what it connects to.
const apiClient = "kube-apiserver-client"

// New makes a control plane's certificates and configuration.
func New(folder, bin string, block *network.Block, log *slog.Logger) (*Plane, error) {
	p := &Plane{Folder: folder, Bin: bin, Block: block, Log: log}
	var err error
	if p.pki, err = newAuthority(filepath.Join(folder, "pki")); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(folder, "log"), 0o700); err != nil {
		return nil, fmt.Errorf("making the logs' folder: %w", err)
	}
	for _, address := range []*string{&p.api, &p.etcd} {
		if *address, err = block.FreeAddress(); err != nil {
			return nil, err
		}
	}
	return p, errors.Join(p.certificates(), p.egress())
}

func (p *Plane) certificates() error {
	host := p.Block.Address(1).String()
	name := func(cn string, groups ...string) pkix.Name { return pkix.Name{CommonName: cn, Organization: groups} }
	_, server := p.pki.issue("apiserver", name("kube-apiserver"), host, "127.0.0.1", network.NodeIP, network.APIServiceIP, "localhost",
		"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc."+network.ClusterDomain)
	_, client := p.pki.issue("apiserver-client", name(apiClient))
	_, etcd := p.pki.issue("etcd", name("etcd"), host)
	url := "https://" + p.api
	return errors.Join(
		server, client, etcd, p.pki.accounts(),
		p.pki.kubeconfig(p.Kubeconfig(), url, "admin", name("admin", "system:masters")),
		// The node reads all Secrets and ConfigMaps to keep volumes up to date. Whoever runs it
		// owns the cluster's keys anyway.
		p.pki.kubeconfig(p.file("node.conf"), url, "node", name("process-node", "system:masters")),
		p.pki.kubeconfig(p.file("controller-manager.conf"), url, "controller-manager", name("system:kube-controller-manager")),
		p.pki.kubeconfig(p.file("scheduler.conf"), url, "scheduler", name("system:kube-scheduler")),
	)
}

func (p *Plane) file(name string) string { return filepath.Join(p.Folder, name) }

// Kubeconfig is the administrator's.
func (p *Plane) Kubeconfig() string { return p.file("admin.conf") }

// egress makes the API server connect to pods, services and the node by the proxy.
func (p *Plane) egress() error {
	var err error
	if p.proxy, err = p.Block.Node(); err != nil {
		return fmt.Errorf("listening for the API server: %w", err)
	}
	text := fmt.Sprintf(`apiVersion: apiserver.k8s.io/v1beta1
kind: EgressSelectorConfiguration
egressSelections:
- name: cluster
  connection:
    proxyProtocol: HTTPConnect
    transport:
      tcp:
        url: "https://%s"
        tlsConfig: {caBundle: %q, clientCert: %q, clientKey: %q}
`, p.proxy.Addr(), p.pki.file("ca.crt"), p.pki.file("apiserver-client.crt"), p.pki.file("apiserver-client.key"))
	if err := os.WriteFile(p.file("egress.yaml"), []byte(text), 0o600); err != nil {
		return fmt.Errorf("writing the API server's configuration: %w", err)
	}
	return nil
}

// ServerTLS is for what only the API server connects to: the proxy and the kubelet's API.
func (p *Plane) ServerTLS() (*tls.Config, error) {
	own, err := p.pki.issue("node-server", pkix.Name{CommonName: "node"}, p.Block.Address(1).String(), network.NodeIP)
	if err != nil {
		return nil, err
	}
	return p.pki.server(own, apiClient), nil
}

// ProxyListener is where the API server reaches the proxy.
func (p *Plane) ProxyListener() net.Listener { return p.proxy }

// APIServer is the API server's address.
func (p *Plane) APIServer() (*net.TCPAddr, error) { return net.ResolveTCPAddr("tcp", p.api) }

// Client acts as the node.
func (p *Plane) Client() (*kubernetes.Clientset, error) {
	config, err := clientcmd.BuildConfigFromFlags("", p.file("node.conf"))
	if err != nil {
		return nil, fmt.Errorf("reading the node's kubeconfig: %w", err)
	}
	config.QPS = -1 // the API server's own fairness is enough here
	config.UserAgent = "process-node"
	return kubernetes.NewForConfig(config)
}

// StartStore starts etcd, and StartAPI the API server.
func (p *Plane) StartStore() error {
	peer, err := p.Block.FreeAddress()
	if err != nil {
		return err
	}
	cert, key, ca := p.pki.file("etcd.crt"), p.pki.file("etcd.key"), p.pki.file("ca.crt")
	// Clients need a certificate: other users of the machine reach this address too.
	p.start("etcd", "--name=local", "--data-dir="+p.file("etcd"), "--unsafe-no-fsync",
		"--listen-client-urls=https://"+p.etcd, "--advertise-client-urls=https://"+p.etcd,
		"--listen-peer-urls=https://"+peer, "--initial-advertise-peer-urls=https://"+peer, "--initial-cluster=local=https://"+peer,
		"--cert-file="+cert, "--key-file="+key, "--client-cert-auth", "--trusted-ca-file="+ca,
		"--peer-cert-file="+cert, "--peer-key-file="+key, "--peer-client-cert-auth", "--peer-trusted-ca-file="+ca,
		"--log-level=warn")
	return nil
}

// StartAPI starts the API server.
func (p *Plane) StartAPI() error {
	host, port, err := net.SplitHostPort(p.api)
	if err != nil {
		return fmt.Errorf("reading the API server's address: %w", err)
	}
	f := p.pki.file
	p.start("kube-apiserver", "--bind-address="+host, "--secure-port="+port, "--advertise-address="+network.NodeIP,
		"--etcd-servers=https://"+p.etcd, "--etcd-cafile="+f("ca.crt"),
		"--etcd-certfile="+f("apiserver-client.crt"), "--etcd-keyfile="+f("apiserver-client.key"),
		"--tls-cert-file="+f("apiserver.crt"), "--tls-private-key-file="+f("apiserver.key"),
		"--client-ca-file="+f("ca.crt"), "--authorization-mode=RBAC", "--allow-privileged",
		"--service-account-issuer=https://kubernetes.default.svc."+network.ClusterDomain,
		"--service-account-key-file="+f("sa.pub"), "--service-account-signing-key-file="+f("sa.key"),
		"--service-cluster-ip-range="+network.ServiceCIDR, "--egress-selector-config-file="+p.file("egress.yaml"),
		"--kubelet-preferred-address-types=InternalIP", "--kubelet-certificate-authority="+f("ca.crt"),
		"--kubelet-client-certificate="+f("apiserver-client.crt"), "--kubelet-client-key="+f("apiserver-client.key"),
		"--profiling=false")
	return nil
}

// StartControllers starts what works on the API server's objects.
func (p *Plane) StartControllers() error {
	manager, err := p.Block.FreeAddress()
	if err != nil {
		return err
	}
	scheduler, err := p.Block.FreeAddress()
	if err != nil {
		return err
	}
	f := p.pki.file
	p.start("kube-controller-manager", append(listen(manager), "--kubeconfig="+p.file("controller-manager.conf"),
		"--leader-elect=false", "--kube-api-qps=300", "--kube-api-burst=600", "--use-service-account-credentials",
		"--service-account-private-key-file="+f("sa.key"), "--root-ca-file="+f("ca.crt"),
		"--cluster-signing-cert-file="+f("ca.crt"), "--cluster-signing-key-file="+f("ca.key"),
		"--service-cluster-ip-range="+network.ServiceCIDR, "--profiling=false")...)
	p.start("kube-scheduler", append(listen(scheduler), "--kubeconfig="+p.file("scheduler.conf"), "--leader-elect=false")...)
	return nil
}

func listen(address string) []string {
	host, port, _ := net.SplitHostPort(address) // the network package made it
	return []string{"--bind-address=" + host, "--secure-port=" + port}
}

// AwaitAPI waits until the API server is ready.
func (p *Plane) AwaitAPI(ctx context.Context, client kubernetes.Interface) error {
	for {
		status := 0
		client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).StatusCode(&status)
		if status == http.StatusOK {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for the API server; see %s: %w", p.file("log/kube-apiserver.log"), context.Cause(ctx))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// program is a part of the control plane that is started again when it ends.
type program struct {
	name  string
	args  []string
	plane *Plane

	mu       sync.Mutex
	process  *run.Process
	stopping chan struct{}
	done     chan struct{}
}

func (p *Plane) start(name string, args ...string) {
	g := &program{name: name, args: args, plane: p, stopping: make(chan struct{}), done: make(chan struct{})}
	p.programs = append(p.programs, g)
	go g.keep()
}

func (g *program) keep() {
	defer close(g.done)
	for {
		if err := g.once(); err != nil {
			g.plane.Log.Error("a program ended", "program", g.name, "error", err)
		}
		select {
		case <-g.stopping:
			return
		case <-time.After(time.Second):
		}
	}
}

func (g *program) once() error {
	log, err := os.OpenFile(g.plane.file("log/"+g.name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("opening the log: %w", err)
	}
	defer log.Close()
	cmd := exec.Command(filepath.Join(g.plane.Bin, g.name), g.args...) //nolint:gosec,noctx // the cluster's own program, until Stop
	cmd.Dir = g.plane.Folder
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + g.plane.Folder, run.Marker + "=" + g.plane.Folder}
	cmd.Stdout, cmd.Stderr = log, log
	g.mu.Lock()
	select {
	case <-g.stopping:
		g.mu.Unlock()
		return nil
	default:
	}
	g.process, err = run.Start(cmd)
	process := g.process
	g.mu.Unlock()
	if err != nil {
		return err
	}
	g.plane.Log.Info("started", "program", g.name, "pid", process.Pid())
	<-process.Done()
	select {
	case <-g.stopping:
		return nil
	default:
	}
	code, signal := process.Exit()
	return fmt.Errorf("exit code %d, signal %d", code, signal)
}

// Stop ends the programs, those that were started last first.
func (p *Plane) Stop(grace time.Duration) {
	for _, g := range slices.Backward(p.programs) {
		g.stop(grace)
	}
}

func (g *program) stop(grace time.Duration) {
	g.mu.Lock()
	close(g.stopping)
	process := g.process
	g.mu.Unlock()
	if process != nil {
		process.Stop(grace)
	}
	<-g.done
}
