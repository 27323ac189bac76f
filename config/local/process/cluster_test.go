package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/transport/spdy"
	"k8s.io/utils/exec"

	"integrationhub.dev/config/local/process/images"
	"integrationhub.dev/config/local/process/run"
)

// The test's program is the supervisor of its clusters, and what runs in their pods.
func TestMain(m *testing.M) {
	switch {
	case len(os.Args) > 1 && os.Args[1] == "print":
		fmt.Println(os.Args[2:], os.Getenv("FILE"))
		os.Exit(3)
	case os.Getenv("PART") == "serve":
		fmt.Println("serving at", os.Getenv("LISTEN"))
		http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
			text, err := os.ReadFile(os.Getenv("FILE"))
			fmt.Fprint(w, string(text), err)
		})
		srv := &http.Server{Addr: os.Getenv("LISTEN"), ReadHeaderTimeout: time.Minute}
		fmt.Println(srv.ListenAndServe())
		os.Exit(1)
	case len(os.Args) > 1 && os.Args[1] == "-folder":
		if err := command(context.Background(), os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const program = "example.com/program:v1"

// newCluster starts a cluster where the programs are built.
func newCluster(t *testing.T) (cluster, *rest.Config) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("the clusters of this package are tested on Linux only")
	}
	home, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	c := cluster{
		folder: filepath.Join(t.TempDir(), "cluster"),
		bin:    cmp.Or(os.Getenv("KUBEBUILDER_ASSETS"), filepath.Join(home, "integration-hub/local/bin")),
	}
	for _, name := range programs {
		if _, err := os.Stat(filepath.Join(c.bin, name)); err != nil {
			message := "not built. Run: config/local/build tools " + strings.Join(programs, " ")
			if os.Getenv("CI") != "" || os.Getenv("KUBEBUILDER_ASSETS") != "" {
				t.Fatal(name, message)
			}
			t.Skip(name, message)
		}
	}
	if err := c.up(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.down(context.Background()); err != nil {
			t.Error(err)
		}
	})
	config, err := clientcmd.BuildConfigFromFlags("", c.file("admin.conf"))
	if err != nil {
		t.Fatal(err)
	}
	return c, config
}

// deployment serves the key k of a Secret at port 8080. Its grace period is longer than any test.
func deployment(name string) *appsv1.Deployment {
	app := map[string]string{"app": name}
	return &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: appsv1.DeploymentSpec{
		Replicas: new(int32(2)), Selector: &metav1.LabelSelector{MatchLabels: app},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: app}, Spec: corev1.PodSpec{
			TerminationGracePeriodSeconds: new(int64(3600)),
			Containers: []corev1.Container{{
				Name: "c", Image: program, Env: []corev1.EnvVar{
					{Name: "PART", Value: "serve"}, {Name: "FILE", Value: "/secret/k"}, {Name: "LISTEN", Value: ":8080"},
				},
				Ports:          []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}},
				VolumeMounts:   []corev1.VolumeMount{{Name: "secret", MountPath: "/secret"}},
				ReadinessProbe: &corev1.Probe{PeriodSeconds: 1, ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Port: intstr.FromString("http")}}},
			}},
			Volumes: []corev1.Volume{{Name: "secret", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: name}}}},
		}},
	}}
}

// eventually asks again and again until there is no error.
func eventually(t *testing.T, what string, f func() error) {
	t.Helper()
	var last error
	if err := poll(t.Context(), time.Minute, func() (bool, error) {
		last = f()
		return last == nil, nil
	}); err != nil {
		t.Fatalf("%s: %v", what, last)
	}
}

func want(text string, get func() ([]byte, error)) func() error {
	return func() error {
		got, err := get()
		if err == nil && string(got) != text {
			err = fmt.Errorf("got %q, want %q", got, text)
		}
		return err
	}
}

