//go:build e2e

package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/hub/action"
)

// An integration's OAuth client is rotated in its Secret: the pods are rolled onto the new one
// without losing a delivery, and who was about to sign in can go on.
func TestOAuthClientRotation(t *testing.T) {
	waitReady(t, "actions")
	client := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "airtable-client"},
		StringData: map[string]string{"AIRTABLE_CLIENT_ID": "first", "AIRTABLE_CLIENT_SECRET": "one"},
	}
	if err := cluster.Create(t.Context(), client); err != nil {
		t.Fatal(err)
	}
	generation := deployment(t, "actions").Generation
	edit(t, "actions", func(s *v1alpha1.IntegrationHubSpec) {
		s.Integrations = append(s.Integrations, v1alpha1.Integration{Name: "airtable", SecretRef: &v1alpha1.SecretRef{Name: client.Name}})
	})
	settled(t, generation)
	l := newLooker(t)
	reachable(t, l)
	var link string
	signsIn(t, l, "first", func() string { link = signInLink(t, l, "airtable"); return link })
	losesNothing(t, l, "/hooks/oauth", func() {
		generation := deployment(t, "actions").Generation
		editObject(t, client, func() {
			client.StringData = map[string]string{"AIRTABLE_CLIENT_ID": "second", "AIRTABLE_CLIENT_SECRET": "two"}
		})
		settled(t, generation)
	})
	signsIn(t, l, "second", func() string { return link }) // one from before
	signsIn(t, l, "second", func() string { return signInLink(t, l, "airtable") })
	generation = deployment(t, "actions").Generation
	edit(t, "actions", func(s *v1alpha1.IntegrationHubSpec) { s.Integrations = s.Integrations[:len(s.Integrations)-1] })
	settled(t, generation)
}

// signsIn waits until a link leads to the sign-in of a client: pods that were told to stop
// answer for as long as somebody may not have heard of it.
func signsIn(t *testing.T, l *looker, client string, link func() string) {
	t.Helper()
	eventually(t, time.Minute, func() string {
		l.http.CloseIdleConnections()
		at := link()
		if at == "" {
			return "the form has no link to sign in by"
		}
		if id := clientID(t, l, at); id != client {
			return "users are sent to sign in with client " + id + ", want " + client
		}
		return ""
	})
}

// signInLink is what a user who has not signed in finds in the form; empty without a form.
func signInLink(t *testing.T, l *looker, integration string) string {
	t.Helper()
	_, body, err := l.call(t.Context(), "/actions/"+integration+"/form", map[string]any{"data": map[string]string{"state_url": receiver + "/hooks/state"}})
	if err != nil {
		t.Fatal(err)
	}
	var form action.Form
	if err := json.Unmarshal(body, &form); err != nil {
		t.Fatalf("form %s: %v", body, err)
	}
	for _, f := range form.Fields {
		if f.OAuthURL != "" {
			return f.OAuthURL
		}
	}
	return ""
}

// clientID is the OAuth client that a browser is sent to the provider for. It goes no further.
func clientID(t *testing.T, l *looker, link string) string {
	t.Helper()
	browser := *l.http
	browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, link, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := browser.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	to, err := url.Parse(res.Header.Get("Location"))
	if err != nil || res.StatusCode != http.StatusFound {
		return "none: " + res.Status
	}
	return to.Query().Get("client_id")
}
