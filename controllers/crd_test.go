package controllers_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"

	"integrationhub.dev/api/v1alpha1"
)

// What cannot work is refused by the API server itself, with a sentence that helps.
func TestCRDRefuses(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	integration := func(name string, settings map[string]v1alpha1.SettingValue) func(*v1alpha1.IntegrationHubSpec) {
		return func(s *v1alpha1.IntegrationHubSpec) {
			s.Integrations = []v1alpha1.Integration{{Name: v1alpha1.IntegrationName(name), Settings: settings}}
		}
	}
	upstream := func(change func(*v1alpha1.Upstream)) func(*v1alpha1.IntegrationHubSpec) {
		return func(s *v1alpha1.IntegrationHubSpec) {
			u := upstreamOf("a")
			change(&u)
			s.Upstreams = []v1alpha1.Upstream{u}
		}
	}
	for name, tt := range map[string]struct {
		change func(*v1alpha1.IntegrationHubSpec)
		want   string
	}{
		"clear text":                                {want: "baseURL must be an https URL with a host", change: func(s *v1alpha1.IntegrationHubSpec) { s.BaseURL = "http://hub.example.com" }},
		"no host":                                   {want: "baseURL must be an https URL with a host", change: func(s *v1alpha1.IntegrationHubSpec) { s.BaseURL = "https://" }},
		"the reference's format without its key":    {want: "userStateFormat Reference requires cipherSecretRef", change: func(s *v1alpha1.IntegrationHubSpec) { s.UserStateFormat = v1alpha1.ReferenceUserState }},
		"a format that does not exist":              {want: "spec.userStateFormat", change: func(s *v1alpha1.IntegrationHubSpec) { s.UserStateFormat = "reference" }},
		"an upstream in clear text":                 {want: "the url of an upstream must be an https URL", change: upstream(func(u *v1alpha1.Upstream) { u.URL = "http://a.example.com" })},
		"an upstream with a user":                   {want: "a query, a fragment or a user name", change: upstream(func(u *v1alpha1.Upstream) { u.URL = "https://u:p@a.example.com" })},
		"an upstream with a path in its name":       {want: "spec.upstreams[0].name", change: upstream(func(u *v1alpha1.Upstream) { u.Name = "../a" })},
		"an upstream's prefix that is no name":      {want: "spec.upstreams[0].prefix", change: upstream(func(u *v1alpha1.Upstream) { u.Prefix = "a/" })},
		"an upstream's integration that is no name": {want: "spec.upstreams[0].integrations[0]", change: upstream(func(u *v1alpha1.Upstream) { u.Integrations = []v1alpha1.UpstreamIntegrationName{"../a"} })},
		"an upstream without a Secret":              {want: "must be the name of an object", change: upstream(func(u *v1alpha1.Upstream) { u.TokenSecretRef.Name = "A B" })},
		"one upstream twice": {want: "Duplicate value", change: func(s *v1alpha1.IntegrationHubSpec) {
			s.Upstreams = []v1alpha1.Upstream{upstreamOf("a"), upstreamOf("a")}
		}},
		"a slash at the end":         {want: "must not end with a slash", change: func(s *v1alpha1.IntegrationHubSpec) { s.BaseURL = "https://hub.example.com/" }},
		"a query":                    {want: "must not contain a query", change: func(s *v1alpha1.IntegrationHubSpec) { s.BaseURL = "https://hub.example.com?a=b" }},
		"an unknown integration":     {want: `Unsupported value: "carrier_pigeon"`, change: integration("carrier_pigeon", nil)},
		"a setting that is no name":  {want: "the keys of settings must be names of environment variables", change: integration("tray", map[string]v1alpha1.SettingValue{"lower": "x"})},
		"a setting of the hub":       {want: "settings must not contain variables that are reserved", change: integration("tray", map[string]v1alpha1.SettingValue{"ACTION_HUB_SECRET": "x"})},
		"the key for users' tokens":  {want: "settings must not contain variables that are reserved", change: integration("tray", map[string]v1alpha1.SettingValue{"CIPHER_MASTER": "x"})},
		"encryption switched off":    {want: "settings must not contain variables that are reserved", change: integration("tray", map[string]v1alpha1.SettingValue{"ENCRYPT_PAYLOAD_TRAY": "false"})},
		"a proxy":                    {want: "settings must not contain variables that are reserved", change: integration("tray", map[string]v1alpha1.SettingValue{"HTTPS_PROXY": "x"})},
		"a variable of Go's runtime": {want: "settings must not contain variables that are reserved", change: integration("tray", map[string]v1alpha1.SettingValue{"GODEBUG": "x"})},
		"cloud credentials":          {want: "settings must not contain variables that are reserved", change: integration("tray", map[string]v1alpha1.SettingValue{"AWS_CONTAINER_CREDENTIALS_FULL_URI": "x"})},
		"a budget that is no number": {want: "spec.podDisruptionBudget.maxUnavailable", change: func(s *v1alpha1.IntegrationHubSpec) {
			s.PodDisruptionBudget = &v1alpha1.PodDisruptionBudget{MaxUnavailable: new(intstr.FromString("lots"))}
		}},
		"a negative budget": {want: "must be a number of pods, or a percentage", change: func(s *v1alpha1.IntegrationHubSpec) {
			s.PodDisruptionBudget = &v1alpha1.PodDisruptionBudget{MinAvailable: new(intstr.FromInt32(-1))}
		}},
		"requests above limits": {want: "must not be negative or greater than resources.limits", change: func(s *v1alpha1.IntegrationHubSpec) {
			s.Resources = &corev1.ResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("2Gi")}, Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("1Gi")},
			}
		}},
		"negative requests": {want: "must not be negative or greater than resources.limits", change: func(s *v1alpha1.IntegrationHubSpec) {
			s.Resources = &corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("-5")}}
		}},
		"an image with blanks": {want: "must be an image such as", change: func(s *v1alpha1.IntegrationHubSpec) { s.Image = "my image : latest" }},
		"a label that is none": {want: "keys must have the form", change: func(s *v1alpha1.IntegrationHubSpec) {
			s.Monitoring = &v1alpha1.Monitoring{ServiceMonitor: &v1alpha1.ServiceMonitor{Labels: map[string]v1alpha1.LabelValue{"bad key!": "v"}}}
		}},
		"a label's value that is none": {want: "spec.monitoring.prometheusRule.labels.team", change: func(s *v1alpha1.IntegrationHubSpec) {
			s.Monitoring = &v1alpha1.Monitoring{PrometheusRule: &v1alpha1.PrometheusRule{Labels: map[string]v1alpha1.LabelValue{"team": "v v"}}}
		}},
		"an annotation that is none": {want: "keys must have the form", change: func(s *v1alpha1.IntegrationHubSpec) {
			s.Exposure = &v1alpha1.Exposure{Service: &v1alpha1.ServiceExposure{Annotations: map[string]string{"bad key!": "x"}}}
		}},
		"a Secret that cannot exist": {want: "must be the name of an object", change: func(s *v1alpha1.IntegrationHubSpec) { s.ServiceSecretRef = &v1alpha1.SecretKeyRef{Name: "Not A Name"} }},
		"a pull secret that cannot exist": {want: "must be the name of an object", change: func(s *v1alpha1.IntegrationHubSpec) {
			s.ImagePullSecrets = []v1alpha1.SecretRef{{Name: "Not A Name"}}
		}},
		"no spool":                 {want: "must be more than 0", change: func(s *v1alpha1.IntegrationHubSpec) { s.Limits = &v1alpha1.Limits{Spool: new(resource.MustParse("0"))} }},
		"a negative body":          {want: "must be more than 0", change: func(s *v1alpha1.IntegrationHubSpec) { s.Limits = &v1alpha1.Limits{Body: new(resource.MustParse("-1"))} }},
		"a URL with blanks":        {want: "the path of baseURL must consist of", change: func(s *v1alpha1.IntegrationHubSpec) { s.BaseURL = "https://a.b//c d" }},
		"a URL with two slashes":   {want: "the path of baseURL must consist of", change: func(s *v1alpha1.IntegrationHubSpec) { s.BaseURL = "https://a.b//c" }},
		"a URL that goes up":       {want: "the path of baseURL must consist of", change: func(s *v1alpha1.IntegrationHubSpec) { s.BaseURL = "https://a.b/c/../d" }},
		"a URL's port":             {want: "its port at most 65535", change: func(s *v1alpha1.IntegrationHubSpec) { s.BaseURL = "https://a.b:65536" }},
		"a URL in upper case":      {want: "must be a lowercase DNS name", change: func(s *v1alpha1.IntegrationHubSpec) { s.BaseURL = "https://Hub.Example.com" }},
		"a URL with an underscore": {want: "must be a lowercase DNS name", change: func(s *v1alpha1.IntegrationHubSpec) { s.BaseURL = "https://my_hub.example.com" }},
		"an Ingress for an address": {want: "baseURL has an IP address", change: func(s *v1alpha1.IntegrationHubSpec) {
			s.BaseURL, s.Exposure = "https://10.0.0.5", &v1alpha1.Exposure{Ingress: &v1alpha1.IngressExposure{}}
		}},
		"a node's label that is none": {want: "keys must have the form", change: func(s *v1alpha1.IntegrationHubSpec) {
			s.Scheduling = &v1alpha1.Scheduling{NodeSelector: map[string]v1alpha1.LabelValue{"bad key!": "v"}}
		}},
		"a toleration of an odd kind": {want: "operator must be Exists or Equal", change: func(s *v1alpha1.IntegrationHubSpec) {
			s.Scheduling = &v1alpha1.Scheduling{Tolerations: []corev1.Toleration{{Operator: "Sometimes"}}}
		}},
		"a constraint of an odd kind": {want: "maxSkew must be at least 1", change: func(s *v1alpha1.IntegrationHubSpec) {
			s.Scheduling = &v1alpha1.Scheduling{TopologySpreadConstraints: []corev1.TopologySpreadConstraint{{TopologyKey: "x", WhenUnsatisfiable: "Maybe"}}}
		}},
		"a priority class that cannot exist": {want: "must be the name of an object", change: func(s *v1alpha1.IntegrationHubSpec) {
			s.Scheduling = &v1alpha1.Scheduling{PriorityClassName: "Does Not Exist"}
		}},
		"a long stabilization": {want: "must be between 0 and 3600", change: func(s *v1alpha1.IntegrationHubSpec) {
			s.Autoscaling = &v1alpha1.Autoscaling{MaxReplicas: 3, Behavior: &autoscalingv2.HorizontalPodAutoscalerBehavior{
				ScaleDown: &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: new(int32(99999))},
			}}
		}},
		"an endless start": {want: "progressDeadline must be between 10s and 24h", change: func(s *v1alpha1.IntegrationHubSpec) { s.ProgressDeadline = "48h" }},
		"the same integration twice": {want: "Duplicate value", change: func(s *v1alpha1.IntegrationHubSpec) {
			s.Integrations = []v1alpha1.Integration{{Name: "tray"}, {Name: "tray"}}
		}},
		"renewal before issuance": {want: "renewBefore must be shorter than duration", change: func(s *v1alpha1.IntegrationHubSpec) {
			s.TLS.Duration, s.TLS.RenewBefore = "1h", "2h"
		}},
		"a short certificate": {want: "duration must be at least 1h", change: func(s *v1alpha1.IntegrationHubSpec) { s.TLS.Duration = "5m" }},
		"no issuer":           {want: "spec.tls.issuerRef.name", change: func(s *v1alpha1.IntegrationHubSpec) { s.TLS.IssuerRef.Name = "" }},
		"an invalid range": {want: "must be a CIDR range such as 10.1.0.0/16", change: func(s *v1alpha1.IntegrationHubSpec) {
			s.Egress = &v1alpha1.Egress{AllowCIDRs: []v1alpha1.CIDR{"10.0.0.0"}}
		}},
		"an invalid denied range": {want: "must be a CIDR range such as 10.1.0.0/16", change: func(s *v1alpha1.IntegrationHubSpec) {
			s.Egress = &v1alpha1.Egress{DenyCIDRs: []v1alpha1.CIDR{"10.0.0.0/33"}}
		}},
		"a host that is an address of the web": {want: "must be a host such as example.com", change: func(s *v1alpha1.IntegrationHubSpec) {
			s.Egress = &v1alpha1.Egress{AllowHosts: []v1alpha1.Host{"https://example.com"}}
		}},
		"a star in the middle": {want: "must be a host such as example.com", change: func(s *v1alpha1.IntegrationHubSpec) {
			s.Egress = &v1alpha1.Egress{AllowHosts: []v1alpha1.Host{"a.*.com"}}
		}},
		"a port past the last": {want: "less than or equal to 65535", change: func(s *v1alpha1.IntegrationHubSpec) {
			s.Egress = &v1alpha1.Egress{AllowPorts: []int32{70000}}
		}},
		"an odd use of a proxy": {want: `Unsupported value: "Always"`, change: func(s *v1alpha1.IntegrationHubSpec) {
			s.Egress = &v1alpha1.Egress{Proxy: &v1alpha1.Proxy{SecretRef: v1alpha1.SecretRef{Name: "proxy"}, Use: "Always"}}
		}},
		"a proxy nowhere":                    {want: "spec.egress.proxy.secretRef.name", change: func(s *v1alpha1.IntegrationHubSpec) { s.Egress = &v1alpha1.Egress{Proxy: &v1alpha1.Proxy{}} }},
		"a project of Sentry's nowhere":      {want: "spec.sentry.dsnSecretRef.name", change: func(s *v1alpha1.IntegrationHubSpec) { s.Sentry = &v1alpha1.Sentry{} }},
		"an endless drain":                   {want: "drainTimeout must be between 0s and 2h", change: func(s *v1alpha1.IntegrationHubSpec) { s.DrainTimeout = "3h" }},
		"a drain that is no time":            {want: "such as 90s, 15m or 1h30m", change: func(s *v1alpha1.IntegrationHubSpec) { s.DrainTimeout = "soon" }},
		"a duration in days":                 {want: "in hours, minutes or seconds", change: func(s *v1alpha1.IntegrationHubSpec) { s.TLS.Duration = "90d" }},
		"a renewal in days":                  {want: "in hours, minutes or seconds", change: func(s *v1alpha1.IntegrationHubSpec) { s.TLS.RenewBefore = "30d" }},
		"renewal before issuance by default": {want: "renewBefore must be shorter than duration", change: func(s *v1alpha1.IntegrationHubSpec) { s.TLS.RenewBefore = "2160h" }},
		"an issuer of no kind":               {want: "kind must be Issuer or ClusterIssuer", change: func(s *v1alpha1.IntegrationHubSpec) { s.TLS.IssuerRef.Kind = "Secret" }},
		"an invalid DNS name":                {want: "must be a DNS name such as", change: func(s *v1alpha1.IntegrationHubSpec) { s.TLS.DNSNames = []string{"https://hub.example.com"} }},
		"a user name":                        {want: "must not contain a query, a fragment or a user name", change: func(s *v1alpha1.IntegrationHubSpec) { s.BaseURL = "https://me@hub.example.com" }},
		"nothing on offer": {want: "enable at least one integration", change: func(s *v1alpha1.IntegrationHubSpec) {
			s.Integrations = []v1alpha1.Integration{{Name: "tray", Enabled: new(false)}}
		}},
		"a cipher key nowhere":         {want: "spec.cipherSecretRef.name", change: func(s *v1alpha1.IntegrationHubSpec) { s.CipherSecretRef = &v1alpha1.SecretKeyRef{} }},
		"two certificates":             {want: "exactly one of issuerRef, secretName and terminatedElsewhere", change: func(s *v1alpha1.IntegrationHubSpec) { s.TLS.SecretName = "mine" }},
		"no certificate":               {want: "exactly one of issuerRef, secretName and terminatedElsewhere", change: func(s *v1alpha1.IntegrationHubSpec) { s.TLS = v1alpha1.TLS{} }},
		"a duration without an issuer": {want: "require issuerRef", change: func(s *v1alpha1.IntegrationHubSpec) { s.TLS = v1alpha1.TLS{SecretName: "mine", Duration: "24h"} }},
		"an odd key": {want: "size must be 2048, 3072 or 4096 for RSA", change: func(s *v1alpha1.IntegrationHubSpec) {
			s.TLS.PrivateKey = &v1alpha1.PrivateKey{Algorithm: "RSA", Size: 256}
		}},
		"TLS elsewhere, but where": {want: "tls.terminatedElsewhere requires baseURL", change: func(s *v1alpha1.IntegrationHubSpec) { s.TLS = v1alpha1.TLS{TerminatedElsewhere: true} }},
		"an Ingress without a certificate": {want: "requires exposure.ingress.tlsSecretName", change: func(s *v1alpha1.IntegrationHubSpec) {
			s.TLS = v1alpha1.TLS{TerminatedElsewhere: true}
			s.Exposure = &v1alpha1.Exposure{Ingress: &v1alpha1.IngressExposure{Host: "hub.example.com"}}
		}},
		"an Ingress without a host": {want: "exposure.ingress requires a host", change: func(s *v1alpha1.IntegrationHubSpec) {
			s.Exposure = &v1alpha1.Exposure{Ingress: &v1alpha1.IngressExposure{}}
		}},
		"an Ingress of another host": {want: "have different hosts", change: func(s *v1alpha1.IntegrationHubSpec) {
			s.BaseURL = "https://hub.example.com"
			s.Exposure = &v1alpha1.Exposure{Ingress: &v1alpha1.IngressExposure{Host: "other.example.com"}}
		}},
		"a host that is a URL": {want: "host must be a DNS name", change: func(s *v1alpha1.IntegrationHubSpec) {
			s.Exposure = &v1alpha1.Exposure{Ingress: &v1alpha1.IngressExposure{Host: "https://hub"}}
		}},
		"a route without a host": {want: "exposure.gateway requires a host", change: func(s *v1alpha1.IntegrationHubSpec) {
			s.Exposure = &v1alpha1.Exposure{Gateway: &v1alpha1.GatewayExposure{ParentRefs: []v1alpha1.ParentRef{{Name: "public"}}}}
		}},
		"two ways in": {want: "set ingress or gateway, not both", change: func(s *v1alpha1.IntegrationHubSpec) {
			s.BaseURL = "https://hub.example.com"
			s.Exposure = &v1alpha1.Exposure{
				Ingress: &v1alpha1.IngressExposure{}, Gateway: &v1alpha1.GatewayExposure{ParentRefs: []v1alpha1.ParentRef{{Name: "public"}}},
			}
		}},
		"a load balancer's setting": {want: "require type LoadBalancer", change: func(s *v1alpha1.IntegrationHubSpec) {
			s.Exposure = &v1alpha1.Exposure{Service: &v1alpha1.ServiceExposure{LoadBalancerClass: new("x")}}
		}},
		"less at most than at least": {want: "maxReplicas must not be less than minReplicas", change: func(s *v1alpha1.IntegrationHubSpec) { s.Autoscaling = &v1alpha1.Autoscaling{MaxReplicas: 1} }},
		"a budget of both kinds": {want: "not both", change: func(s *v1alpha1.IntegrationHubSpec) {
			one := intstr.FromInt32(1)
			s.PodDisruptionBudget = &v1alpha1.PodDisruptionBudget{MinAvailable: &one, MaxUnavailable: &one}
		}},
		"a budget that is off": {want: "must not be set when disabled is true", change: func(s *v1alpha1.IntegrationHubSpec) {
			one := intstr.FromInt32(1)
			s.PodDisruptionBudget = &v1alpha1.PodDisruptionBudget{Disabled: true, MinAvailable: &one}
		}},
		"annotations of another's account": {want: "annotations apply only to a ServiceAccount that the operator creates", change: func(s *v1alpha1.IntegrationHubSpec) {
			s.ServiceAccount = &v1alpha1.ServiceAccount{Name: "mine", Annotations: map[string]string{"a": "b"}}
		}},
		"a label of the operator": {want: "labels must not contain keys that the operator or Kubernetes sets", change: func(s *v1alpha1.IntegrationHubSpec) {
			s.CommonMetadata = &v1alpha1.CommonMetadata{Labels: map[string]v1alpha1.LabelValue{"app.kubernetes.io/name": "mine"}}
		}},
		"an invalid label key": {want: "the keys of labels must be label keys", change: func(s *v1alpha1.IntegrationHubSpec) {
			s.CommonMetadata = &v1alpha1.CommonMetadata{Labels: map[string]v1alpha1.LabelValue{"cost center": "1"}}
		}},
		"an invalid label value": {want: "spec.commonMetadata.labels.team", change: func(s *v1alpha1.IntegrationHubSpec) {
			s.CommonMetadata = &v1alpha1.CommonMetadata{Labels: map[string]v1alpha1.LabelValue{"team": "a b"}}
		}},
		"an annotation of Kubernetes": {want: "annotations must not contain keys of the operator or of Kubernetes", change: func(s *v1alpha1.IntegrationHubSpec) {
			s.CommonMetadata = &v1alpha1.CommonMetadata{Annotations: map[string]v1alpha1.AnnotationValue{"nginx.ingress.kubernetes.io/server-snippet": "x"}}
		}},
		"an invalid class":           {want: "spec.controllerClass", change: func(s *v1alpha1.IntegrationHubSpec) { s.ControllerClass = "Mine!" }},
		"an endless delivery":        {want: "deliveryTimeout must be longer than 0s", change: func(s *v1alpha1.IntegrationHubSpec) { s.Limits = &v1alpha1.Limits{DeliveryTimeout: "48h"} }},
		"an endless job":             {want: "jobTimeout must be longer than 0s", change: func(s *v1alpha1.IntegrationHubSpec) { s.Limits = &v1alpha1.Limits{JobTimeout: "721h"} }},
		"a form in days":             {want: "formTimeout must be longer than 0s", change: func(s *v1alpha1.IntegrationHubSpec) { s.Limits = &v1alpha1.Limits{FormTimeout: "1d"} }},
		"a collector that is no URL": {want: "endpoint must be a URL", change: func(s *v1alpha1.IntegrationHubSpec) { s.Tracing = &v1alpha1.Tracing{Endpoint: "collector:4318"} }},
		"an invalid log level":       {want: "Unsupported value", change: func(s *v1alpha1.IntegrationHubSpec) { s.Logging = &v1alpha1.Logging{Level: "loud"} }},
		"devices": {want: "resources.claims is not supported", change: func(s *v1alpha1.IntegrationHubSpec) {
			s.Resources = &corev1.ResourceRequirements{Claims: []corev1.ResourceClaim{{Name: "gpu"}}}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := f.hub()
			h.Name, h.GenerateName = "", "refused-"
			tt.change(&h.Spec)
			err := api.Create(t.Context(), h)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("error %v, want %q", err, tt.want)
			}
			if strings.Contains(err.Error(), "evaluation") || strings.Contains(err.Error(), "no such") {
				t.Errorf("a rule could not be evaluated: %v", err)
			}
		})
	}
	own := f.hub()
	own.Spec.ServiceSecretRef = &v1alpha1.SecretKeyRef{Name: "hub-token", Key: "token"}
	if err := api.Create(t.Context(), own); err == nil || !strings.Contains(err.Error(), "must not reference the Secret with the token") {
		t.Errorf("a service secret that is the token: error %v", err)
	}
	for name, want := range map[string]string{
		strings.Repeat("x", 53): "must not be longer than 52",
		"hub.example":           "the name must start with a letter",
		"1st-hub":               "the name must start with a letter",
	} {
		h := f.hub()
		h.Name = name
		if err := api.Create(t.Context(), h); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the name %s: error %v, want %q", name, err, want)
		}
	}
}

