package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/yaml"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers"
	"integrationhub.dev/controllers/controllertest"
)

// TestMain lets the test binary run as the manager, so that the test covers main itself.
func TestMain(m *testing.M) {
	if os.Getenv("BE_THE_MANAGER") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// The manager runs as in a cluster: with only the permissions of config/rbac, and before cert-manager
// is installed. Only watches notify it of changes.
func TestManager(t *testing.T) {
	c := newCluster(t)
	stop := c.start()

	hub := &v1alpha1.IntegrationHub{ObjectMeta: named("hub"), Spec: v1alpha1.IntegrationHubSpec{
		TLS:          v1alpha1.TLS{IssuerRef: &v1alpha1.IssuerRef{Name: "ca"}},
		Integrations: []v1alpha1.Integration{{Name: "tray", SecretRef: &v1alpha1.SecretRef{Name: "settings"}}},
	}}
	c.create(hub)
	elsewhere := hub.DeepCopy()
	elsewhere.ObjectMeta = metav1.ObjectMeta{Namespace: "kube-public", Name: "hub"}
	c.create(elsewhere)
	c.reason(v1alpha1.CertificateReady, v1alpha1.CertManagerMissing)
	c.reason(v1alpha1.IntegrationsReady, v1alpha1.SecretNotFound)
	c.registers()
	c.exports(`integrationhub_ready{hub="hub",hub_namespace="default"} 0`)

	// A Secret is created later.
	c.create(&corev1.Secret{ObjectMeta: named("settings"), StringData: map[string]string{"A": "1"}})
	c.reason(v1alpha1.IntegrationsReady, v1alpha1.Pending) // no hub runs that could offer them

	// cert-manager and its issuer are installed later.
	crds, err := controllertest.CertManagerCRDs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c.install(crds)
	c.create(&cmv1.Issuer{ObjectMeta: named("ca"), Spec: cmv1.IssuerSpec{IssuerConfig: cmv1.IssuerConfig{CA: &cmv1.CAIssuer{SecretName: "ca"}}}})
	c.reason(v1alpha1.CertificateReady, v1alpha1.CertificateNotReady)

	// A manager is killed, and another one takes over. It keeps the token that is entered in Looker.
	token := c.token()
	stop(syscall.SIGKILL)
	stop = c.start()

	c.play(controllertest.Issue)
	c.reason(v1alpha1.DeploymentAvailable, v1alpha1.Progressing)
	c.play(controllertest.RunPods)
	c.reason(v1alpha1.Ready, v1alpha1.Succeeded)
	if now := c.token(); now != token {
		t.Error("the token changed although its secret did not")
	}
	c.events(v1alpha1.CertManagerMissing, v1alpha1.Succeeded)
	c.exports(`integrationhub_ready{hub="hub",hub_namespace="default"} 1`)

	// At rest the manager changes nothing.
	atRest := c.versions()
	time.Sleep(2 * time.Second)
	if now := c.versions(); now != atRest {
		t.Errorf("versions were %s, are %s", atRest, now)
	}

	// Deleted and edited children are restored.
	service, before := &corev1.Service{ObjectMeta: named("hub")}, c.deployment()
	if err := c.api.Delete(t.Context(), service); err != nil {
		t.Fatal(err)
	}
	c.eventually("the Service comes back", func() bool {
		return c.api.Get(t.Context(), client.ObjectKeyFromObject(service), service) == nil
	})
	if err := controllertest.Edit(t.Context(), c.api, before.DeepCopy(), func(d *appsv1.Deployment) {
		d.Spec.Template.Spec.Containers[0].Image = "other"
	}); err != nil {
		t.Fatal(err)
	}
	c.eventually("the image comes back", func() bool {
		return c.deployment().Spec.Template.Spec.Containers[0].Image == "hub:test"
	})

	// Changed settings roll the pods.
	if err := c.api.Update(t.Context(), &corev1.Secret{ObjectMeta: named("settings"), StringData: map[string]string{"A": "2"}}); err != nil {
		t.Fatal(err)
	}
	c.eventually("the pods roll", func() bool {
		return fmt.Sprint(c.deployment().Spec.Template.Annotations) != fmt.Sprint(before.Spec.Template.Annotations)
	})

	// A namespace that it does not watch.
	if err := c.api.Get(t.Context(), client.ObjectKeyFromObject(elsewhere), elsewhere); err != nil || len(elsewhere.Status.Conditions) > 0 {
		t.Errorf("a hub of a namespace that is not watched: %v, %+v", err, elsewhere.Status)
	}
	stop(syscall.SIGTERM)
	if log := c.log.String(); strings.Contains(log, "forbidden") {
		t.Errorf("permissions are missing:\n%s", log)
	}
}

// registers creates a registration of the hub, which waits for it, and deletes it.
func (c *cluster) registers() {
	c.t.Helper()
	l := &v1alpha1.LookerRegistration{ObjectMeta: named("looker"), Spec: v1alpha1.LookerRegistrationSpec{
		HubRef: v1alpha1.HubRef{Name: "hub"}, DeletionPolicy: v1alpha1.DeleteHub,
		Looker: v1alpha1.LookerInstance{URL: "https://looker.example.com", CredentialsSecretRef: v1alpha1.SecretRef{Name: "looker"}},
	}}
	c.create(l)
	c.eventually("the registration waits for its hub", func() bool {
		err := c.api.Get(c.t.Context(), client.ObjectKeyFromObject(l), l)
		condition := meta.FindStatusCondition(l.Status.Conditions, v1alpha1.Registered)
		return err == nil && condition != nil && condition.Reason == v1alpha1.HubNotReady && len(l.Finalizers) == 1
	})
	c.exports(`integrationhub_registration_ready{registration="looker",registration_namespace="default"} 0`)
	if err := c.api.Delete(c.t.Context(), l); err != nil {
		c.t.Fatal(err)
	}
	c.eventually("the registration is deleted", func() bool {
		return apierrors.IsNotFound(c.api.Get(c.t.Context(), client.ObjectKeyFromObject(l), l))
	})
}

// cluster is an API server without cert-manager, and a manager with the permissions of config/rbac.
type cluster struct {
	t          testing.TB
	env        *envtest.Environment
	api        client.WithWatch
	kubeconfig string
	log        strings.Builder
	// pid is the manager's process, metrics their address.
	pid     int
	metrics string
}

func named(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: "default", Name: name} }

