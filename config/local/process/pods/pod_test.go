package pods

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"integrationhub.dev/config/local/process/images"
	"integrationhub.dev/config/local/process/logs"
	"integrationhub.dev/config/local/process/network"
)

// The test's own program is the program of all images. PART says what it does.
func TestMain(m *testing.M) {
	switch part, arg := os.Getenv("PART"), os.Args[len(os.Args)-1]; part {
	case "":
		os.Exit(m.Run())
	case "show": // what the container looks like from inside
		hosts, _ := os.ReadFile("etc/hosts")
		secret, _ := os.ReadFile(os.Getenv("SECRET"))
		if err := os.WriteFile(os.Getenv("MESSAGE"), []byte("the end"), 0o600); err != nil {
			panic(err)
		}
		_ = json.NewEncoder(os.Stdout).Encode(map[string]any{
			"args": os.Args[1:], "listen": os.Getenv("LISTEN"), "hosts": string(hosts), "secret": string(secret), "extra": os.Getenv("EXTRA"),
		})
	case "exit":
		code, _ := strconv.Atoi(arg)
		fmt.Fprintln(os.Stderr, "giving up with", code)
		os.Exit(code)
	case "serve": // at LISTEN: /well answers what the file FLAG says, /drop removes it
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		http.HandleFunc("/well", func(w http.ResponseWriter, _ *http.Request) {
			if _, err := os.Stat(os.Getenv("FLAG")); err != nil {
				http.Error(w, "ill", http.StatusServiceUnavailable)
			}
		})
		srv := &http.Server{Addr: os.Getenv("LISTEN"), ReadHeaderTimeout: time.Minute}
		go func() { fmt.Println("serving:", srv.ListenAndServe()) }()
		fmt.Println("started")
		<-ctx.Done()
		fmt.Println("asked to end")
	case "stubborn":
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, syscall.SIGTERM)
		fmt.Println("started")
		for range signals { // an end without this loop would be a deadlock that the runtime finds
		}
	}
	os.Exit(0)
}

const image = "example.com/program:v1"

type source struct {
	mu      sync.Mutex
	secrets map[string]string // the value of the key k
}

func (s *source) set(name, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets[name] = value
}

func (s *source) Secret(_ context.Context, _, name string) (*corev1.Secret, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v, ok := s.secrets[name]; ok {
		return &corev1.Secret{Data: map[string][]byte{"k": []byte(v)}}, nil
	}
	return nil, apierrors.NewNotFound(schema.GroupResource{Resource: "secrets"}, name)
}

func (*source) ConfigMap(_ context.Context, _, name string) (*corev1.ConfigMap, error) {
	return nil, apierrors.NewNotFound(schema.GroupResource{Resource: "configmaps"}, name)
}

func (*source) Token(context.Context, *corev1.Pod, authenticationv1.TokenRequestSpec) (string, error) {
	return "token", nil
}
func (*source) Node() corev1.ResourceList { return nil }

// fixture runs one pod, and keeps every status that it had.
type fixture struct {
	*Pod
	config *Config
	source *source
	states chan *corev1.Pod
	events chan string
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has all of 127.0.0.0/8 without configuration")
	}
	block, err := network.Claim(t.Name())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { block.Close() })
	f := &fixture{source: &source{secrets: map[string]string{}}, states: make(chan *corev1.Pod, 1000), events: make(chan string, 1000)}
	folder := t.TempDir()
	hosts := filepath.Join(folder, "hosts")
	if err := os.WriteFile(hosts, []byte("10.96.0.7 web"), 0o600); err != nil {
		t.Fatal(err)
	}
	f.config = &Config{
		Folder: filepath.Join(folder, "pods"), Hosts: hosts, Images: images.Store{Folder: filepath.Join(folder, "images")},
		Network: network.NewPods(block), Source: f.source,
		Services: func(string) map[string]string { return map[string]string{"EXTRA": "service"} },
		Extra: func(*corev1.Pod, string, func(string) (string, bool)) (map[string]string, error) {
			return map[string]string{"EXTRA": "extra"}, nil
		},
		Event:  func(_ *corev1.Pod, _, reason, message string) { f.events <- reason + ": " + message },
		Notify: func(p *corev1.Pod) { f.states <- p },
		Log:    slog.New(slog.DiscardHandler), Backoff: 10 * time.Millisecond, MaxBackoff: 100 * time.Millisecond,
	}
	if _, err := f.config.Images.Load(image + "=" + os.Args[0]); err != nil {
		t.Fatal(err)
	}
	return f
}

