package policy_test

import (
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/policy"
)

const hubImage = "registry.example.com/looker/hub:v1"

func newHub(change func(*v1alpha1.IntegrationHubSpec)) *v1alpha1.IntegrationHub {
	hub := &v1alpha1.IntegrationHub{ObjectMeta: metav1.ObjectMeta{Name: "actions", Namespace: "looker"}}
	hub.Spec.TLS.IssuerRef = &v1alpha1.IssuerRef{Name: "letsencrypt", Kind: "ClusterIssuer"}
	change(&hub.Spec)
	return hub
}

func podTemplate(text string) func(*v1alpha1.IntegrationHubSpec) {
	return func(s *v1alpha1.IntegrationHubSpec) { s.PodTemplate = &runtime.RawExtension{Raw: []byte(text)} }
}

// wantRefusals checks that there is one refusal for each field, which begins with its path.
func wantRefusals(t *testing.T, rules policy.Rules, hub *v1alpha1.IntegrationHub, fields ...string) {
	t.Helper()
	got := rules.Check(hub, hubImage)
	if len(got) != len(fields) {
		t.Fatalf("refused: %q, want %q", got, fields)
	}
	for n, field := range fields {
		if !strings.HasPrefix(got[n], field+" ") || !strings.HasSuffix(got[n], ".") {
			t.Errorf("refused: %q, want %s", got[n], field)
		}
	}
}