func newCluster(t testing.TB) *cluster {
	t.Helper()
	controllertest.NeedPrograms(t, controllertest.APIServer...)
	c := &cluster{t: t, env: controllertest.Environment(), kubeconfig: filepath.Join(t.TempDir(), "kubeconfig")}
	config, err := c.env.Start()
	if err != nil {
		t.Fatal("starting an API server:", err)
	}
	t.Cleanup(func() { _ = c.env.Stop() })
	config.QPS = -1
	scheme, err := controllers.Scheme()
	if err != nil {
		t.Fatal(err)
	}
	if c.api, err = client.NewWithWatch(config, client.Options{Scheme: scheme}); err != nil {
		t.Fatal(err)
	}
	c.install(filepath.Join("..", "..", "..", "config", "crd", "bases"))

	text, err := os.ReadFile(filepath.Join("..", "..", "..", "config", "rbac", "role.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	role := &rbacv1.ClusterRole{}
	for document := range strings.SplitSeq(string(text), "\n---\n") {
		if strings.Contains(document, "kind: ClusterRole\n") {
			if err := yaml.Unmarshal([]byte(document), role); err != nil {
				t.Fatal(err)
			}
		}
	}
	c.create(role)
	c.create(&rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "manager"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: "manager"}},
	})
	user, err := c.env.AddUser(envtest.User{Name: "manager"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig, err := user.KubeConfig()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.kubeconfig, kubeconfig, 0o600); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *cluster) install(folder string) {
	c.t.Helper()
	if _, err := envtest.InstallCRDs(c.env.Config, envtest.CRDInstallOptions{Paths: []string{folder}, ErrorIfPathMissing: true}); err != nil {
		c.t.Fatal(err)
	}
}

