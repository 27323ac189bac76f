package policy

import (
	"regexp"
	"slices"
	"strings"
)

// dnsHostname publishes names through external-dns, so its value is checked like a host.
const dnsHostname = "external-dns.alpha.kubernetes.io/hostname"

// safeAnnotations may be set on pods, Services, Ingresses and HTTPRoutes. They tune how a load
// balancer or a proxy reaches the hub. None adds configuration text, changes authentication,
// redirects requests, requests certificates or attaches other cloud resources. A trailing * matches
// any characters.
var safeAnnotations = []string{
	"argocd.argoproj.io/*",
	"cluster-autoscaler.kubernetes.io/safe-to-evict",
	"external-dns.alpha.kubernetes.io/ttl",
	"karpenter.sh/do-not-disrupt",
	"kubectl.kubernetes.io/*",
	"kubernetes.io/description",
	"linkerd.io/inject",
	"prometheus.io/*",
	"sidecar.istio.io/inject",

	"kubernetes.io/ingress.allow-http",
	"kubernetes.io/ingress.class",
	"nginx.ingress.kubernetes.io/backend-protocol",
	"nginx.ingress.kubernetes.io/client-body-buffer-size",
	"nginx.ingress.kubernetes.io/force-ssl-redirect",
	"nginx.ingress.kubernetes.io/limit-*",
	"nginx.ingress.kubernetes.io/proxy-body-size",
	"nginx.ingress.kubernetes.io/proxy-buffer-size",
	"nginx.ingress.kubernetes.io/proxy-buffering",
	"nginx.ingress.kubernetes.io/proxy-connect-timeout",
	"nginx.ingress.kubernetes.io/proxy-http-version",
	"nginx.ingress.kubernetes.io/proxy-next-upstream",
	"nginx.ingress.kubernetes.io/proxy-read-timeout",
	"nginx.ingress.kubernetes.io/proxy-request-buffering",
	"nginx.ingress.kubernetes.io/proxy-send-timeout",
	"nginx.ingress.kubernetes.io/ssl-redirect",
	"nginx.ingress.kubernetes.io/whitelist-source-range",
	"traefik.ingress.kubernetes.io/router.entrypoints",
	"traefik.ingress.kubernetes.io/router.tls",

	"alb.ingress.kubernetes.io/backend-protocol",
	"alb.ingress.kubernetes.io/healthcheck-*",
	"alb.ingress.kubernetes.io/inbound-cidrs",
	"alb.ingress.kubernetes.io/ip-address-type",
	"alb.ingress.kubernetes.io/listen-ports",
	"alb.ingress.kubernetes.io/scheme",
	"alb.ingress.kubernetes.io/ssl-policy",
	"alb.ingress.kubernetes.io/ssl-redirect",
	"alb.ingress.kubernetes.io/success-codes",
	"alb.ingress.kubernetes.io/target-group-attributes",
	"alb.ingress.kubernetes.io/target-type",
	"service.beta.kubernetes.io/aws-load-balancer-backend-protocol",
	"service.beta.kubernetes.io/aws-load-balancer-connection-idle-timeout",
	"service.beta.kubernetes.io/aws-load-balancer-cross-zone-load-balancing-enabled",
	"service.beta.kubernetes.io/aws-load-balancer-healthcheck-*",
	"service.beta.kubernetes.io/aws-load-balancer-internal",
	"service.beta.kubernetes.io/aws-load-balancer-ip-address-type",
	"service.beta.kubernetes.io/aws-load-balancer-nlb-target-type",
	"service.beta.kubernetes.io/aws-load-balancer-scheme",
	"service.beta.kubernetes.io/aws-load-balancer-target-group-attributes",
	"service.beta.kubernetes.io/aws-load-balancer-type",
	"service.beta.kubernetes.io/azure-load-balancer-health-probe-*",
	"service.beta.kubernetes.io/azure-load-balancer-internal",
	"service.beta.kubernetes.io/azure-load-balancer-tcp-idle-timeout",
	"cloud.google.com/app-protocols",
	"cloud.google.com/load-balancer-type",
	"cloud.google.com/neg",
	"networking.gke.io/load-balancer-type",
}

func isSafeAnnotation(key string) bool {
	// By Kubernetes' convention a key without a prefix is private to its user. Container
	// runtimes also use keys without a slash, but with a dot.
	if !strings.ContainsAny(key, "/.") {
		return true
	}
	return slices.ContainsFunc(safeAnnotations, func(pattern string) bool { return keyMatches(pattern, key) })
}

// Values of cloud annotations may be JSON. ingress-nginx copies values into its configuration without
// checking all of them, so braces and quotes are refused there.
var (
	safeValue      = regexp.MustCompile(`^[-\w .,:/*+=@%"\[\]{}]*$`)
	safeNginxValue = regexp.MustCompile(`^[-\w .,:/]*$`)
)

func isSafeAnnotationValue(key, value string) bool {
	if strings.HasPrefix(key, "nginx.ingress.kubernetes.io/") {
		return safeNginxValue.MatchString(value)
	}
	return safeValue.MatchString(value)
}

// allowsAnnotation reports whether the policy allows an additional key. Snippets are configuration
// text, so the policy must name them in full.
func (r Rules) allowsAnnotation(key string) bool {
	return slices.ContainsFunc(r.Annotations, func(pattern string) bool {
		return pattern == key || keyMatches(pattern, key) && !strings.Contains(key, "snippet")
	})
}

func keyMatches(pattern, key string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(key, prefix)
	}
	return key == pattern
}
