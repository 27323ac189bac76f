package resources_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/resources"
)

// OpenShift's restricted-v2 refuses pods that set a user or a group outside the namespace's range, so the
// pods set none. Where a platform needs them, spec.podTemplate sets them, and the pods stay restricted.
func TestUserAndGroups(t *testing.T) {
	t.Parallel()
	hub := &v1alpha1.IntegrationHub{
		ObjectMeta: metav1.ObjectMeta{Name: "hub", Namespace: "looker"},
		Spec:       v1alpha1.IntegrationHubSpec{TLS: v1alpha1.TLS{SecretName: "tls"}},
	}
	pod := func() *podIDs {
		d, err := resources.Deployment(resources.Inputs{Hub: hub, Image: "hub:test"})
		if err != nil {
			t.Fatal(err)
		}
		spec := d.Spec.Template.Spec
		for _, v := range spec.Volumes {
			if v.Projected != nil && v.Projected.DefaultMode != nil || v.Secret != nil && v.Secret.DefaultMode != nil || v.ConfigMap != nil && v.ConfigMap.DefaultMode != nil {
				t.Errorf("volume %s has a mode of its own: any user must be able to read it", *v.Name)
			}
		}
		c := spec.SecurityContext
		if !*c.RunAsNonRoot || *c.SeccompProfile.Type != "RuntimeDefault" {
			t.Errorf("the pods are not restricted: %+v", c)
		}
		return &podIDs{c.RunAsUser, c.RunAsGroup, c.FSGroup}
	}
	if got := pod(); got.user != nil || got.group != nil || got.fsGroup != nil {
		t.Errorf("the pods set IDs: %+v", got)
	}
	hub.Spec.PodTemplate = &runtime.RawExtension{Raw: []byte(`{"spec":{"securityContext":{"runAsUser":1000,"runAsGroup":1001,"fsGroup":1002}}}`)}
	if got := pod(); *got.user != 1000 || *got.group != 1001 || *got.fsGroup != 1002 {
		t.Errorf("the pods do not have the IDs of spec.podTemplate: %+v", got)
	}
}

// podIDs is the user and the groups of a pod.
type podIDs struct{ user, group, fsGroup *int64 }
