package resources

import (
	"maps"
	"path"
	"strings"

	"integrationhub.dev/api/v1alpha1"
)

// InheritMetadata adds the hub's own labels and annotations with the given keys to its common metadata.
// A key may be a pattern of path.Match. The spec's values take precedence. Nothing is inherited that the
// operator, kubectl or Kubernetes sets itself.
func InheritMetadata(hub *v1alpha1.IntegrationHub, keys []string) {
	if len(keys) == 0 {
		return
	}
	common := hub.Spec.CommonMetadata.DeepCopy()
	if common == nil {
		common = &v1alpha1.CommonMetadata{}
	}
	common.Labels = inherited(common.Labels, hub.Labels, keys)
	common.Annotations = inherited(common.Annotations, hub.Annotations, keys)
	hub.Spec.CommonMetadata = common
}

func inherited[V ~string](own map[string]V, from map[string]string, keys []string) map[string]V {
	all := maps.Clone(own)
	for key, value := range from {
		if _, set := own[key]; set || reservedKey(key) || !matchesAny(keys, key) {
			continue
		}
		if all == nil {
			all = map[string]V{}
		}
		all[key] = V(value)
	}
	return all
}

func reservedKey(key string) bool {
	prefix, _, ok := strings.Cut(key, "/")
	return ok && (strings.HasSuffix("."+prefix, ".kubernetes.io") || strings.HasSuffix("."+prefix, ".integrationhub.dev"))
}

func matchesAny(patterns []string, key string) bool {
	for _, pattern := range patterns {
		if ok, err := path.Match(pattern, key); ok && err == nil {
			return true
		}
	}
	return false
}

// commonLabels returns the labels that the spec adds to all objects.
func commonLabels(hub *v1alpha1.IntegrationHub) map[string]string {
	labels := map[string]string{}
	if m := hub.Spec.CommonMetadata; m != nil {
		for k, v := range m.Labels {
			labels[k] = string(v)
		}
	}
	return labels
}

// Annotations returns the annotations that the spec adds to all objects; nil if there are none.
func Annotations(hub *v1alpha1.IntegrationHub) map[string]string {
	if hub.Spec.CommonMetadata == nil || len(hub.Spec.CommonMetadata.Annotations) == 0 {
		return nil
	}
	annotations := map[string]string{}
	for k, v := range hub.Spec.CommonMetadata.Annotations {
		annotations[k] = string(v)
	}
	return annotations
}
