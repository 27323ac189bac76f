package controllers

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/resources"
)

// The cache holds no content of Secrets, nor anything of a size that users choose: kubectl apply stores
// the whole object in an annotation, and the API server a list of its fields.
func TestCacheKeepsNothingLarge(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("x", 150_000)
	owner := metav1.OwnerReference{APIVersion: "v1", Kind: "Node", Name: "n", UID: "u", Controller: new(true)}
	full := metav1.ObjectMeta{
		Namespace: "looker", Name: "settings", UID: "uid", ResourceVersion: "1", OwnerReferences: []metav1.OwnerReference{owner},
		Labels: map[string]string{resources.ManagedByLabel: resources.ManagedBy, "helm.sh/chart": large},
		Annotations: map[string]string{
			corev1.LastAppliedConfigAnnotation: large, "meta.helm.sh/release-name": large, "cert-manager.io/certificate-name": "hub",
		},
		ManagedFields: []metav1.ManagedFieldsEntry{{FieldsV1: metav1.NewFieldsV1(`"` + large + `"`)}},
	}
	options := CacheOptions(nil)
	for _, kind := range []client.Object{metadataOf(resources.SecretKind), metadataOf(resources.ConfigMapKind), &v1alpha1.IntegrationHub{}, metadataOf(resources.DeploymentKind)} {
		transform := options.DefaultTransform
		for o, by := range options.ByObject {
			if o.GetObjectKind().GroupVersionKind() == kind.GetObjectKind().GroupVersionKind() && by.Transform != nil {
				transform = by.Transform
			}
		}
		object := kind.DeepCopyObject()
		accessor, err := meta.Accessor(object)
		if err != nil {
			t.Fatal(err)
		}
		setMeta(accessor, full)
		cached, err := transform(object)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(cached)
		if err != nil {
			t.Fatal(err)
		}
		name := object.GetObjectKind().GroupVersionKind().Kind
		if strings.Contains(string(text), corev1.LastAppliedConfigAnnotation) || accessor.GetManagedFields() != nil {
			t.Errorf("the cache keeps the applied configuration or the managed fields of %s", name)
		}
		if name != "Secret" && name != "ConfigMap" {
			continue
		}
		if len(text) > 1000 {
			t.Errorf("the cache keeps %d bytes of a %s", len(text), name)
		}
		want := full
		want.Labels = map[string]string{resources.ManagedByLabel: resources.ManagedBy}
		want.Annotations = map[string]string{"cert-manager.io/certificate-name": "hub"}
		want.ManagedFields = nil
		if diff := cmp.Diff(want, cached.(*metav1.PartialObjectMetadata).ObjectMeta); diff != "" {
			t.Errorf("the metadata that the operator reads of a %s (-want +got):\n%s", name, diff)
		}
	}
}

func setMeta(o metav1.Object, m metav1.ObjectMeta) {
	o.SetNamespace(m.Namespace)
	o.SetName(m.Name)
	o.SetUID(m.UID)
	o.SetResourceVersion(m.ResourceVersion)
	o.SetOwnerReferences(m.OwnerReferences)
	o.SetLabels(m.Labels)
	o.SetAnnotations(m.Annotations)
	o.SetManagedFields(m.ManagedFields)
}
