package resources

import (
	"cmp"
	"encoding/json"

	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/hub/env"
)

// upstreamsPath has a folder for each upstream.
const upstreamsPath = mountRoot + "/upstreams"

// The files in an upstream's folder.
const (
	upstreamTokenFile = "token"
	upstreamCAFile    = "ca.crt"
)

// UpstreamTokenKey returns the key of an upstream's token in its Secret.
func UpstreamTokenKey(u v1alpha1.Upstream) string { return cmp.Or(u.TokenSecretRef.Key, "token") }

// UpstreamCAKey returns the key of an upstream's CA certificates in its ConfigMap.
func UpstreamCAKey(u v1alpha1.Upstream) string { return cmp.Or(u.CABundleRef.Key, "ca.crt") }

// upstreamsVolume holds the tokens and the CA certificates of the upstreams. The kubelet updates the files of
// a projected volume, so a new token needs no rollout.
func upstreamsVolume(hub *v1alpha1.IntegrationHub) *corev1ac.VolumeApplyConfiguration {
	projected := corev1ac.ProjectedVolumeSource()
	for _, u := range hub.Spec.Upstreams {
		projected.WithSources(corev1ac.VolumeProjection().WithSecret(corev1ac.SecretProjection().WithName(u.TokenSecretRef.Name).
			WithItems(corev1ac.KeyToPath().WithKey(UpstreamTokenKey(u)).WithPath(u.Name + "/" + upstreamTokenFile))))
		if u.CABundleRef != nil {
			projected.WithSources(corev1ac.VolumeProjection().WithConfigMap(corev1ac.ConfigMapProjection().WithName(u.CABundleRef.Name).
				WithItems(corev1ac.KeyToPath().WithKey(UpstreamCAKey(u)).WithPath(u.Name + "/" + upstreamCAFile))))
		}
	}
	return corev1ac.Volume().WithName("upstreams").WithProjected(projected)
}

// upstreamsSetting is how the hub is configured for its upstreams. It contains no token.
func upstreamsSetting(hub *v1alpha1.IntegrationHub) string {
	if len(hub.Spec.Upstreams) == 0 {
		return ""
	}
	all := make([]env.Upstream, 0, len(hub.Spec.Upstreams))
	for _, u := range hub.Spec.Upstreams {
		c := env.Upstream{Name: u.Name, URL: u.URL, TokenFile: upstreamsPath + "/" + u.Name + "/" + upstreamTokenFile, Prefix: u.Prefix}
		if u.CABundleRef != nil {
			c.CAFile = upstreamsPath + "/" + u.Name + "/" + upstreamCAFile
		}
		for _, name := range u.Integrations {
			c.Integrations = append(c.Integrations, string(name))
		}
		all = append(all, c)
	}
	text, err := json.Marshal(all)
	if err != nil {
		panic(err) // strings can always be encoded
	}
	return string(text)
}