func TestCluster(t *testing.T) {
	c, config := newCluster(t)
	ctx := t.Context()
	client := kubernetes.NewForConfigOrDie(config)
	core := client.CoreV1()
	if _, err := (images.Store{Folder: c.file("images")}).Load(program + "=" + os.Args[0]); err != nil {
		t.Fatal(err)
	}
	secret, err := core.Secrets("default").Create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "web"}, Data: map[string][]byte{"k": []byte("one")},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := core.Services("default").Create(ctx, &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: corev1.ServiceSpec{Selector: map[string]string{"app": "web"}, Ports: []corev1.ServicePort{{
			Port: 80, TargetPort: intstr.FromString("http"),
		}}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.AppsV1().Deployments("default").Create(ctx, deployment("web"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the deployment", func() error {
		d, err := client.AppsV1().Deployments("default").Get(ctx, "web", metav1.GetOptions{})
		if err == nil && d.Status.AvailableReplicas != 2 {
			err = fmt.Errorf("status: %+v", d.Status)
		}
		return err
	})
	list, err := core.Pods("default").List(ctx, metav1.ListOptions{})
	if err != nil || len(list.Items) != 2 {
		t.Fatal(list, err)
	}
	pod := list.Items[0].Name

	byServer := func() ([]byte, error) {
		return core.Services("default").ProxyGet("http", "web", "80", "/", nil).DoRaw(ctx)
	}
	eventually(t, "the service by the API server", want("one<nil>", byServer))
	byName := func() ([]byte, error) { return get(c, "http://web.default.svc.cluster.local/") }
	eventually(t, "the service by its name", want("one<nil>", byName))
	if got, err := core.Pods("default").GetLogs(pod, &corev1.PodLogOptions{}).DoRaw(ctx); err != nil || !strings.Contains(string(got), "serving at 127.") {
		t.Errorf("logs: %q, %v", got, err)
	}
	execute(t, config, core.RESTClient(), pod)
	forward(t, config, core.RESTClient(), pod)

	secret.Data["k"] = []byte("two")
	if _, err := core.Secrets("default").Update(ctx, secret, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the new secret in one pod", want("two<nil>", byServer))
	eventually(t, "the new secret by name", want("two<nil>", byName))

	// The pods have an hour to end, and go at once because their processes do.
	if err := client.AppsV1().Deployments("default").Delete(ctx, "web", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the pods' end", func() error {
		_, err := core.Pods("default").Get(ctx, pod, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return fmt.Errorf("the pod is still there: %w", err)
	})
	unknown(t, client)
}

// get asks by the cluster's proxy, as pods do.
func get(c cluster, address string) ([]byte, error) {
	text, err := os.ReadFile(c.file("proxy"))
	if err != nil {
		return nil, err
	}
	proxy, err := url.Parse(string(text))
	if err != nil {
		return nil, err
	}
	client := http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy), DisableKeepAlives: true}}
	res, err := client.Get(address)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	return io.ReadAll(res.Body)
}

// execute does what "kubectl exec" does.
func execute(t *testing.T, config *rest.Config, client rest.Interface, pod string) {
	t.Helper()
	req := client.Post().Resource("pods").Namespace("default").Name(pod).SubResource("exec").VersionedParams(&corev1.PodExecOptions{
		Command: []string{filepath.Base(os.Args[0]), "print", "/secret/k"}, Stdout: true, Stderr: true,
	}, scheme.ParameterCodec)
	executor, err := remotecommand.NewSPDYExecutor(config, http.MethodPost, req.URL())
	if err != nil {
		t.Fatal(err)
	}
	var out, stderr bytes.Buffer
	err = executor.StreamWithContext(t.Context(), remotecommand.StreamOptions{Stdout: &out, Stderr: &stderr})
	var exit exec.ExitError
	if !errors.As(err, &exit) || exit.ExitStatus() != 3 {
		t.Errorf("exec: %v", err)
	}
	if words := strings.Fields(out.String()); len(words) != 2 || words[0] != "["+words[1]+"]" || !strings.HasSuffix(words[1], "/volumes/secret/k") {
		t.Errorf("exec: %q, %q", out.String(), stderr.String())
	}
}

