package resources

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"integrationhub.dev/api/v1alpha1"
)

// override merges the operator's default and spec.podTemplate into the pods' template, in this order.
func override(template *corev1ac.PodTemplateSpecApplyConfiguration, in Inputs) (*corev1ac.PodTemplateSpecApplyConfiguration, error) {
	patches := [][]byte{in.DefaultPodTemplate}
	if in.Hub.Spec.PodTemplate != nil {
		patches = append(patches, in.Hub.Spec.PodTemplate.Raw)
	}
	for _, patch := range patches {
		merged, err := merge(template, patch, in.Hub)
		if err != nil {
			return nil, err
		}
		template = merged
	}
	return template, nil
}

// merge merges a patch into the pods' template, as kubectl patch does. The hub's labels and its
// container cannot be removed.
func merge(
	template *corev1ac.PodTemplateSpecApplyConfiguration, patch []byte, hub *v1alpha1.IntegrationHub,
) (*corev1ac.PodTemplateSpecApplyConfiguration, error) {
	if len(patch) == 0 {
		return template, nil
	}
	original, err := json.Marshal(template)
	if err != nil {
		return nil, fmt.Errorf("rendering the pods' template: %w", err)
	}
	merged, err := strategicpatch.StrategicMergePatch(original, patch, corev1.PodTemplateSpec{})
	if err != nil {
		return nil, err
	}
	out := corev1ac.PodTemplateSpec()
	strict := json.NewDecoder(bytes.NewReader(merged))
	strict.DisallowUnknownFields()
	if err := strict.Decode(out); err != nil {
		return nil, err
	}
	if out.ObjectMetaApplyConfiguration == nil || out.Spec == nil {
		return nil, errors.New("it removes metadata or spec")
	}
	hubs := func(c corev1ac.ContainerApplyConfiguration) bool { return c.Name != nil && *c.Name == ContainerName }
	if !slices.ContainsFunc(out.Spec.Containers, hubs) {
		return nil, fmt.Errorf("it removes the container %q", ContainerName)
	}
	if out.Labels == nil {
		out.Labels = map[string]string{}
	}
	maps.Copy(out.Labels, Labels(hub))
	return out, nil
}

// applied converts a value of Kubernetes' types into its apply configuration; both have the same
// JSON. Use it only for types that omit their empty fields.
func applied[T any](part any) *T {
	text, err := json.Marshal(part)
	if err != nil {
		panic(err) // it came from JSON
	}
	out := new(T)
	if err := json.Unmarshal(text, out); err != nil {
		panic(err) // the types are generated from each other
	}
	return out
}
