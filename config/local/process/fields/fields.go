// Package fields reads what the downward API offers of a pod.
package fields

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// Value returns a field of the pod, such as metadata.name or metadata.labels['app'].
func Value(pod *corev1.Pod, path string) (string, error) {
	if field, key, ok := subscript(path); ok {
		switch field {
		case "metadata.labels":
			return pod.Labels[key], nil
		case "metadata.annotations":
			return pod.Annotations[key], nil
		}
	}
	switch path {
	case "metadata.name":
		return pod.Name, nil
	case "metadata.namespace":
		return pod.Namespace, nil
	case "metadata.uid":
		return string(pod.UID), nil
	case "metadata.labels":
		return list(pod.Labels), nil
	case "metadata.annotations":
		return list(pod.Annotations), nil
	case "spec.nodeName":
		return pod.Spec.NodeName, nil
	case "spec.serviceAccountName":
		return pod.Spec.ServiceAccountName, nil
	case "status.hostIP", "status.hostIPs":
		return pod.Status.HostIP, nil
	case "status.podIP", "status.podIPs":
		return pod.Status.PodIP, nil
	}
	return "", fmt.Errorf("unsupported field %q", path)
}

// subscript takes metadata.labels['app'] apart.
func subscript(path string) (field, key string, ok bool) {
	field, rest, ok := strings.Cut(path, "['")
	if !ok {
		return "", "", false
	}
	key, ok = strings.CutSuffix(rest, "']")
	return field, key, ok
}

func list(m map[string]string) string {
	var lines []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		lines = append(lines, k+"="+strconv.Quote(m[k]))
	}
	return strings.Join(lines, "\n")
}

// Resource returns a container's request or limit, divided and rounded up as the selector
// says. Where the container has no limit it is what the node has.
func Resource(pod *corev1.Pod, container string, s *corev1.ResourceFieldSelector, node corev1.ResourceList) (string, error) {
	if s.ContainerName != "" {
		container = s.ContainerName
	}
	all := append(slices.Clone(pod.Spec.InitContainers), pod.Spec.Containers...)
	n := slices.IndexFunc(all, func(c corev1.Container) bool { return c.Name == container })
	if n < 0 {
		return "", fmt.Errorf("no container %q", container)
	}
	which, name, _ := strings.Cut(s.Resource, ".")
	from := map[string]corev1.ResourceList{"limits": all[n].Resources.Limits, "requests": all[n].Resources.Requests}[which]
	quantity, ok := from[corev1.ResourceName(name)]
	if !ok && which == "limits" {
		quantity = node[corev1.ResourceName(name)]
	}
	divisor := s.Divisor
	if divisor.IsZero() {
		divisor = resource.MustParse("1")
	}
	if name == string(corev1.ResourceCPU) {
		return rounded(float64(quantity.MilliValue()) / float64(divisor.MilliValue())), nil
	}
	return rounded(float64(quantity.Value()) / float64(divisor.Value())), nil
}

func rounded(f float64) string { return strconv.FormatInt(int64(math.Ceil(f)), 10) }
