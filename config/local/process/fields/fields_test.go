package fields

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func pod() *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: "web-1", Namespace: "shop", UID: "u", Labels: map[string]string{"b": "2", "a": `"1"`},
			Annotations: map[string]string{"example.com/note": "x"},
		},
		Spec: corev1.PodSpec{NodeName: "n", ServiceAccountName: "sa", Containers: []corev1.Container{{
			Name: "web", Resources: corev1.ResourceRequirements{
				Limits:   corev1.ResourceList{"cpu": resource.MustParse("1500m")},
				Requests: corev1.ResourceList{"memory": resource.MustParse("100Mi")},
			},
		}}},
		Status: corev1.PodStatus{HostIP: "10.250.0.1", PodIP: "10.244.0.2"},
	}
}

func TestValue(t *testing.T) {
	for path, want := range map[string]string{
		"metadata.name": "web-1", "metadata.namespace": "shop", "metadata.uid": "u",
		"metadata.labels": "a=\"\\\"1\\\"\"\nb=\"2\"", "metadata.labels['b']": "2", "metadata.labels['none']": "",
		"metadata.annotations['example.com/note']": "x", "spec.nodeName": "n", "spec.serviceAccountName": "sa",
		"status.hostIP": "10.250.0.1", "status.podIP": "10.244.0.2",
	} {
		if got, err := Value(pod(), path); err != nil || got != want {
			t.Errorf("Value(%s) = %q, %v, want %q", path, got, err, want)
		}
	}
	for _, path := range []string{"spec.containers", "metadata.finalizers['a']", ""} {
		if got, err := Value(pod(), path); err == nil {
			t.Errorf("Value(%s) = %q", path, got)
		}
	}
}

func TestResource(t *testing.T) {
	node := corev1.ResourceList{"memory": resource.MustParse("1Gi")}
	for _, c := range []struct{ resource, divisor, want string }{
		{"limits.cpu", "", "2"},
		{"limits.cpu", "1m", "1500"},
		{"requests.memory", "1Mi", "100"},
		{"limits.memory", "", "1073741824"},
		{"requests.cpu", "", "0"},
	} {
		s := &corev1.ResourceFieldSelector{Resource: c.resource}
		if c.divisor != "" {
			s.Divisor = resource.MustParse(c.divisor)
		}
		if got, err := Resource(pod(), "web", s, node); err != nil || got != c.want {
			t.Errorf("%s by %s = %s, %v, want %s", c.resource, c.divisor, got, err, c.want)
		}
	}
	if _, err := Resource(pod(), "other", &corev1.ResourceFieldSelector{Resource: "limits.cpu"}, node); err == nil {
		t.Error("no error for a container that is not there")
	}
}
