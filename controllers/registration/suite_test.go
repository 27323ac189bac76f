package registration_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers"
	"integrationhub.dev/controllers/controllertest"
	"integrationhub.dev/controllers/lookerclient"
	"integrationhub.dev/controllers/registration"
	"integrationhub.dev/hub/looker"
	"integrationhub.dev/hub/looker/openapi"
	"integrationhub.dev/hub/token"
)

// api is a real kube-apiserver, shared by all tests. No controllers run.
var api client.WithWatch

// apiConfig connects to it.
var apiConfig *rest.Config

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	fail := func(err error) int {
		fmt.Fprintln(os.Stderr, "starting an API server:", err)
		return 1
	}
	if err := controllertest.MissingPrograms(controllertest.APIServer...); err != nil {
		if controllertest.ProgramsRequired() {
			return fail(err)
		}
		return m.Run() // newFixture skips the tests that need them
	}
	env := controllertest.Environment(filepath.Join("..", "..", "config", "crd", "bases"))
	var err error
	if apiConfig, err = env.Start(); err != nil {
		return fail(err)
	}
	defer env.Stop()
	apiConfig.QPS, apiConfig.Burst = 500, 1000
	scheme, err := controllers.Scheme()
	if err == nil {
		api, err = client.NewWithWatch(apiConfig, client.Options{Scheme: scheme})
	}
	if err != nil {
		return fail(err)
	}
	return m.Run()
}

// fixture is a namespace, a hub that serves, a simulated Looker, and a reconciler.
type fixture struct {
	t          *testing.T
	namespace  string
	events     *events.FakeRecorder
	hub        *fakeHub
	looker     *looker.Looker
	lookerAt   *lookerServer
	reconciler *registration.Reconciler
}

// newFixture returns a fixture with an IntegrationHub that is ready, and credentials for Looker.
func newFixture(t *testing.T, options ...func(*looker.Options)) *fixture {
	t.Helper()
	controllertest.NeedPrograms(t, controllertest.APIServer...)
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}
	if err := api.Create(t.Context(), ns); err != nil {
		t.Fatal(err)
	}
	f := &fixture{t: t, namespace: ns.Name, events: events.NewFakeRecorder(1000), hub: newFakeHub(t)}
	f.startLooker(options...)
	f.restart()
	f.create(&corev1.Secret{ObjectMeta: f.meta("looker"), StringData: map[string]string{"client_id": "id", "client_secret": "key-secret\n"}})
	f.create(&corev1.ConfigMap{ObjectMeta: f.meta("looker-ca"), Data: map[string]string{"ca.crt": pemOf(f.lookerAt.Certificate())}})
	f.createHub("hub")
	return f
}

func pemOf(c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}

// startLooker starts a simulated Looker that trusts the hub's certificate.
func (f *fixture) startLooker(options ...func(*looker.Options)) {
	f.t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(f.hub.Certificate())
	doc, err := openapi.New()
	if err != nil {
		f.t.Fatal(err)
	}
	o := looker.Options{
		Document: doc,
		Users: []looker.User{
			{ID: "1", ClientID: "id", ClientSecret: "key-secret", Permissions: []looker.Permission{looker.Admin}},
			{ID: "2", ClientID: "viewer", ClientSecret: "viewer-secret"},
			{ID: "3", ClientID: "new", ClientSecret: "new-secret", Permissions: []looker.Permission{looker.Admin}},
		},
		UserAttributes: []string{"team"}, Roots: roots, RateLimit: looker.RateLimit{Requests: -1},
	}
	f.lookerAt = newLookerServer(f.t)
	o.URL = f.lookerAt.URL
	for _, option := range options {
		option(&o)
	}
	l, err := looker.New(o)
	if err != nil {
		f.t.Fatal(err)
	}
	f.looker = l
	f.lookerAt.serveWith(l)
}

// restart replaces the reconciler by that of a new manager, which has nothing in its memory.
func (f *fixture) restart() {
	f.reconciler = &registration.Reconciler{
		Client: api, APIReader: api, Recorder: f.events, Looker: lookerclient.Options{AllowLoopback: true},
	}
}

func (f *fixture) meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: f.namespace, Name: name}
}

