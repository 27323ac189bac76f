//go:build e2e

package e2e

import (
	"crypto/tls"
	"net/http"
	"strings"
	"testing"
	"time"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmetav1 "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/hub/token"
)

// The certificate is renewed while executes go on: the pods serve the new one, none is
// restarted, and nothing is lost.
func TestCertificateRenewal(t *testing.T) {
	waitReady(t, "actions")
	l := newLooker(t)
	reachable(t, l)
	before, pods := serial(t, l), deployment(t, "actions").Generation
	losesNothing(t, l, "/hooks/renewal", func() {
		renew(t, namespace, "actions")
		// The kubelet takes up to a minute and a half to write a changed Secret.
		eventually(t, 3*time.Minute, func() string {
			if serial(t, l) == before {
				return "the pods serve the old certificate"
			}
			return ""
		})
	})
	if deployment(t, "actions").Generation != pods {
		t.Error("the pods were rolled for a certificate that they read by themselves")
	}
}

// renew has cert-manager issue a certificate anew, as "cmctl renew" does.
func renew(t *testing.T, namespace, name string) {
	t.Helper()
	// cert-manager writes to the status, too.
	if err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		c := &cmv1.Certificate{}
		if err := cluster.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, c); err != nil {
			return err
		}
		c.Status.Conditions = append(c.Status.Conditions, cmv1.CertificateCondition{
			Type: cmv1.CertificateConditionIssuing, Status: cmmetav1.ConditionTrue, Reason: "ManuallyTriggered",
			LastTransitionTime: new(metav1.Now()), ObservedGeneration: c.Generation,
		})
		return cluster.Status().Update(t.Context(), c)
	}); err != nil {
		t.Fatal(err)
	}
}

// serial is that of the certificate that is served to a new connection.
func serial(t *testing.T, l *looker) string {
	t.Helper()
	d := tls.Dialer{Config: &tls.Config{RootCAs: l.http.Transport.(*http.Transport).TLSClientConfig.RootCAs}}
	conn, err := d.DialContext(t.Context(), "tcp", strings.TrimPrefix(hubURL, "https://")+":443")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.String()
}

// The service secret is rotated while Looker goes on with the old token: both are valid
// until the previous secret goes, and no pod is restarted.
func TestSecretRotation(t *testing.T) {
	waitReady(t, "actions")
	l := newLooker(t)
	reachable(t, l)
	pods := deployment(t, "actions").Generation
	s := &corev1.Secret{}
	if err := cluster.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "actions-service"}, s); err != nil {
		t.Fatal(err)
	}
	old := string(s.Data["secret"])
	fresh := *l
	losesNothing(t, l, "/hooks/rotation", func() {
		editObject(t, s, func() {
			s.Data = map[string][]byte{"secret": []byte("a new service secret"), "previous": []byte(old)}
		})
		eventually(t, time.Minute, func() string {
			fresh.token = string(secret(t, namespace, "actions-token", "token"))
			if !token.Valid(fresh.token, []byte("a new service secret")) {
				return "no token was minted from the new secret"
			}
			return ""
		})
		eventually(t, 3*time.Minute, func() string {
			for range 10 { // each pod reads it in its own time
				if status, _, err := fresh.call(t.Context(), "/", nil); err != nil || status != http.StatusOK {
					return "the new token is not taken yet"
				}
			}
			return ""
		})
	})
	if deployment(t, "actions").Generation != pods {
		t.Error("the pods were rolled for a secret that they read by themselves")
	}
	editObject(t, s, func() { s.Data = map[string][]byte{"secret": []byte("a new service secret")} })
	eventually(t, 3*time.Minute, func() string {
		if status, _, err := l.call(t.Context(), "/", nil); err != nil || status != http.StatusForbidden {
			return "the old token is still taken"
		}
		return ""
	})
}