func spec(containers ...corev1.Container) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "n", UID: types.UID("uid")},
		Spec:       corev1.PodSpec{Containers: containers, RestartPolicy: corev1.RestartPolicyAlways},
	}
}

func newSpec(name, part string, env ...string) corev1.Container {
	c := corev1.Container{Name: name, Image: image, Env: []corev1.EnvVar{{Name: "PART", Value: part}}}
	for i := 0; i < len(env); i += 2 {
		c.Env = append(c.Env, corev1.EnvVar{Name: env[i], Value: env[i+1]})
	}
	return c
}

func (f *fixture) start(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	var err error
	if f.Pod, err = Start(t.Context(), f.config, pod); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		f.Stop(0)
		<-f.Done()
	})
}

// await returns the first status that is as wanted.
func (f *fixture) await(t *testing.T, what string, want func(corev1.PodStatus) bool) corev1.PodStatus {
	t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		select {
		case p := <-f.states:
			if want(p.Status) {
				return p.Status
			}
		case <-timeout:
			text, _ := json.MarshalIndent(f.Get().Status, "", " ")
			t.Fatalf("timed out waiting for %s; the status is %s", what, text)
		}
	}
}

func (f *fixture) event(t *testing.T, reason string) string {
	t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		select {
		case e := <-f.events:
			if strings.HasPrefix(e, reason+": ") {
				return e
			}
		case <-timeout:
			t.Fatalf("timed out waiting for the event %s", reason)
		}
	}
}