// Everything in a pod template that decides what runs, as whom, or what it reads is refused.
func TestPodTemplateRefused(t *testing.T) {
	t.Parallel()
	const spec, hub = "spec.podTemplate.spec", "spec.podTemplate.spec.containers[0]"
	for _, tt := range []struct{ template, field string }{
		{`{"spec":{"hostNetwork":true}}`, spec + ".hostNetwork"},
		{`{"spec":{"hostPID":true}}`, spec + ".hostPID"},
		{`{"spec":{"hostIPC":true}}`, spec + ".hostIPC"},
		{`{"spec":{"hostUsers":true}}`, spec + ".hostUsers"},
		{`{"spec":{"nodeName":"control-plane"}}`, spec + ".nodeName"},
		{`{"spec":{"serviceAccountName":"admin"}}`, spec + ".serviceAccountName"},
		{`{"spec":{"serviceAccount":"admin"}}`, spec + ".serviceAccount"},
		{`{"spec":{"automountServiceAccountToken":true}}`, spec + ".automountServiceAccountToken"},
		{`{"spec":{"shareProcessNamespace":true}}`, spec + ".shareProcessNamespace"},
		{`{"spec":{"securityContext":{"runAsUser":0}}}`, spec + ".securityContext.runAsUser"},
		{`{"spec":{"securityContext":{"runAsGroup":0}}}`, spec + ".securityContext.runAsGroup"},
		{`{"spec":{"securityContext":{"fsGroup":"0"}}}`, spec + ".securityContext.fsGroup"},
		{`{"spec":{"securityContext":{"runAsNonRoot":false}}}`, spec + ".securityContext.runAsNonRoot"},
		{`{"spec":{"securityContext":{"runAsUser":1000,"seccompProfile":null}}}`, spec + ".securityContext.seccompProfile"},
		{`{"spec":{"securityContext":null}}`, spec + ".securityContext"},
		{`{"spec":{"volumes":[{"name":"x","hostPath":{"path":"/"}}]}}`, spec + ".volumes"},
		{`{"spec":{"volumes":[{"name":"x","secret":{"secretName":"victim"}}]}}`, spec + ".volumes"},
		{`{"spec":{"initContainers":[{"name":"x","image":"x"}]}}`, spec + ".initContainers"},
		{`{"spec":{"ephemeralContainers":[{"name":"x","image":"x"}]}}`, spec + ".ephemeralContainers"},
		{`{"spec":{"priorityClassName":"system-node-critical"}}`, spec + ".priorityClassName"},
		{`{"spec":{"$patch":"replace"}}`, spec + ".$patch"},
		{`{"spec":{"$retainKeys":["containers"]}}`, spec + ".$retainKeys"},
		{`{"spec":{"$setElementOrder/containers":[]}}`, spec + ".$setElementOrder/containers"},
		{`{"Spec":{"hostNetwork":true}}`, "spec.podTemplate.Spec"},
		{`{"kind":"PodTemplate"}`, "spec.podTemplate.kind"},
		{`{"$patch":"replace"}`, "spec.podTemplate.$patch"},
		{`{"metadata":{"namespace":"kube-system"}}`, "spec.podTemplate.metadata.namespace"},
		{`{"metadata":{"annotations":{"sidecar.istio.io/userVolume":"{}"}}}`, `spec.podTemplate.metadata.annotations["sidecar.istio.io/userVolume"]`},
		{`{"metadata":{"annotations":{"vault.hashicorp.com/agent-inject":"true"}}}`, `spec.podTemplate.metadata.annotations["vault.hashicorp.com/agent-inject"]`},
		{`{"metadata":{"annotations":{"container.apparmor.security.beta.kubernetes.io/hub":"unconfined"}}}`, `spec.podTemplate.metadata.annotations["container.apparmor.security.beta.kubernetes.io/hub"]`},
		{`{"metadata":{"annotations":{"$patch":"replace","io.kubernetes.cri-o.userns-mode":"x"}}}`, `spec.podTemplate.metadata.annotations["io.kubernetes.cri-o.userns-mode"]`},
		{`{"spec":{"containers":[{"name":"helper","image":"busybox"}]}}`, spec + ".containers[0]"},
		{`{"spec":{"containers":[{"image":"busybox"}]}}`, spec + ".containers[0]"},
		{`{"spec":{"containers":[{"$patch":"replace"}]}}`, spec + ".containers[0]"},
		{`{"spec":{"containers":[{"name":"hub","$patch":"delete"}]}}`, hub + ".$patch"},
		{`{"spec":{"containers":[{"name":"hub","image":"evil"}]}}`, hub + ".image"},
		{`{"spec":{"containers":[{"name":"hub","command":["sh"]}]}}`, hub + ".command"},
		{`{"spec":{"containers":[{"name":"hub","args":["token"]}]}}`, hub + ".args"},
		{`{"spec":{"containers":[{"name":"hub","workingDir":"/"}]}}`, hub + ".workingDir"},
		{`{"spec":{"containers":[{"name":"hub","securityContext":{"privileged":true}}]}}`, hub + ".securityContext"},
		{`{"spec":{"containers":[{"name":"hub","volumeMounts":[{"name":"tls","mountPath":"/x"}]}]}}`, hub + ".volumeMounts"},
		{`{"spec":{"containers":[{"name":"hub","volumeDevices":[]}]}}`, hub + ".volumeDevices"},
		{`{"spec":{"containers":[{"name":"hub","envFrom":[{"secretRef":{"name":"victim"}}]}]}}`, hub + ".envFrom"},
		{`{"spec":{"containers":[{"name":"hub","lifecycle":{"postStart":{"exec":{"command":["x"]}}}}]}}`, hub + ".lifecycle"},
		{`{"spec":{"containers":[{"name":"hub","livenessProbe":{"exec":{"command":["x"]}}}]}}`, hub + ".livenessProbe"},
		{`{"spec":{"containers":[{"name":"hub","terminationMessagePath":"/etc/integration-hub/service-secret/secret"}]}}`, hub + ".terminationMessagePath"},
		{`{"spec":{"containers":[{"name":"hub","env":[{"name":"S","valueFrom":{"secretKeyRef":{"name":"victim","key":"password"}}}]}]}}`, hub + ".env[0].valueFrom"},
		{`{"spec":{"containers":[{"name":"hub","env":[{"name":"TZ","value":"UTC"},{"name":"CIPHER_MASTER","value":"x"}]}]}}`, hub + ".env[1].name"},
		{`{"spec":{"containers":[{"name":"hub","env":[{"$patch":"replace"}]}]}}`, hub + ".env[0].$patch"},
		{`[]`, "spec.podTemplate"},
	} {
		t.Run(tt.template, func(t *testing.T) {
			t.Parallel()
			hub := newHub(podTemplate(tt.template))
			wantRefusals(t, policy.Rules{}, hub, tt.field)
			if slices.ContainsFunc([]string{"[]", "annotations", "priorityClassName"}, func(s string) bool { return strings.Contains(tt.template, s) }) {
				return // another rule allows it, or none
			}
			if got := (policy.Rules{}).Check(hub, hubImage)[0]; !strings.Contains(got, "anyPodTemplate in the manager's policy") {
				t.Errorf("the message does not say what allows it: %s", got)
			}
			wantRefusals(t, policy.Rules{AnyPodTemplate: new(true)}, hub)
		})
	}
}

