package environment

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

type source struct{}

func (source) Secret(_ context.Context, _, name string) (*corev1.Secret, error) {
	if name != "s" {
		return nil, apierrors.NewNotFound(schema.GroupResource{Resource: "secrets"}, name)
	}
	return &corev1.Secret{Data: map[string][]byte{"PASSWORD": []byte("word")}}, nil
}

func (source) ConfigMap(_ context.Context, _, name string) (*corev1.ConfigMap, error) {
	if name != "c" {
		return nil, apierrors.NewNotFound(schema.GroupResource{Resource: "configmaps"}, name)
	}
	return &corev1.ConfigMap{Data: map[string]string{"COLOR": "red", "SIZE": "1"}}, nil
}

func (source) Token(context.Context, *corev1.Pod, authenticationv1.TokenRequestSpec) (string, error) {
	return "", nil
}
func (source) Node() corev1.ResourceList { return nil }

func secretKey(name, key string, optional bool) *corev1.EnvVarSource {
	return &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
		LocalObjectReference: corev1.LocalObjectReference{Name: name}, Key: key, Optional: &optional,
	}}
}

func TestOf(t *testing.T) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "n"}}
	c := &corev1.Container{
		Name: "c",
		EnvFrom: []corev1.EnvFromSource{
			{Prefix: "X_", ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "c"}}},
			{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "none"}, Optional: new(true)}},
		},
		Env: []corev1.EnvVar{
			{Name: "X_SIZE", Value: "2"},
			{Name: "NAME", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.name"}}},
			{Name: "PASSWORD", ValueFrom: secretKey("s", "PASSWORD", false)},
			{Name: "NONE", ValueFrom: secretKey("s", "OTHER", true)},
			{Name: "NEITHER", ValueFrom: secretKey("none", "OTHER", true)},
			{Name: "URL", Value: "http://$(NAME).$(UNKNOWN)/$$(NAME)/$(X_COLOR)/$(WEB_SERVICE_HOST)"},
		},
	}
	got, err := Of(context.Background(), pod, c, map[string]string{"WEB_SERVICE_HOST": "10.96.0.7"}, source{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"X_COLOR": "red", "X_SIZE": "2", "NAME": "p", "PASSWORD": "word", "WEB_SERVICE_HOST": "10.96.0.7",
		"URL": "http://p.$(UNKNOWN)/$(NAME)/red/10.96.0.7",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, from := range []*corev1.EnvVarSource{secretKey("none", "PASSWORD", false), secretKey("s", "OTHER", false), {}} {
		c := &corev1.Container{Env: []corev1.EnvVar{{Name: "A", ValueFrom: from}}}
		if got, err := Of(context.Background(), pod, c, nil, source{}); err == nil || !strings.Contains(err.Error(), "A: ") {
			t.Errorf("Of = %v, %v", got, err)
		}
	}
}

func TestExpand(t *testing.T) {
	env := map[string]string{"A": "1", "B": "$(A)"}
	for text, want := range map[string]string{
		"": "", "$": "$", "$$": "$", "$(A)": "1", "$$(A)": "$(A)", "$$$(A)": "$1", "$(B)": "$(A)", "$(C)": "$(C)",
		"$(A": "$(A", "a$b": "a$b", "x$(A)y$(A)": "x1y1", "$A)": "$A)",
	} {
		if got := Expand(text, env); got != want {
			t.Errorf("Expand(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestServices(t *testing.T) {
	got := Services([]*corev1.Service{
		{ObjectMeta: metav1.ObjectMeta{Name: "my-web"}, Spec: corev1.ServiceSpec{
			ClusterIP: "10.96.0.7", Ports: []corev1.ServicePort{{Name: "https", Port: 443}},
		}},
		{ObjectMeta: metav1.ObjectMeta{Name: "headless"}, Spec: corev1.ServiceSpec{
			ClusterIP: "None", Ports: []corev1.ServicePort{{Port: 443}},
		}},
	})
	want := map[string]string{"MY_WEB_SERVICE_HOST": "10.96.0.7", "MY_WEB_SERVICE_PORT": "443", "MY_WEB_SERVICE_PORT_HTTPS": "443"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
