package controllers

import (
	"maps"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
)

// dropUnusedMetadata is the cache's transform of all objects. The annotation of kubectl apply holds
// the whole object once more, for a Secret with its values.
func dropUnusedMetadata(object any) (any, error) {
	if o, err := meta.Accessor(object); err == nil {
		o.SetManagedFields(nil)
		if annotations := o.GetAnnotations(); annotations[corev1.LastAppliedConfigAnnotation] != "" {
			annotations = maps.Clone(annotations)
			delete(annotations, corev1.LastAppliedConfigAnnotation)
			o.SetAnnotations(annotations)
		}
	}
	return object, nil
}

// readPrefixes are the prefixes of the labels and annotations of Secrets and ConfigMaps that the
// operator reads.
var readPrefixes = []string{"app.kubernetes.io/", "hub.integrationhub.dev/", "cert-manager.io/"}

// keepOwnMetadata is the cache's transform of Secrets and ConfigMaps. A cluster may have many large
// ones that no hub uses.
func keepOwnMetadata(object any) (any, error) {
	object, err := dropUnusedMetadata(object)
	if o, accessErr := meta.Accessor(object); accessErr == nil {
		o.SetLabels(readByOperator(o.GetLabels()))
		o.SetAnnotations(readByOperator(o.GetAnnotations()))
	}
	return object, err
}

func readByOperator(values map[string]string) map[string]string {
	var kept map[string]string
	for key, value := range values {
		for _, prefix := range readPrefixes {
			if strings.HasPrefix(key, prefix) {
				if kept == nil {
					kept = map[string]string{}
				}
				kept[key] = value
			}
		}
	}
	return kept
}