func (f *fixture) create(o client.Object) {
	f.t.Helper()
	if err := api.Create(f.t.Context(), o); err != nil {
		f.t.Fatal(err)
	}
}

// createHub creates an IntegrationHub as its operator leaves it when it serves at the fake hub's URL.
func (f *fixture) createHub(name string) {
	f.t.Helper()
	f.create(&v1alpha1.IntegrationHub{ObjectMeta: f.meta(name), Spec: v1alpha1.IntegrationHubSpec{
		BaseURL: f.hub.URL, TLS: v1alpha1.TLS{TerminatedElsewhere: true},
	}})
	f.create(&corev1.Secret{ObjectMeta: f.meta(name + "-token"), StringData: map[string]string{"token": f.hub.newToken()}})
	f.setServing(name, true)
}

func (f *fixture) setServing(name string, serving bool) {
	f.t.Helper()
	h := get(f, name, &v1alpha1.IntegrationHub{})
	value := metav1.ConditionFalse
	if serving {
		value = metav1.ConditionTrue
	}
	h.Status.URL, h.Status.ObservedGeneration = h.Spec.BaseURL, h.Generation
	h.Status.TokenSecretRef = &v1alpha1.SecretKeyRef{Name: name + "-token", Key: "token"}
	for _, condition := range []string{v1alpha1.Ready, v1alpha1.Serving} {
		meta.SetStatusCondition(&h.Status.Conditions, metav1.Condition{Type: condition, Status: value, Reason: "Test"})
	}
	if err := api.Status().Update(f.t.Context(), h); err != nil {
		f.t.Fatal(err)
	}
}

// registration returns a registration of the hub that enables an integration with a parameter of each
// source.
func (f *fixture) registration() *v1alpha1.LookerRegistration {
	return &v1alpha1.LookerRegistration{ObjectMeta: f.meta("looker"), Spec: v1alpha1.LookerRegistrationSpec{
		HubRef: v1alpha1.HubRef{Name: "hub"},
		Looker: v1alpha1.LookerInstance{
			URL: f.lookerAt.URL, CredentialsSecretRef: v1alpha1.SecretRef{Name: "looker"},
			CABundleRef: &v1alpha1.ConfigMapKeyRef{Name: "looker-ca"},
		},
		Integrations: []v1alpha1.RegisteredIntegration{{
			Name: "crm", Enabled: new(true), Params: []v1alpha1.IntegrationParam{
				{Name: "domain", Value: new("example.com")},
				{Name: "key", ValueFrom: &v1alpha1.ParamSource{SecretKeyRef: v1alpha1.ParamSecretRef{Name: "crm", Key: "key"}}},
				{Name: "team", UserAttribute: "team"},
			},
		}},
	}}
}

// registered creates a registration, and reconciles it until it is ready.
func (f *fixture) registered(changes ...func(*v1alpha1.LookerRegistrationSpec)) {
	f.t.Helper()
	f.create(&corev1.Secret{ObjectMeta: f.meta("crm"), StringData: map[string]string{"key": "crm-key"}})
	l := f.registration()
	for _, change := range changes {
		change(&l.Spec)
	}
	f.create(l)
	f.settle()
	f.want(v1alpha1.Ready, metav1.ConditionTrue, v1alpha1.Succeeded)
}

// get reads an object; it fails the test if there is none.
func get[T client.Object](f *fixture, name string, o T) T {
	f.t.Helper()
	if err := api.Get(f.t.Context(), client.ObjectKey{Namespace: f.namespace, Name: name}, o); err != nil {
		f.t.Fatalf("reading %T %s: %v", o, name, err)
	}
	return o
}

func (f *fixture) read() *v1alpha1.LookerRegistration {
	f.t.Helper()
	return get(f, "looker", &v1alpha1.LookerRegistration{})
}

func (f *fixture) edit(change func(*v1alpha1.LookerRegistration)) {
	f.t.Helper()
	l := f.read()
	change(l)
	if err := api.Update(f.t.Context(), l); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) setSecret(name, key, value string) {
	f.t.Helper()
	s := get(f, name, &corev1.Secret{})
	s.Data[key] = []byte(value)
	if err := api.Update(f.t.Context(), s); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) reconcileNamed(name string) (ctrl.Result, error) {
	return f.reconciler.Reconcile(f.t.Context(), ctrl.Request{NamespacedName: client.ObjectKey{Namespace: f.namespace, Name: name}})
}