func TestPodTemplateAllowed(t *testing.T) {
	t.Parallel()
	for _, template := range []string{
		`{}`, `null`, `{"spec":null}`,
		`{"metadata":{"labels":{"azure.workload.identity/use":"true"},"annotations":{"team":"data","sidecar.istio.io/inject":"false","gone":null}}}`,
		`{"spec":{"nodeSelector":{"pool":"hubs"},"tolerations":[{"operator":"Exists"}],"affinity":{},"topologySpreadConstraints":null}}`,
		`{"spec":{"priorityClassName":"important","runtimeClassName":"gvisor","schedulerName":"own","terminationGracePeriodSeconds":30}}`,
		`{"spec":{"dnsPolicy":"None","dnsConfig":{"nameservers":["10.0.0.10"]},"hostAliases":[{"ip":"10.0.0.1","hostnames":["looker"]}],"imagePullSecrets":[{"name":"x"}]}}`,
		`{"spec":{"containers":[{"name":"hub","resources":{"limits":{"memory":"1Gi"}},"env":[{"name":"TZ","value":"Europe/Berlin"}]}]}}`,
		`{"spec":{"containers":"not a list"}}`, // the merge reports the error
	} {
		t.Run(template, func(t *testing.T) {
			t.Parallel()
			wantRefusals(t, policy.Rules{}, newHub(podTemplate(template)))
		})
	}
}

func TestImages(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		image    string
		prefixes []string
		allowed  bool
	}{
		{image: "", allowed: true},
		{image: "registry.example.com/looker/hub:v2", allowed: true},
		{image: "registry.example.com/looker/hub@sha256:0000", allowed: true},
		{image: "registry.example.com/looker/hub", allowed: true},
		{image: "registry.example.com/looker/hub-evil:v1", allowed: false},
		{image: "registry.example.com/looker/other", allowed: false},
		{image: "busybox", allowed: false},
		{image: "busybox", prefixes: []string{}, allowed: false},
		{image: "busybox", prefixes: []string{"*"}, allowed: true},
		{image: "mirror.example.com:5000/hub:v1", prefixes: []string{"mirror.example.com:5000/hub"}, allowed: true},
		{image: "mirror.example.com:5000/hubs/a/b:v1", prefixes: []string{"mirror.example.com:5000/hubs/"}, allowed: true},
		{image: "mirror.example.com.evil.example/hub", prefixes: []string{"mirror.example.com"}, allowed: false},
		{image: "mirror.example.com:5000/hub", prefixes: []string{"mirror.example.com"}, allowed: false},
	} {
		hub := newHub(func(s *v1alpha1.IntegrationHubSpec) { s.Image = tt.image })
		if got := (policy.Rules{ImagePrefixes: tt.prefixes}).Check(hub, hubImage); (len(got) == 0) != tt.allowed {
			t.Errorf("%s with %q: %q", tt.image, tt.prefixes, got)
		}
	}
}

func TestServiceAccounts(t *testing.T) {
	t.Parallel()
	hub := newHub(func(s *v1alpha1.IntegrationHubSpec) {
		s.ServiceAccount = &v1alpha1.ServiceAccount{Name: "another-teams"}
	})
	wantRefusals(t, policy.Rules{}, hub, "spec.serviceAccount.name")
	wantRefusals(t, policy.Rules{ServiceAccounts: []string{"hub-*"}}, hub, "spec.serviceAccount.name")
	wantRefusals(t, policy.Rules{ServiceAccounts: []string{"hub-*", "another-*"}}, hub)
	hub.Spec.ServiceAccount = &v1alpha1.ServiceAccount{Annotations: map[string]string{"eks.amazonaws.com/role-arn": "x"}}
	wantRefusals(t, policy.Rules{}, hub)
	// An existing account may have permissions, whatever its name is.
	hub.Spec.ServiceAccount = &v1alpha1.ServiceAccount{Name: hub.Name}
	wantRefusals(t, policy.Rules{}, hub, "spec.serviceAccount.name")
}