func (f *fixture) logs(t *testing.T, name string, previous bool) string {
	t.Helper()
	r, err := f.Logs(t.Context(), name, previous, logs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// awaitLog waits until a container writes a line.
func (f *fixture) awaitLog(t *testing.T, name, line string) {
	t.Helper()
	r, err := f.Logs(t.Context(), name, false, logs.Options{Follow: true})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for lines := bufio.NewScanner(r); lines.Scan(); {
		if lines.Text() == line {
			return
		}
	}
	t.Fatalf("the log of %s ended without %q", name, line)
}

func ready(s corev1.PodStatus) bool {
	return slices.ContainsFunc(s.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

func phase(p corev1.PodPhase) func(corev1.PodStatus) bool {
	return func(s corev1.PodStatus) bool { return s.Phase == p }
}

func waitingFor(reason string) func(corev1.PodStatus) bool {
	return func(s corev1.PodStatus) bool {
		w := s.ContainerStatuses[0].State.Waiting
		return w != nil && w.Reason == reason
	}
}

func TestContainerSeesItsFilesAndAddresses(t *testing.T) {
	f := newFixture(t)
	f.source.set("s", "the secret")
	c := newSpec("c", "show", "SECRET", "/secret/k", "MESSAGE", "/dev/termination-log", "LISTEN", ":8443", "NAME", "world")
	c.Args = []string{"hello $(NAME)", "--cert=/secret/k", "--address=0.0.0.0:8443", "/other"}
	c.VolumeMounts = []corev1.VolumeMount{{Name: "v", MountPath: "/secret"}}
	pod := spec(c)
	pod.Spec.RestartPolicy = corev1.RestartPolicyNever
	pod.Spec.Volumes = []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "s"}}}}
	f.start(t, pod)
	status := f.await(t, "the end", phase(corev1.PodSucceeded))
	<-f.Done()
	if s := status.ContainerStatuses[0].State.Terminated; s.Message != "the end" || s.Reason != "Completed" {
		t.Errorf("terminated: %+v", s)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(f.logs(t, "c", false)), &got); err != nil {
		t.Fatal(err)
	}
	address := net.JoinHostPort(f.Network().Host.String(), "8443")
	want := map[string]any{
		"args":   []any{"hello world", "--cert=" + filepath.Join(f.folder, "volumes/v/k"), "--address=" + address, "/other"},
		"listen": address, "hosts": "10.96.0.7 web", "secret": "the secret", "extra": "extra",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestReadinessFollowsTheProbe(t *testing.T) {
	f := newFixture(t)
	flag := filepath.Join(t.TempDir(), "flag")
	c := newSpec("c", "serve", "LISTEN", ":8080", "FLAG", flag)
	c.Ports = []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}}
	c.ReadinessProbe = &corev1.Probe{PeriodSeconds: 1, FailureThreshold: 1, ProbeHandler: corev1.ProbeHandler{
		HTTPGet: &corev1.HTTPGetAction{Path: "/well", Port: intstr.FromString("http")},
	}}
	f.start(t, spec(c))
	status := f.await(t, "the process", phase(corev1.PodRunning))
	if got, want := status.PodIP, f.Network().IP.String(); got != want {
		t.Errorf("pod IP %s, want %s", got, want)
	}
	if status.HostIP != network.NodeIP {
		t.Errorf("host IP %s, want %s", status.HostIP, network.NodeIP)
	}
	if status.StartTime == nil {
		t.Error("no start time")
	}
	if ready(status) {
		t.Error("ready before its probe succeeded")
	}
	if e := f.event(t, "Unhealthy"); !strings.Contains(e, "Readiness") {
		t.Error(e)
	}
	if err := os.WriteFile(flag, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f.await(t, "readiness", ready)
	f.awaitLog(t, "c", "started")
	if err := os.Remove(flag); err != nil {
		t.Fatal(err)
	}
	f.await(t, "no readiness", func(s corev1.PodStatus) bool { return !ready(s) && s.Phase == corev1.PodRunning })
	f.Stop(time.Minute)
	<-f.Done()
	status = f.await(t, "the end", phase(corev1.PodSucceeded))
	if s := status.ContainerStatuses[0].State.Terminated; s.ExitCode != 0 || status.ContainerStatuses[0].RestartCount != 0 {
		t.Errorf("it did not end by itself: %+v", s)
	}
	if _, err := os.Stat(f.folder); err == nil {
		t.Error("the folder is still there")
	}
}

func TestFailedLivenessAndStartupProbesRestart(t *testing.T) {
	for _, kind := range []string{"Liveness", "Startup"} {
		t.Run(kind, func(t *testing.T) {
			f := newFixture(t)
			flag := filepath.Join(t.TempDir(), "flag")
			c := newSpec("c", "serve", "LISTEN", ":8080", "FLAG", flag)
			p := &corev1.Probe{PeriodSeconds: 1, FailureThreshold: 1, ProbeHandler: corev1.ProbeHandler{
				HTTPGet: &corev1.HTTPGetAction{Path: "/well", Port: intstr.FromInt32(8080)},
			}}
			if kind == "Startup" {
				c.StartupProbe = p
			} else {
				c.LivenessProbe = p
				p.FailureThreshold = 2 // the server may not listen at the first
				if err := os.WriteFile(flag, nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			f.start(t, spec(c))
			first := f.await(t, "the process", phase(corev1.PodRunning))
			if started := *first.ContainerStatuses[0].Started; started != (kind == "Liveness") || ready(first) != started {
				t.Errorf("started %v, ready %v", started, ready(first))
			}
			if kind == "Liveness" {
				f.awaitLog(t, "c", "started")
				if err := os.Remove(flag); err != nil {
					t.Fatal(err)
				}
			}
			if e := f.event(t, "Unhealthy"); !strings.Contains(e, kind) {
				t.Error(e)
			}
			status := f.await(t, "the restart", func(s corev1.PodStatus) bool {
				return s.ContainerStatuses[0].RestartCount == 1 && s.ContainerStatuses[0].State.Running != nil
			})
			if status.ContainerStatuses[0].LastTerminationState.Terminated == nil {
				t.Errorf("status: %+v", status)
			}
			if got := f.logs(t, "c", true); kind == "Liveness" && !strings.Contains(got, "asked to end") {
				t.Errorf("previous log: %q", got)
			}
		})
	}
}

func TestStopKillsAfterTheGracePeriod(t *testing.T) {
	f := newFixture(t)
	f.start(t, spec(newSpec("c", "stubborn")))
	f.await(t, "the process", phase(corev1.PodRunning))
	f.awaitLog(t, "c", "started") // it ignores the signal by now
	f.Stop(time.Hour)
	f.event(t, "Killing")
	f.Stop(0) // as "kubectl delete --force" shortens it
	<-f.Done()
	status := f.await(t, "the end", phase(corev1.PodFailed))
	if s := status.ContainerStatuses[0].State.Terminated; s.ExitCode != 137 {
		t.Errorf("terminated: %+v", s)
	}
}

func TestRestartPolicy(t *testing.T) {
	for _, c := range []struct {
		policy corev1.RestartPolicy
		code   string
		want   func(corev1.PodStatus) bool
	}{
		{corev1.RestartPolicyNever, "3", phase(corev1.PodFailed)},
		{corev1.RestartPolicyNever, "0", phase(corev1.PodSucceeded)},
		{corev1.RestartPolicyOnFailure, "0", phase(corev1.PodSucceeded)},
		{corev1.RestartPolicyOnFailure, "3", waitingFor("CrashLoopBackOff")},
		{corev1.RestartPolicyAlways, "0", waitingFor("CrashLoopBackOff")},
	} {
		t.Run(string(c.policy)+c.code, func(t *testing.T) {
			f := newFixture(t)
			container := newSpec("c", "exit")
			container.Args = []string{c.code}
			container.TerminationMessagePolicy = corev1.TerminationMessageFallbackToLogsOnError
			pod := spec(container)
			pod.Spec.RestartPolicy = c.policy
			f.start(t, pod)
			status := f.await(t, "the end", c.want).ContainerStatuses[0]
			ended := status.State.Terminated
			if ended == nil {
				ended = status.LastTerminationState.Terminated
			}
			message := map[string]string{"0": "", "3": "giving up with 3\n"}[c.code]
			if strconv.Itoa(int(ended.ExitCode)) != c.code || ended.Message != message {
				t.Errorf("ended: %+v", ended)
			}
		})
	}
}

func TestUnknownImage(t *testing.T) {
	f := newFixture(t)
	c := newSpec("c", "stubborn")
	c.Image = "example.com/other:v1"
	f.start(t, spec(c))
	f.await(t, "the failed pull", waitingFor("ErrImagePull"))
	status := f.await(t, "the back-off", waitingFor("ImagePullBackOff"))
	if status.Phase != corev1.PodPending {
		t.Errorf("phase %s", status.Phase)
	}
	if _, err := f.config.Images.Load(c.Image + "=" + os.Args[0]); err != nil {
		t.Fatal(err)
	}
	f.await(t, "the process", phase(corev1.PodRunning))
}

func TestImageNeverPulled(t *testing.T) {
	f := newFixture(t)
	c := newSpec("c", "stubborn")
	c.Image, c.ImagePullPolicy = "example.com/other:v1", corev1.PullNever
	f.start(t, spec(c))
	f.await(t, "the refusal", waitingFor("ErrImageNeverPull"))
}

func TestMissingSecretsAreWaitedFor(t *testing.T) {
	f := newFixture(t)
	c := newSpec("c", "stubborn")
	c.Env = append(c.Env, corev1.EnvVar{Name: "A", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
		LocalObjectReference: corev1.LocalObjectReference{Name: "env"}, Key: "k",
	}}})
	pod := spec(c)
	pod.Spec.Volumes = []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "volume"}}}}
	f.start(t, pod)
	if e := f.event(t, "FailedMount"); !strings.Contains(e, `secrets "volume" not found`) {
		t.Error(e)
	}
	f.await(t, "the container", waitingFor("ContainerCreating"))
	f.source.set("volume", "1")
	status := f.await(t, "the container", waitingFor("CreateContainerConfigError"))
	if m := status.ContainerStatuses[0].State.Waiting.Message; !strings.Contains(m, `secrets "env" not found`) {
		t.Error(m)
	}
	f.source.set("env", "1")
	f.await(t, "the process", phase(corev1.PodRunning))
	f.source.set("volume", "2")
	f.Refresh()
	file := filepath.Join(f.folder, "volumes/v/k")
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		if text, err := os.ReadFile(file); err == nil && string(text) == "2" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the volume still shows the old Secret")
		}
	}
}

