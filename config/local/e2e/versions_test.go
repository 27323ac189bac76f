//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/resources"
	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/sealed"
)

const (
	versionLabel = "e2e.integrationhub.dev/version"
	// withSignIn is an integration whose users sign in in four steps, each of which may meet another pod.
	withSignIn = "google_drive"
)

// Half of the pods behind the Service run another version, as in the middle of a rollout, under a stream of
// executes, forms and sign-ins: what one version seals the other opens, and nothing is lost or doubled, also
// while pods of the other version come and go.
func TestTwoVersionsAtOnce(t *testing.T) {
	waitReady(t, "actions")
	offerSignIn(t)
	l := newLooker(t)
	reachable(t, l)
	losesNothing(t, l, "/hooks/versions", func() {
		startOtherVersion(t)
		byVersion := podsByVersion(t)
		if len(byVersion) != 2 || len(byVersion[nextVersion]) != 2 {
			t.Fatalf("the pods are of the versions %v, want two of each of two", names(byVersion))
		}
		for _, p := range byVersion[nextVersion] {
			for version, others := range byVersion {
				if version == nextVersion {
					continue
				}
				one, other := l.at(t, &p), l.at(t, &others[0])
				signInOver(t, one, other)
				signInOver(t, other, one)
			}
		}
		opensTokens(t, l, byVersion)
		for range 20 { // through the Service, wherever each step goes
			fresh := *l
			transport := l.http.Transport.(*http.Transport).Clone()
			transport.DisableKeepAlives = true
			fresh.http = &http.Client{Transport: transport, Timeout: time.Minute}
			grantOver(t, &fresh, &fresh)
		}
		for v := range strings.SplitSeq(hub(t, "actions").Status.ObservedVersion, ", ") {
			if v != "" && byVersion[v] == nil {
				t.Errorf("the status has the version %q, the pods are of %v", v, names(byVersion))
			}
		}
		stopOtherVersion(t)
		if left := podsByVersion(t); left[nextVersion] != nil || len(left) != 1 {
			t.Errorf("the pods that are left are of the versions %v", names(left))
		}
	})
}

// offerSignIn has the hub offer withSignIn until the test ends.
func offerSignIn(t *testing.T) {
	t.Helper()
	s := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "drive-client"},
		StringData: map[string]string{"GOOGLE_DRIVE_CLIENT_ID": "drive", "GOOGLE_DRIVE_CLIENT_SECRET": "s3cret"},
	}
	if err := cluster.Create(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	generation := deployment(t, "actions").Generation
	edit(t, "actions", func(s *v1alpha1.IntegrationHubSpec) {
		s.Integrations = append(s.Integrations, v1alpha1.Integration{Name: withSignIn, SecretRef: &v1alpha1.SecretRef{Name: "drive-client"}})
	})
	settled(t, generation)
}

// startOtherVersion runs pods of another version beside those of the operator's Deployment, with the same
// settings and behind the same Service, until the test ends.
func startOtherVersion(t *testing.T) {
	t.Helper()
	d := deployment(t, "actions")
	other := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "actions-next"}, Spec: *d.Spec.DeepCopy()}
	other.Spec.Replicas = new(int32(2))
	for _, labels := range []*map[string]string{&other.Spec.Selector.MatchLabels, &other.Spec.Template.Labels} {
		*labels = maps.Clone(*labels)
		(*labels)[versionLabel] = "next"
	}
	c := &other.Spec.Template.Spec.Containers[0]
	c.Image, c.ImagePullPolicy = nextImage, corev1.PullNever
	if err := cluster.Create(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cluster.Delete(context.WithoutCancel(t.Context()), other) }) // stopOtherVersion may have
	eventually(t, 3*time.Minute, func() string {
		if s := deployment(t, other.Name).Status; s.AvailableReplicas != 2 {
			return fmt.Sprintf("the other version is not available: %+v", s)
		}
		return ""
	})
}

// stopOtherVersion ends the pods of the other version, which drain as in a rollout.
func stopOtherVersion(t *testing.T) {
	t.Helper()
	if err := cluster.Delete(t.Context(), deployment(t, "actions-next")); err != nil {
		t.Fatal(err)
	}
	eventually(t, 3*time.Minute, func() string {
		pods := &corev1.PodList{}
		err := cluster.List(t.Context(), pods, client.InNamespace(namespace), client.MatchingLabels{versionLabel: "next"})
		if err != nil {
			t.Fatal(err)
		}
		if len(pods.Items) > 0 {
			return "pods of the other version are left"
		}
		return ""
	})
}

// podsByVersion asks each running pod for its version.
func podsByVersion(t *testing.T) map[string][]corev1.Pod {
	t.Helper()
	all := map[string][]corev1.Pod{}
	for _, p := range runningPods(t) {
		path := fmt.Sprintf("/api/v1/namespaces/%s/pods/%s:%d/proxy/status", namespace, p.Name, resources.AdminPort)
		text, err := exec.CommandContext(t.Context(), "kubectl", "get", "--raw", path).Output()
		var status struct{ Version string }
		if err == nil {
			err = json.Unmarshal(text, &status)
		}
		if err != nil {
			t.Fatalf("the status of pod %s: %v", p.Name, err)
		}
		all[status.Version] = append(all[status.Version], p)
	}
	return all
}