func TestIssuers(t *testing.T) {
	t.Parallel()
	hub := newHub(func(*v1alpha1.IntegrationHubSpec) {})
	wantRefusals(t, policy.Rules{}, hub)
	wantRefusals(t, policy.Rules{Issuers: []policy.Issuer{}}, hub, "spec.tls.issuerRef")
	wantRefusals(t, policy.Rules{Issuers: []policy.Issuer{{Name: "*"}}}, hub, "spec.tls.issuerRef") // of the kind Issuer
	wantRefusals(t, policy.Rules{Issuers: []policy.Issuer{{Name: "*", Kind: "ClusterIssuer", Group: "awspca.cert-manager.io"}}}, hub, "spec.tls.issuerRef")
	wantRefusals(t, policy.Rules{Issuers: []policy.Issuer{{Name: "lets*", Kind: "ClusterIssuer"}}}, hub)
}

// No issuer may certify, and no proxy may publish, a hub under the name of something else in
// the cluster, whatever the policy says.
func TestHosts(t *testing.T) {
	t.Parallel()
	never, unlisted, public := "never", "unless listed", "public"
	for host, want := range map[string]string{
		"kubernetes.default.svc": never, "kubernetes.default": never, "kubernetes": never, "kubernetes.default.svc.corp.example": never,
		"payments.other-team.svc": never, "payments.other-team.svc.cluster.local": never, "*.svc": never, "*.cluster.local": never, "svc": never,
		"*.looker.svc": never, "other.looker.svc": never, "KUBERNETES.default.SVC": never, "payments.other-team.svc.": never,
		"localhost": never, "hub.localhost": never, "*.com": never, "127.0.0.1": never, "::1": never, "169.254.169.254": never,
		"payments.other-team": unlisted, "payments.other-team.svc.corp.example": unlisted, "10.96.0.1": unlisted, "hub.corp": unlisted, "fd00::1": unlisted,
		"hub.example.com": public, "*.example.com": public, "example.com": public, "hub.corp.internal": public, "192.0.2.7": public,
		"actions.looker.svc": public, "actions.looker.svc.cluster.local": public, "actions.looker": public, "actions": public, // its own Service
	} {
		hub := newHub(func(s *v1alpha1.IntegrationHubSpec) { s.TLS.DNSNames = []string{host} })
		refusals := (policy.Rules{}).Check(hub, hubImage)
		if (len(refusals) > 0) != (want != public) {
			t.Errorf("%s without a rule: %q", host, refusals)
		}
		listed := policy.Rules{Hosts: []string{strings.ToLower(strings.TrimSuffix(host, "."))}}
		if refusals := listed.Check(hub, hubImage); (len(refusals) > 0) != (want == never) {
			t.Errorf("%s with a rule: %q", host, refusals)
		}
	}
}

func TestHostsOfANamespace(t *testing.T) {
	t.Parallel()
	rules := policy.Rules{Hosts: []string{"hub.example.com", "*.looker.example.com"}}
	everywhere := func(host string) func(*v1alpha1.IntegrationHubSpec) {
		return func(s *v1alpha1.IntegrationHubSpec) {
			s.BaseURL = "https://" + host + ":8443/looker"
			s.TLS.DNSNames = []string{host}
			s.Exposure = &v1alpha1.Exposure{
				Ingress: &v1alpha1.IngressExposure{Host: host},
				Gateway: &v1alpha1.GatewayExposure{Hostnames: []string{"hub.example.com", host}},
			}
		}
	}
	for _, host := range []string{"hub.example.com", "a.looker.example.com", "a.b.looker.example.com", "*.looker.example.com"} {
		wantRefusals(t, rules, newHub(everywhere(host)))
	}
	for _, host := range []string{"example.com", "evil-looker.example.com", "looker.example.com", "hub.example.com.evil.example", "*.example.com"} {
		wantRefusals(t, rules, newHub(everywhere(host)),
			"spec.baseURL", "spec.tls.dnsNames[0]", "spec.exposure.ingress.host", "spec.exposure.gateway.hostnames[1]")
	}
	// Behind a proxy of the user, the URL is only entered in Looker.
	wantRefusals(t, rules, newHub(func(s *v1alpha1.IntegrationHubSpec) {
		s.BaseURL = "https://gateway.mesh.svc"
		s.TLS = v1alpha1.TLS{TerminatedElsewhere: true}
	}))
}