func (f *fixture) reconcile() ctrl.Result {
	f.t.Helper()
	result, err := f.reconcileNamed("looker")
	if err != nil {
		f.t.Fatalf("reconciling: %v", err)
	}
	return result
}

// settle reconciles until a reconcile changes nothing.
func (f *fixture) settle() {
	f.t.Helper()
	for range 10 {
		before := f.read().ResourceVersion
		f.reconcile()
		if f.read().ResourceVersion == before {
			return
		}
	}
	f.t.Fatal("the registration does not settle")
}

// want checks one condition.
func (f *fixture) want(condition string, status metav1.ConditionStatus, reason string) {
	f.t.Helper()
	f.wantNamed("looker", condition, status, reason)
}

func (f *fixture) wantNamed(name, condition string, status metav1.ConditionStatus, reason string) {
	f.t.Helper()
	l := get(f, name, &v1alpha1.LookerRegistration{})
	c := meta.FindStatusCondition(l.Status.Conditions, condition)
	if c == nil {
		f.t.Errorf("there is no condition %s, want %s %s", condition, status, reason)
		return
	}
	if c.Status != status || c.Reason != reason || c.ObservedGeneration != l.Generation {
		f.t.Errorf("condition %s is %s %s of generation %d (%s), want %s %s of %d",
			condition, c.Status, c.Reason, c.ObservedGeneration, c.Message, status, reason, l.Generation)
	}
}

// message returns the message of a condition.
func (f *fixture) message(condition string) string {
	f.t.Helper()
	c := meta.FindStatusCondition(f.read().Status.Conditions, condition)
	if c == nil {
		f.t.Fatalf("there is no condition %s", condition)
	}
	return c.Message
}

// emitted returns the events with a reason since the last call. It drains all events.
func (f *fixture) emitted(reason string) (found []string) {
	f.t.Helper()
	for len(f.events.Events) > 0 {
		if e := <-f.events.Events; strings.Contains(" "+e, " "+reason+" ") {
			found = append(found, e)
		}
	}
	return found
}

// wrote returns what was written to Looker since a request: everything but reads and logins.
func (f *fixture) wrote(after int) (writes []string) {
	for _, r := range f.looker.Requests(after) {
		if r.Method != http.MethodGet && !strings.HasSuffix(r.Path, "/login") && !strings.HasSuffix(r.Path, "/logout") {
			writes = append(writes, r.Method+" "+strings.TrimPrefix(r.Path, looker.APIPath))
		}
	}
	return writes
}

// last returns the number of Looker's last request or call.
func (f *fixture) last() int {
	n := 0
	for _, r := range f.looker.Requests(0) {
		n = max(n, r.Number)
	}
	return n
}

func (f *fixture) wantWrites(after int, want ...string) {
	f.t.Helper()
	if diff := cmp.Diff(want, f.wrote(after)); diff != "" {
		f.t.Errorf("written to Looker (-want +got):\n%s", diff)
	}
}

// lookerServer serves a simulated Looker over TLS. A test can let it lose requests.
type lookerServer struct {
	*httptest.Server

	mu      sync.Mutex
	handler http.Handler
	// lose, unless it is nil, decides about each request.
	lose func(*http.Request) loss
}

// loss is how a request is lost.
type loss int

const (
	nothing loss = iota
	request      // Looker does not receive it
	answer       // Looker handles it, and its answer does not arrive
)

func newLookerServer(t *testing.T) *lookerServer {
	t.Helper()
	s := &lookerServer{}
	s.Server = httptest.NewTLSServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *lookerServer) serveWith(h http.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handler = h
}

func (s *lookerServer) loseBy(lose func(*http.Request) loss) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lose = lose
}

func (s *lookerServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	handler, lost := s.handler, nothing
	if s.lose != nil {
		lost = s.lose(r)
	}
	s.mu.Unlock()
	if lost == answer {
		handler.ServeHTTP(httptest.NewRecorder(), r)
	}
	if lost != nothing {
		panic(http.ErrAbortHandler)
	}
	handler.ServeHTTP(w, r)
}