func TestCommandThatIsNotInTheImage(t *testing.T) {
	f := newFixture(t)
	c := newSpec("c", "stubborn")
	c.Command = []string{"/bin/sh", "-c", "true"}
	f.start(t, spec(c))
	status := f.await(t, "the back-off", waitingFor("CrashLoopBackOff")).ContainerStatuses[0]
	if last := status.LastTerminationState.Terminated; last.Reason != "StartError" || last.ExitCode != 128 || !strings.Contains(last.Message, "/bin/sh") {
		t.Errorf("last state: %+v", last)
	}
}

func TestInitContainers(t *testing.T) {
	f := newFixture(t)
	pod := spec(newSpec("main", "exit"))
	pod.Spec.RestartPolicy = corev1.RestartPolicyNever
	sidecar := newSpec("sidecar", "serve", "LISTEN", ":8080")
	sidecar.StartupProbe = &corev1.Probe{PeriodSeconds: 1, FailureThreshold: 30, ProbeHandler: corev1.ProbeHandler{
		TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(8080)},
	}}
	sidecar.RestartPolicy = new(corev1.ContainerRestartPolicyAlways)
	pod.Spec.InitContainers = []corev1.Container{newSpec("first", "exit"), sidecar}
	f.start(t, pod)
	f.await(t, "the init containers", func(s corev1.PodStatus) bool {
		return s.InitContainerStatuses[0].State.Terminated != nil && s.InitContainerStatuses[1].State.Running != nil
	})
	<-f.Done()
	status := f.Get().Status
	if status.Phase != corev1.PodSucceeded || status.InitContainerStatuses[1].State.Terminated == nil {
		t.Errorf("status: %+v", status)
	}
	if got := f.logs(t, "sidecar", false); !strings.Contains(got, "asked to end") {
		t.Errorf("the sidecar's log: %q", got)
	}
}