func TestAnnotations(t *testing.T) {
	t.Parallel()
	nginx := "nginx.ingress.kubernetes.io/"
	refused := map[string]string{
		nginx + "configuration-snippet": "x", nginx + "server-snippet": "x", nginx + "auth-snippet": "x", nginx + "auth-url": "https://evil.example",
		nginx + "auth-tls-match-cn": "x", nginx + "permanent-redirect": "https://evil.example", nginx + "upstream-vhost": "x", nginx + "mirror-target": "x",
		nginx + "proxy-read-timeout":                       "1; } evil {",
		nginx + "proxy-body-size":                          "0\nevil on;",
		"cert-manager.io/cluster-issuer":                   "corporate",
		"alb.ingress.kubernetes.io/group.name":             "other-teams",
		"alb.ingress.kubernetes.io/actions.x":              "x",
		"traefik.ingress.kubernetes.io/router.middlewares": "other@file",
		"external-dns.alpha.kubernetes.io/target":          "evil.example",
		"external-dns.alpha.kubernetes.io/hostname":        "hub.example.com,kubernetes.default.svc",
		"konghq.com/plugins":                               "x",
	}
	for key, value := range refused {
		hub := newHub(func(s *v1alpha1.IntegrationHubSpec) {
			a := map[string]string{key: value}
			s.Exposure = &v1alpha1.Exposure{
				Service: &v1alpha1.ServiceExposure{Annotations: a}, Ingress: &v1alpha1.IngressExposure{Annotations: a}, Gateway: &v1alpha1.GatewayExposure{Annotations: a},
			}
		})
		at := `annotations["` + key + `"]`
		wantRefusals(t, policy.Rules{}, hub, "spec.exposure.service."+at, "spec.exposure.ingress."+at, "spec.exposure.gateway."+at)
		wantRefusals(t, policy.Rules{Annotations: []string{key}}, hub)
		star := policy.Rules{Annotations: []string{"*"}}
		if got := star.Check(hub, hubImage); strings.Contains(key, "snippet") == (len(got) == 0) {
			t.Errorf("%s with *: %q", key, got)
		}
	}
	wantRefusals(t, policy.Rules{}, newHub(func(s *v1alpha1.IntegrationHubSpec) {
		s.Exposure = &v1alpha1.Exposure{
			Service: &v1alpha1.ServiceExposure{Annotations: map[string]string{
				"service.beta.kubernetes.io/aws-load-balancer-scheme": "internal", "cloud.google.com/neg": `{"ingress": true}`, "team": "data",
			}},
			Ingress: &v1alpha1.IngressExposure{Annotations: map[string]string{
				nginx + "proxy-read-timeout": "900", nginx + "whitelist-source-range": "10.0.0.0/8,192.0.2.0/24",
				"external-dns.alpha.kubernetes.io/hostname": "hub.example.com", "alb.ingress.kubernetes.io/listen-ports": `[{"HTTPS":443}]`,
			}},
		}
	}))
}

func TestPriorityClass(t *testing.T) {
	t.Parallel()
	wantRefusals(t, policy.Rules{AnyPodTemplate: new(true)}, newHub(func(s *v1alpha1.IntegrationHubSpec) {
		s.Scheduling = &v1alpha1.Scheduling{PriorityClassName: "system-cluster-critical"}
	}), "spec.scheduling.priorityClassName")
}
