package volumes

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

type source struct{ secret map[string][]byte }

func (s source) Secret(_ context.Context, _, name string) (*corev1.Secret, error) {
	if name != "s" || s.secret == nil {
		return nil, apierrors.NewNotFound(schema.GroupResource{Resource: "secrets"}, name)
	}
	return &corev1.Secret{Data: s.secret}, nil
}

func (source) ConfigMap(_ context.Context, _, name string) (*corev1.ConfigMap, error) {
	if name != "c" {
		return nil, apierrors.NewNotFound(schema.GroupResource{Resource: "configmaps"}, name)
	}
	return &corev1.ConfigMap{Data: map[string]string{"a": "1"}, BinaryData: map[string][]byte{"b": {2}}}, nil
}

func (source) Token(_ context.Context, _ *corev1.Pod, spec authenticationv1.TokenRequestSpec) (string, error) {
	return "token for " + spec.BoundObjectRef.Name, nil
}
func (source) Node() corev1.ResourceList { return nil }

func volume(name string, s corev1.VolumeSource) corev1.Volume {
	return corev1.Volume{Name: name, VolumeSource: s}
}

func named(name string) corev1.LocalObjectReference { return corev1.LocalObjectReference{Name: name} }

func TestUpdate(t *testing.T) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", Labels: map[string]string{"app": "x"}}}
	pod.Spec.Volumes = []corev1.Volume{
		volume("secret", corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "s"}}),
		volume("items", corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "s", Items: []corev1.KeyToPath{{Key: "k", Path: "sub/other"}}}}),
		volume("config", corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: named("c")}}),
		volume("optional", corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: named("none"), Optional: new(true)}}),
		volume("empty", corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}),
		volume("api", corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
			{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token"}},
			{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: named("c"), Items: []corev1.KeyToPath{{Key: "a", Path: "ca.crt"}}}},
			{DownwardAPI: &corev1.DownwardAPIProjection{Items: []corev1.DownwardAPIVolumeFile{
				{Path: "app", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.labels['app']"}},
			}}},
		}}}),
	}
	w := Writer{Folder: t.TempDir(), Source: source{map[string][]byte{"k": []byte("v")}}}
	if err := w.Update(context.Background(), pod); err != nil {
		t.Fatal(err)
	}
	check := func(volume string, want map[string]string) {
		t.Helper()
		if diff := cmp.Diff(want, seen(t, w.Folders(pod)[volume])); diff != "" {
			t.Errorf("%s: %s", volume, diff)
		}
	}
	check("secret", map[string]string{"k": "v"})
	check("items", map[string]string{"sub/other": "v"})
	check("config", map[string]string{"a": "1", "b": "\x02"})
	check("optional", map[string]string{})
	check("api", map[string]string{"token": "token for p", "ca.crt": "1", "app": "x"})

	// An emptyDir keeps what is in it; a Secret shows what is new.
	kept := filepath.Join(w.Folders(pod)["empty"], "file")
	if err := os.WriteFile(kept, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w.Source = source{map[string][]byte{"k": []byte("new")}}
	if err := w.Update(context.Background(), pod); err != nil {
		t.Fatal(err)
	}
	check("secret", map[string]string{"k": "new"})
	if _, err := os.Stat(kept); err != nil {
		t.Error(err)
	}
}

func TestUpdateFails(t *testing.T) {
	for name, s := range map[string]corev1.VolumeSource{
		"missing": {Secret: &corev1.SecretVolumeSource{SecretName: "none"}},
		"key":     {ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: named("c"), Items: []corev1.KeyToPath{{Key: "z", Path: "z"}}}},
		"claim":   {PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "x"}},
		"path":    {HostPath: &corev1.HostPathVolumeSource{Path: "/does/not/exist"}},
	} {
		pod := &corev1.Pod{Spec: corev1.PodSpec{Volumes: []corev1.Volume{volume("v", s)}}}
		err := Writer{Folder: t.TempDir(), Source: source{}}.Update(context.Background(), pod)
		if err == nil || errors.Is(err, ErrUnsupported) != (name == "claim") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestUses(t *testing.T) {
	pod := &corev1.Pod{Spec: corev1.PodSpec{Volumes: []corev1.Volume{
		volume("a", corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "s"}}),
		volume("b", corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
			{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: named("c")}},
		}}}),
	}}}
	for what, want := range map[[2]string]bool{{"Secret", "s"}: true, {"ConfigMap", "c"}: true, {"ConfigMap", "s"}: false, {"Secret", "c"}: false} {
		if got := Uses(pod, what[0], what[1]); got != want {
			t.Errorf("Uses(%v) = %v", what, got)
		}
	}
}