func TestCRDAccepts(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.hub()
	h.Spec.BaseURL = "https://hub.example.com/looker"
	h.Spec.TLS.Duration, h.Spec.TLS.RenewBefore = "2160h", "360h30m"
	h.Spec.TLS.DNSNames = []string{"hub.example.com", "*.example.com"}
	h.Spec.TLS.IssuerRef = &v1alpha1.IssuerRef{Name: "ours", Kind: "AWSPCAClusterIssuer", Group: "awspca.cert-manager.io"}
	h.Spec.Integrations = []v1alpha1.Integration{{Name: "tray", Settings: map[string]v1alpha1.SettingValue{"TRAY_EXTRA_DOMAINS": "example.com"}}, {Name: "zapier"}}
	h.Spec.Egress = &v1alpha1.Egress{
		AllowCIDRs: []v1alpha1.CIDR{"10.0.0.0/8", "fd00::/8"}, DenyCIDRs: []v1alpha1.CIDR{"10.9.0.0/16"},
		AllowHosts: []v1alpha1.Host{"looker.example.com", "*.example.org", "*.com", "10.0.0.1", "fd00::1", "xn--bcher-kva.example", "a_b.example.com"}, AllowPorts: []int32{443},
		Proxy: &v1alpha1.Proxy{SecretRef: v1alpha1.SecretRef{Name: "proxy"}},
	}
	f.create(h)
	type defaults struct {
		Replicas                      int32
		DrainTimeout, Label, ProxyUse string
		Enabled                       *bool
	}
	got := get(f, "hub", &v1alpha1.IntegrationHub{}).Spec
	want := defaults{Replicas: 2, DrainTimeout: "15m", Label: "Integration Hub", ProxyUse: "Resolve"}
	if diff := cmp.Diff(want, defaults{
		Replicas: *got.Replicas, DrainTimeout: got.DrainTimeout, Label: got.Label,
		ProxyUse: got.Egress.Proxy.Use, Enabled: got.Integrations[0].Enabled,
	}); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
	plain := f.hub()
	plain.Name = "plain"
	f.create(plain)
	if ref := get(f, "plain", &v1alpha1.IntegrationHub{}).Spec.TLS.IssuerRef; ref.Kind != "Issuer" || ref.Group != "cert-manager.io" {
		t.Errorf("defaults: %+v", ref)
	}
}
