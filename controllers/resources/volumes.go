package resources

import (
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"integrationhub.dev/api/v1alpha1"
)

// previousKey is the optional key of a service secret's predecessor, during a rotation.
const previousKey = "previous"

// serviceSecretVolume holds the service secret, and the previous one if there is one. Secrets may have
// other keys, such as the whole environment of an earlier hub, which the pods must not see.
func serviceSecretVolume(hub *v1alpha1.IntegrationHub) *corev1ac.VolumeApplyConfiguration {
	ref := ServiceSecretRef(hub)
	source := func(key string) *corev1ac.SecretProjectionApplyConfiguration {
		return corev1ac.SecretProjection().WithName(ref.Name).WithItems(files(key)...)
	}
	projected := corev1ac.ProjectedVolumeSource().WithSources(corev1ac.VolumeProjection().WithSecret(source(ref.Key)))
	if ref.Key != previousKey {
		projected.WithSources(corev1ac.VolumeProjection().WithSecret(source(previousKey).WithOptional(true)))
	}
	return corev1ac.Volume().WithName("service-secret").WithProjected(projected)
}

// files mounts keys as files of the same name, and no other keys.
func files(keys ...string) []*corev1ac.KeyToPathApplyConfiguration {
	items := make([]*corev1ac.KeyToPathApplyConfiguration, 0, len(keys))
	for _, key := range keys {
		items = append(items, corev1ac.KeyToPath().WithKey(key).WithPath(key))
	}
	return items
}