// start runs a manager until the returned function sends it a signal. The manager watches
// one namespace, unless further arguments say otherwise.
func (c *cluster) start(args ...string) (stop func(os.Signal)) {
	c.t.Helper()
	health := c.freeAddress()
	c.metrics = c.freeAddress()
	cmd := exec.Command(os.Args[0], append([]string{
		"--kubeconfig", c.kubeconfig, "--hub-image", "hub:test", "--namespaces", "default",
		"--leader-elect=false", "--metrics-secure=false", "--metrics-address", c.metrics, "--health-address", health,
	}, args...)...)
	cmd.Env = append(os.Environ(), "BE_THE_MANAGER=yes")
	cmd.Stderr = &c.log
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.pid = cmd.Process.Pid
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	c.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		if c.t.Failed() {
			c.t.Log(c.log.String())
		}
	})
	c.eventually("the manager is ready", func() bool {
		r, err := http.Get("http://" + health + "/readyz")
		if err != nil {
			return false
		}
		_ = r.Body.Close()
		return r.StatusCode == http.StatusOK
	})
	return func(s os.Signal) {
		c.t.Helper()
		_ = cmd.Process.Signal(s)
		select {
		case err := <-ended:
			if s == syscall.SIGTERM && err != nil {
				c.t.Errorf("stopping the manager: %v", err)
			}
		case <-time.After(15 * time.Second):
			c.t.Error("the manager does not stop")
		}
	}
}

// freeAddress returns an unused local address.
func (c *cluster) freeAddress() string {
	c.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		c.t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// exports waits until the manager's metrics contain a line.
func (c *cluster) exports(line string) {
	c.t.Helper()
	c.eventually("the metrics have "+line, func() bool {
		r, err := http.Get("http://" + c.metrics + "/metrics")
		if err != nil {
			return false
		}
		defer r.Body.Close()
		text, err := io.ReadAll(r.Body)
		return err == nil && r.StatusCode == http.StatusOK && strings.Contains(string(text), "\n"+line+"\n")
	})
}

func (c *cluster) create(o client.Object) {
	c.t.Helper()
	if err := c.api.Create(c.t.Context(), o); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cluster) deployment() *appsv1.Deployment {
	c.t.Helper()
	d := &appsv1.Deployment{ObjectMeta: named("hub")}
	if err := c.api.Get(c.t.Context(), client.ObjectKeyFromObject(d), d); err != nil {
		c.t.Fatal(err)
	}
	return d
}

// token reads the token for Looker.
func (c *cluster) token() string {
	c.t.Helper()
	s := &corev1.Secret{ObjectMeta: named("hub-token")}
	if err := c.api.Get(c.t.Context(), client.ObjectKeyFromObject(s), s); err != nil {
		c.t.Fatal(err)
	}
	return string(s.Data["token"])
}

// versions returns the resource versions of the objects that are written most.
func (c *cluster) versions() string {
	c.t.Helper()
	h := &v1alpha1.IntegrationHub{ObjectMeta: named("hub")}
	if err := c.api.Get(c.t.Context(), client.ObjectKeyFromObject(h), h); err != nil {
		c.t.Fatal(err)
	}
	return fmt.Sprintf("hub %s, deployment %s", h.ResourceVersion, c.deployment().ResourceVersion)
}

// play simulates a controller that does not run.
func (c *cluster) play(part func(context.Context, client.Client, client.ObjectKey) error) {
	c.t.Helper()
	if err := part(c.t.Context(), c.api, client.ObjectKey{Namespace: "default", Name: "hub"}); err != nil {
		c.t.Fatal(err)
	}
}

// reason waits until a condition of the hub has a reason.
func (c *cluster) reason(condition, reason string) {
	c.t.Helper()
	c.eventually(condition+" is "+reason, func() bool {
		h := &v1alpha1.IntegrationHub{ObjectMeta: named("hub")}
		if err := c.api.Get(c.t.Context(), client.ObjectKeyFromObject(h), h); err != nil {
			c.t.Fatal(err)
		}
		got := meta.FindStatusCondition(h.Status.Conditions, condition)
		return got != nil && got.Reason == reason
	})
}

// events waits until events with the reasons exist.
func (c *cluster) events(reasons ...string) {
	c.t.Helper()
	for _, reason := range reasons {
		c.eventually("an event "+reason, func() bool {
			l := &eventsv1.EventList{}
			if err := c.api.List(c.t.Context(), l, client.InNamespace("default")); err != nil {
				c.t.Fatal(err)
			}
			for _, e := range l.Items {
				if e.Regarding.Kind == "IntegrationHub" && e.Reason == reason {
					return true
				}
			}
			return false
		})
	}
}

func (c *cluster) eventually(what string, ok func() bool) {
	c.t.Helper()
	begin := time.Now()
	for ; !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Since(begin) > 40*time.Second {
			c.t.Fatalf("timed out: %s", what)
		}
	}
	c.t.Logf("%6.2f s: %s", time.Since(begin).Seconds(), what)
}