// fakeHub is a hub with two pods behind one address. Each pod has its own service secrets, as while a changed
// Secret reaches the pods one after another.
type fakeHub struct {
	*httptest.Server

	mu      sync.Mutex
	pods    [2][][]byte
	next    int
	secret  []byte
	refused int
	// failTests lets the tests of integrations fail with these words.
	failTests string
	// integrations are available in addition to crm and files.
	integrations []string
}

const firstSecret = "the first service secret"

func newFakeHub(t *testing.T) *fakeHub {
	t.Helper()
	h := &fakeHub{secret: []byte(firstSecret)}
	h.load(0, firstSecret)
	h.load(1, firstSecret)
	h.Server = httptest.NewTLSServer(http.HandlerFunc(h.serve))
	t.Cleanup(h.Close)
	return h
}

// load gives a pod its service secrets.
func (h *fakeHub) load(pod int, secrets ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pods[pod] = nil
	for _, s := range secrets {
		h.pods[pod] = append(h.pods[pod], []byte(s))
	}
}

// accepts reports whether a pod has loaded a secret.
func (h *fakeHub) accepts(pod int, secret []byte) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.pods[pod] {
		if string(s) == string(secret) {
			return true
		}
	}
	return false
}

func (h *fakeHub) newToken() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	issued, err := token.New(h.secret)
	if err != nil {
		panic(err)
	}
	return issued
}

func (h *fakeHub) set(change func(*fakeHub)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change(h)
}

func (h *fakeHub) refusals() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.refused
}

func (h *fakeHub) serve(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	pod := h.pods[h.next%2]
	h.next++
	names := append([]string{"crm", "files"}, h.integrations...)
	failTests := h.failTests
	valid := token.Valid(strings.TrimSuffix(strings.TrimPrefix(r.Header.Get("Authorization"), `Token token="`), `"`), pod...)
	if !valid {
		h.refused++
	}
	h.mu.Unlock()
	if !valid {
		http.Error(w, `{"success":false,"error":"Invalid 'Authorization' header."}`, http.StatusForbidden)
		return
	}
	switch {
	case !strings.Contains(r.URL.Path, "/actions/"):
		_ = json.NewEncoder(w).Encode(map[string]any{"label": "Fake hub", "integrations": h.list(names)})
	case strings.HasSuffix(r.URL.Path, "/form") && failTests != "":
		_ = json.NewEncoder(w).Encode(map[string]any{"fields": []any{}, "error": failTests})
	case strings.HasSuffix(r.URL.Path, "/form"):
		_, _ = w.Write([]byte(`[]`))
	default:
		_, _ = w.Write([]byte(`{"looker":{"success":true}}`))
	}
}

func (h *fakeHub) list(names []string) (list []map[string]any) {
	for _, name := range names {
		integration := map[string]any{
			"name": name, "label": name, "supported_action_types": []string{"query"}, "supported_formats": []string{"csv"},
			"supported_download_settings": []string{"push"}, "url": h.URL + "/actions/" + name + "/execute",
			"form_url": h.URL + "/actions/" + name + "/form", "params": []any{},
		}
		if name == "crm" {
			integration["params"] = []map[string]any{
				{"name": "domain", "label": "Domain", "required": true, "sensitive": false},
				{"name": "key", "label": "Key", "required": true},
				{"name": "team", "label": "Team", "required": false, "sensitive": false},
			}
		}
		list = append(list, integration)
	}
	return list
}

// hubsInLooker returns the URLs of Looker's hubs.
func (f *fixture) hubsInLooker() (urls []string) {
	for _, h := range f.looker.Hubs() {
		urls = append(urls, *h.URL)
	}
	return urls
}

// execute runs the integration crm as a user of Looker.
func (f *fixture) execute(ctx context.Context) (looker.Result, error) {
	return f.looker.Run(ctx, looker.Action{User: "1", Integration: f.hubID() + "::crm", Format: "csv", Data: []byte("a\n1\n"), Title: "T"})
}

// hubID returns the ID of the only hub in Looker.
func (f *fixture) hubID() string { return *f.looker.Hubs()[0].ID }