// forward does what "kubectl port-forward" does.
func forward(t *testing.T, config *rest.Config, client rest.Interface, pod string) {
	t.Helper()
	transport, upgrader, err := spdy.RoundTripperFor(config)
	if err != nil {
		t.Fatal(err)
	}
	address := client.Post().Resource("pods").Namespace("default").Name(pod).SubResource("portforward").URL()
	dialer := spdy.NewDialer(upgrader, &http.Client{Transport: transport}, http.MethodPost, address)
	stop, ready := make(chan struct{}), make(chan struct{})
	f, err := portforward.New(dialer, []string{"0:8080"}, stop, ready, io.Discard, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- f.ForwardPorts() }()
	select {
	case <-ready:
	case err := <-done:
		t.Fatal(err)
	}
	ports, err := f.GetPorts()
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.Get("http://127.0.0.1:" + strconv.Itoa(int(ports[0].Local)))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got, err := io.ReadAll(res.Body); err != nil || string(got) != "one<nil>" {
		t.Errorf("port-forward: %q, %v", got, err)
	}
	close(stop)
	<-done
}

// unknown shows what becomes of a pod whose image nobody loaded.
func unknown(t *testing.T, client kubernetes.Interface) {
	t.Helper()
	pods := client.CoreV1().Pods("default")
	_, err := pods.Create(t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "unknown"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "example.com/unknown:v1"}}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the back-off", func() error {
		pod, err := pods.Get(t.Context(), "unknown", metav1.GetOptions{})
		if err != nil {
			return err
		}
		if s := pod.Status.ContainerStatuses; len(s) == 0 || s[0].State.Waiting == nil || s[0].State.Waiting.Reason != "ImagePullBackOff" {
			return fmt.Errorf("status: %+v", pod.Status)
		}
		return nil
	})
}

// Clusters are side by side, go down with all they started, and leave nothing even when their
// supervisor is killed.
func TestClustersAreApart(t *testing.T) {
	a, _ := newCluster(t)
	b, config := newCluster(t)
	if err := b.up(t.Context()); err != nil { // once more
		t.Error(err)
	}
	if err := a.down(t.Context()); err != nil {
		t.Fatal(err)
	}
	gone := func(c cluster) {
		t.Helper()
		if pids, err := run.Leftovers(c.folder); err != nil || len(pids) > 0 {
			t.Errorf("processes are left: %v, %v", pids, err)
		}
		if _, err := os.Stat(c.folder); err == nil {
			t.Error("the folder is left")
		}
	}
	gone(a)
	client := kubernetes.NewForConfigOrDie(config)
	if _, err := client.CoreV1().Nodes().Get(t.Context(), "node1", metav1.GetOptions{}); err != nil {
		t.Errorf("the other cluster: %v", err)
	}
	pid, ok := b.supervisor()
	if !ok {
		t.Fatal("the other cluster is not up")
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the end", func() error {
		if b.complete() {
			return errors.New("it is still up")
		}
		return nil
	})
	if err := b.down(t.Context()); err != nil {
		t.Fatal(err)
	}
	gone(b)
}

func TestMissingProgramsAreNamed(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "etcd"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err := cluster{folder: filepath.Join(folder, "c"), bin: folder}.up(t.Context())
	if err == nil || strings.Contains(err.Error(), "etcd") || !strings.Contains(err.Error(), "kube-scheduler; build them") {
		t.Error(err)
	}
}

func TestVerbs(t *testing.T) {
	for _, args := range [][]string{{}, {"up"}, {"-folder", t.TempDir()}, {"-folder", t.TempDir(), "fly"}, {"-folder", t.TempDir(), "status"}, {"-folder", t.TempDir(), "exec", "true"}} {
		if err := command(t.Context(), args); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
	if err := command(t.Context(), []string{"-folder", filepath.Join(t.TempDir(), "none"), "down"}); err != nil {
		t.Errorf("down without a cluster: %v", err)
	}
}
