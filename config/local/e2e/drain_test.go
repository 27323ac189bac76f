//go:build e2e

package e2e

import (
	"context"
	"os/exec"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// A node is drained with kubectl under a stream of executes, and then the other node's pods of the hub
// move to it. The receiver and the cluster's DNS run on the first node, so that only the hub moves.
func TestNodeDrainLosesNothing(t *testing.T) {
	nodes := &corev1.NodeList{}
	if err := cluster.List(t.Context(), nodes); err != nil {
		t.Fatal(err)
	}
	if len(nodes.Items) != 2 {
		t.Fatalf("%d nodes, want 2: see e2e/run", len(nodes.Items))
	}
	waitReady(t, "actions")
	l := newLooker(t)
	reachable(t, l)
	t.Cleanup(func() {
		for _, node := range []string{"node1", "node2"} {
			kubectl(t, "uncordon", node)
		}
	})
	spread(t)
	losesNothing(t, l, "/hooks/drain", func() {
		kubectl(t, "drain", "node2", "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=5m")
		settledOn(t, "node1")
		kubectl(t, "uncordon", "node2")
		kubectl(t, "cordon", "node1")
		for _, pod := range runningPods(t) {
			evict(t, &pod)
		}
		settledOn(t, "node2")
		kubectl(t, "uncordon", "node1")
	})
}

// spread moves pods until both nodes have one.
func spread(t *testing.T) {
	t.Helper()
	for range 3 {
		pods := runningPods(t)
		if slices.ContainsFunc(pods, func(p corev1.Pod) bool { return p.Spec.NodeName == "node2" }) {
			return
		}
		evict(t, &pods[0])
		waitReady(t, "actions")
	}
	t.Fatal("no pod of the hub runs on node2")
}

// runningPods returns the pods of the hub that are not terminating.
func runningPods(t *testing.T) []corev1.Pod {
	t.Helper()
	return slices.DeleteFunc(hubPods(t), func(p corev1.Pod) bool { return p.DeletionTimestamp != nil })
}

// settledOn waits until all pods of the hub are ready on one node.
func settledOn(t *testing.T, node string) {
	t.Helper()
	eventually(t, 3*time.Minute, func() string {
		d, pods := deployment(t, "actions"), runningPods(t)
		for _, p := range pods {
			if p.Spec.NodeName != node {
				return p.Name + " runs on " + p.Spec.NodeName
			}
		}
		if want := int(*d.Spec.Replicas); len(pods) != want || int(d.Status.AvailableReplicas) != want {
			return "the pods have not moved"
		}
		return ""
	})
	waitReady(t, "actions")
}

// evict evicts a pod as soon as its disruption budget allows it.
func evict(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	eventually(t, time.Minute, func() string {
		err := cluster.SubResource("eviction").Create(t.Context(), pod, &policyv1.Eviction{})
		switch {
		case apierrors.IsTooManyRequests(err): // the previous pod has no successor yet
			return "the budget never allows the eviction of " + pod.Name
		case client.IgnoreNotFound(err) != nil:
			t.Fatal(err)
		}
		return ""
	})
}

func kubectl(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(context.WithoutCancel(t.Context()), "kubectl", args...).CombinedOutput(); err != nil {
		t.Errorf("kubectl %v: %v\n%s", args, err, out)
	}
}