func names(byVersion map[string][]corev1.Pod) map[string]int {
	n := map[string]int{}
	for version, pods := range byVersion {
		n[version] = len(pods)
	}
	return n
}

// at is Looker that reaches one pod, past the Service.
func (l *looker) at(t *testing.T, p *corev1.Pod) *looker {
	t.Helper()
	for _, port := range p.Spec.Containers[0].Ports {
		if port.Name != "https" {
			continue
		}
		transport := l.http.Transport.(*http.Transport).Clone()
		transport.TLSClientConfig.ServerName = strings.TrimPrefix(hubURL, "https://")
		host := net.JoinHostPort(p.Status.PodIP, strconv.Itoa(int(port.ContainerPort)))
		return &looker{http: &http.Client{Transport: transport, Timeout: time.Minute}, token: l.token, base: "https://" + host}
	}
	t.Fatalf("pod %s has no port https", p.Name)
	return nil
}

// signInOver signs in over two pods by turns: what each step seals, the other pod opens. The provider cannot
// be reached, so the last step says that the sign-in failed, and not that it is invalid.
func signInOver(t *testing.T, one, other *looker) {
	t.Helper()
	grant := grantOver(t, one, other)
	status, answer, err := other.call(t.Context(), "/actions/"+withSignIn+"/oauth_token", map[string]string{"state": grant})
	if err != nil || status != http.StatusBadGateway {
		t.Errorf("the other version answers %d %s to a grant, %v", status, answer, err)
	}
	contains(t, "the answer", string(answer), "The sign-in failed and nothing was stored.")
	if status, _, _ := other.call(t.Context(), "/actions/"+withSignIn+"/oauth_token", map[string]string{"state": grant[1:]}); status != http.StatusBadRequest {
		t.Errorf("a damaged grant is answered with %d", status)
	}
}

// grantOver takes the first three steps of a sign-in: the form and the provider's callback at one pod, and
// the browser's redirect at another.
func grantOver(t *testing.T, one, other *looker) string {
	t.Helper()
	const back = "https://looker.example.com/signed-in"
	_, body, err := one.call(t.Context(), "/actions/"+withSignIn+"/form", map[string]any{"data": map[string]string{
		"state_url": "https://looker.example.com/state", "state_redir_url": back,
	}})
	var form action.Form
	if err == nil {
		err = json.Unmarshal(body, &form)
	}
	link := ""
	for _, f := range form.Fields {
		if f.OAuthURL != "" {
			link = f.OAuthURL
		}
	}
	path, found := strings.CutPrefix(link, hubURL)
	if err != nil || !found {
		t.Fatalf("the form %s has no link to sign in by, %v", body, err)
	}
	provider, cookies := other.browse(t, path, nil)
	callback := url.Values{"code": {"c0de"}, "state": {provider.Query().Get("state")}}
	looker, _ := one.browse(t, "/actions/"+withSignIn+"/oauth_redirect?"+callback.Encode(), cookies)
	grant := looker.Query().Get("state")
	if !strings.HasPrefix(looker.String(), back) || grant == "" {
		t.Fatalf("the browser is sent to %s", looker.Redacted())
	}
	return grant
}

// browse opens a page as a browser, and returns where it leads.
func (l *looker) browse(t *testing.T, path string, cookies []*http.Cookie) (*url.URL, []*http.Cookie) {
	t.Helper()
	browser := *l.http
	browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, l.base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cookies {
		req.AddCookie(c)
	}
	res, err := browser.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	to, err := res.Location()
	if err != nil || res.StatusCode != http.StatusFound {
		t.Fatalf("a step of the sign-in is answered with %s, %v", res.Status, err)
	}
	return to, res.Cookies()
}

// opensTokens checks that every pod opens tokens that were sealed with the service secret, and no others.
func opensTokens(t *testing.T, l *looker, byVersion map[string][]corev1.Pod) {
	t.Helper()
	for _, tt := range []struct{ secret, want string }{
		{string(secret(t, namespace, "actions-service", "secret")), "true"}, {"another secret", "false"},
	} {
		box := sealed.New(func() [][]byte { return [][]byte{[]byte(tt.secret)} }, nil)
		payload, err := box.Seal([]byte(`{"refresh_token":"r"}`), withSignIn+"|state")
		if err != nil {
			t.Fatal(err)
		}
		state, err := json.Marshal(map[string]string{"cid": box.KeyID(), "payload": payload})
		if err != nil {
			t.Fatal(err)
		}
		for version, pods := range byVersion {
			for _, p := range pods {
				_, answer, err := l.at(t, &p).ask(t.Context(), http.MethodGet, "/actions/"+withSignIn+"/oauth_check",
					map[string]any{"data": map[string]string{"state_json": string(state)}})
				if err != nil || strings.TrimSpace(string(answer)) != tt.want {
					t.Errorf("version %s answers %s to whether it opens tokens, want %s: %v", version, answer, tt.want, err)
				}
			}
		}
	}
}