func TestFailedInitContainer(t *testing.T) {
	f := newFixture(t)
	pod := spec(newSpec("main", "exit"))
	pod.Spec.RestartPolicy = corev1.RestartPolicyNever
	bad := newSpec("bad", "exit")
	bad.Args = []string{"4"}
	pod.Spec.InitContainers = []corev1.Container{bad}
	f.start(t, pod)
	<-f.Done()
	status := f.Get().Status
	if status.Phase != corev1.PodFailed || status.ContainerStatuses[0].State.Waiting == nil {
		t.Errorf("status: %+v", status)
	}
}

func TestExec(t *testing.T) {
	f := newFixture(t)
	c := newSpec("c", "stubborn")
	f.start(t, spec(c))
	f.await(t, "the process", phase(corev1.PodRunning))
	cmd, err := f.Exec(t.Context(), "", []string{filepath.Base(os.Args[0]), "--address=:80"})
	if err != nil {
		t.Fatal(err)
	}
	if want := "--address=" + f.Network().Target(80); cmd.Args[1] != want || !slices.Contains(cmd.Env, "PART=stubborn") {
		t.Errorf("command: %v, %v", cmd.Args, cmd.Env)
	}
	for name, argv := range map[string][]string{"none": {"x"}, "c": {"/bin/sh"}} {
		if _, err := f.Exec(t.Context(), name, argv); err == nil {
			t.Errorf("Exec(%s, %v): no error", name, argv)
		}
	}
}
