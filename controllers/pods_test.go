package controllers_test

import (
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"integrationhub.dev/api/v1alpha1"
)

// The condition says why pods cannot start, without a container's output, and in a stable wording.
func TestPodsThatCannotStart(t *testing.T) {
	t.Parallel()
	waiting := func(reason, message string) corev1.PodStatus {
		return containerStatus(corev1.ContainerStatus{State: corev1.ContainerState{
			Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message},
		}})
	}
	ended := &corev1.ContainerStateTerminated{Reason: "Error", ExitCode: 1, Message: "hub: the password is hunter2\n"}
	const logs = "see kubectl -n NAMESPACE logs -l app.kubernetes.io/instance=hub -c hub"
	const exited = "The hub exited (Error, exit code 1): " + logs
	for _, tt := range []struct {
		name, want string
		status     corev1.PodStatus
	}{
		{name: "a missing image", want: "The hub cannot start: ImagePullBackOff: hub:test: not found", status: waiting("ErrImagePull", "not found")},
		{
			name: "a missing image, back-off", want: "The hub cannot start: ImagePullBackOff: hub:test: not found",
			status: waiting("ImagePullBackOff", `Back-off pulling image "hub:test": ErrImagePull: not found`),
		},
		{name: "a missing Secret", want: `The hub cannot start: CreateContainerConfigError: secret "x" not found`, status: waiting("CreateContainerConfigError", `secret "x" not found`)},
		{name: "a hub that exited", want: exited, status: containerStatus(corev1.ContainerStatus{State: corev1.ContainerState{Terminated: ended}})},
		{name: "a hub in CrashLoopBackOff", want: exited, status: containerStatus(corev1.ContainerStatus{
			State:                corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: "back-off 10s restarting failed container=hub pod=hub-1-2"}},
			LastTerminationState: corev1.ContainerState{Terminated: ended},
		})},
		{name: "a restarted hub", want: exited, status: containerStatus(corev1.ContainerStatus{
			State:                corev1.ContainerState{Running: &corev1.ContainerStateRunning{}},
			LastTerminationState: corev1.ContainerState{Terminated: ended},
		})},
		{
			name: "a failed hook", want: "The hub cannot start: PostStartHookError: see kubectl -n NAMESPACE describe pods -l app.kubernetes.io/instance=hub",
			status: waiting("PostStartHookError", "command 'cat /secret' exited with 1: hunter2"),
		},
		{name: "unschedulable", want: "Pod cannot be scheduled: 0/3 nodes are available", status: corev1.PodStatus{Conditions: []corev1.PodCondition{{
			Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable, Message: "0/3 nodes are available",
		}}}},
		{
			name: "out of memory", want: "The hub exceeded its memory limit (OOMKilled). Increase spec.resources.limits.memory.",
			status: containerStatus(corev1.ContainerStatus{LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "OOMKilled", ExitCode: 137}}}),
		},
		{
			name: "an exit without output", want: "The hub exited (Error, exit code 2): " + logs,
			status: containerStatus(corev1.ContainerStatus{State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "Error", ExitCode: 2}}}),
		},
		{
			name: "a sidecar", want: "Container proxy cannot start: ImagePullBackOff: proxy:1: not found",
			status: corev1.PodStatus{
				InitContainerStatuses: []corev1.ContainerStatus{
					{Name: "done", Image: "done:1", Ready: true},
					{Name: "proxy", Image: "proxy:1", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImagePull", Message: "not found"}}},
				},
				ContainerStatuses: waiting("PodInitializing", "").ContainerStatuses,
			},
		},
		{
			name: "a registry that is down", want: "The hub cannot start: ImagePullBackOff: hub:test: read udp 10.0.0.10:53: i/o timeout",
			status: waiting("ErrImagePull", "read udp 10.1.2.3:45678->10.0.0.10:53: i/o timeout"),
		},
		{name: "a slow start", want: "", status: waiting("ContainerCreating", "")},
		{name: "an evicted pod", want: "", status: corev1.PodStatus{
			Phase: corev1.PodFailed, Reason: "Evicted",
			ContainerStatuses: []corev1.ContainerStatus{{Name: "hub", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "Error", ExitCode: 137}}}},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.create(f.hub())
			f.reconcile()
			f.issue()
			f.reconcile()
			f.pod(tt.status)
			f.reconcile()
			h := get(f, "hub", &v1alpha1.IntegrationHub{})
			for _, c := range h.Status.Conditions {
				if strings.Contains(c.Message, "hunter2") {
					t.Errorf("%s holds a container's output: %s", c.Type, c.Message)
				}
			}
			got := meta.FindStatusCondition(h.Status.Conditions, v1alpha1.DeploymentAvailable)
			tt.want = strings.ReplaceAll(tt.want, "NAMESPACE", f.namespace)
			switch {
			case tt.want == "" && got.Reason != v1alpha1.Progressing:
				t.Errorf("condition %+v", got)
			case tt.want != "" && (got.Reason != v1alpha1.PodsFailing || got.Message != tt.want):
				t.Errorf("condition %+v, want the message %q", got, tt.want)
			}
		})
	}
}

func TestPodsThatMayNotBeCreated(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.create(f.hub())
	f.reconcile()
	f.issue()
	f.reconcile()
	d := get(f, "hub", &appsv1.Deployment{})
	d.Status.Conditions = []appsv1.DeploymentCondition{{
		Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue, Reason: "FailedCreate",
		Message: `pods "hub-6f7-x8zk2" is forbidden: exceeded quota: small`,
	}}
	if err := api.Status().Update(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	f.reconcile()
	f.want(v1alpha1.DeploymentAvailable, metav1.ConditionFalse, v1alpha1.PodsFailing)
	h := get(f, "hub", &v1alpha1.IntegrationHub{})
	if m := meta.FindStatusCondition(h.Status.Conditions, v1alpha1.Ready).Message; m != "Pods cannot be created: exceeded quota: small" {
		t.Errorf("message %q", m)
	}
}

// Pods that never become ready are reported once the rollout times out.
func TestPodsThatDoNotBecomeReady(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.create(f.hub())
	f.reconcile()
	f.issue()
	f.reconcile()
	d := get(f, "hub", &appsv1.Deployment{})
	d.Status.Conditions = []appsv1.DeploymentCondition{{Type: appsv1.DeploymentProgressing, Status: corev1.ConditionFalse, Reason: "ProgressDeadlineExceeded"}}
	if err := api.Status().Update(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	f.reconcile()
	f.want(v1alpha1.Stalled, metav1.ConditionTrue, v1alpha1.PodsFailing)
	if m, want := f.message(v1alpha1.Ready), "kubectl -n "+f.namespace+" describe pods -l app.kubernetes.io/instance=hub,app.kubernetes.io/name=integration-hub"; !strings.Contains(m, want) {
		t.Errorf("message %q, want %q", m, want)
	}
}

// A hub without pods is not ready, even if the spec asks for none.
func TestNoReplicas(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.hub()
	h.Spec.Replicas = new(int32(0))
	f.create(h)
	f.reconcile()
	f.issue()
	f.reconcile()
	f.want(v1alpha1.Ready, metav1.ConditionFalse, v1alpha1.ScaledToZero)
}

func containerStatus(c corev1.ContainerStatus) corev1.PodStatus {
	c.Name, c.Image = "hub", "hub:test"
	return corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{c}}
}

// pod simulates the Deployment controller and the kubelet, for one pod.
func (f *fixture) pod(status corev1.PodStatus) {
	f.t.Helper()
	template := get(f, "hub", &appsv1.Deployment{}).Spec.Template
	p := &corev1.Pod{ObjectMeta: f.meta("hub-1-2"), Spec: template.Spec}
	p.Labels = template.Labels
	f.create(p)
	p.Status = status
	if err := api.Status().Update(f.t.Context(), p); err != nil {
		f.t.Fatal(err)
	}
}

// What the API server refuses stays refused until the spec changes: the hub is stalled at once, with
// the API server's words. Everything else is applied, and nothing is retried in a hurry.
func TestRefusedByTheAPIServer(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change          func(*v1alpha1.IntegrationHubSpec)
		condition, want string
	}{
		"a NetworkPolicy": {
			condition: v1alpha1.DeploymentAvailable, want: "Applying NetworkPolicy hub: ",
			change: func(s *v1alpha1.IntegrationHubSpec) {
				s.NetworkPolicy = &v1alpha1.NetworkPolicy{From: []networkingv1.NetworkPolicyPeer{{IPBlock: &networkingv1.IPBlock{CIDR: "nonsense"}}}}
			},
		},
		"a volume mount of nowhere": {
			condition: v1alpha1.DeploymentAvailable, want: `spec.template.spec.containers[0].volumeMounts`,
			change: func(s *v1alpha1.IntegrationHubSpec) {
				s.PodTemplate = &runtime.RawExtension{Raw: []byte(`{"spec":{"containers":[{"name":"hub","volumeMounts":[{"name":"nowhere","mountPath":"/x"}]}]}}`)}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.policy.Default.AnyPodTemplate = new(true)
			f.create(f.hub())
			f.ready()
			before := get(f, "hub", &appsv1.Deployment{}).Generation
			f.emitted("")
			f.edit(tt.change)
			f.edit(func(s *v1alpha1.IntegrationHubSpec) {
				s.PodDisruptionBudget = &v1alpha1.PodDisruptionBudget{Disabled: true}
			})
			f.reconcile()
			f.want(tt.condition, metav1.ConditionFalse, v1alpha1.SpecInvalid)
			f.want(v1alpha1.Stalled, metav1.ConditionTrue, v1alpha1.SpecInvalid)
			f.want(v1alpha1.Serving, metav1.ConditionTrue, v1alpha1.Succeeded)
			if got := f.message(v1alpha1.Ready); !strings.Contains(got, tt.want) {
				t.Errorf("message %q, want %q", got, tt.want)
			}
			if n := f.emitted(v1alpha1.SpecInvalid); n != 1 {
				t.Errorf("%d events SpecInvalid, want 1", n)
			}
			if get(f, "hub", &appsv1.Deployment{}).Generation != before {
				t.Error("the running pods were not left alone")
			}
			if err := api.Get(t.Context(), f.key(), &policyv1.PodDisruptionBudget{}); !apierrors.IsNotFound(err) {
				t.Errorf("the rest of the spec was not applied: %v", err)
			}
		})
	}
}

// What may pass by itself is Reconciling until the deadline, and only then Stalled with a warning.
func TestProblemsThatMayPass(t *testing.T) {
	t.Parallel()
	pulling := corev1.ContainerStatus{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImagePull", Message: "not found"}}}
	broken := pulling
	broken.State.Waiting = &corev1.ContainerStateWaiting{Reason: "InvalidImageName", Message: "no image"}
	notReady := func(since time.Duration) []corev1.PodCondition {
		return []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionFalse, LastTransitionTime: metav1.NewTime(time.Now().Add(-since))}}
	}
	unschedulable := []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable, Message: "no node"}}
	for name, tt := range map[string]struct {
		container  corev1.ContainerStatus
		conditions []corev1.PodCondition
		flag       string
		warnings   int
	}{
		"unschedulable":                     {conditions: unschedulable, flag: v1alpha1.Reconciling},
		"an image that is being pulled":     {container: pulling, conditions: notReady(time.Minute), flag: v1alpha1.Reconciling},
		"an image that is not there":        {container: pulling, conditions: notReady(time.Hour), flag: v1alpha1.Stalled, warnings: 1},
		"an image whose name is not one":    {container: broken, conditions: notReady(time.Second), flag: v1alpha1.Stalled, warnings: 1},
		"a container that exits":            {container: exited(1), conditions: notReady(time.Second), flag: v1alpha1.Reconciling},
		"a container that exits repeatedly": {container: exited(3), conditions: notReady(time.Second), flag: v1alpha1.Stalled, warnings: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.create(f.hub())
			f.reconcile()
			f.issue()
			f.reconcile()
			status := containerStatus(tt.container)
			if tt.container.State == (corev1.ContainerState{}) && tt.container.RestartCount == 0 {
				status = corev1.PodStatus{}
			}
			status.Conditions = tt.conditions
			f.pod(status)
			f.reconcile()
			f.want(v1alpha1.DeploymentAvailable, metav1.ConditionFalse, v1alpha1.PodsFailing)
			f.want(tt.flag, metav1.ConditionTrue, v1alpha1.PodsFailing)
			warnings := 0
			for len(f.events.Events) > 0 {
				if strings.HasPrefix(<-f.events.Events, "Warning PodsFailing ") {
					warnings++
				}
			}
			if warnings != tt.warnings {
				t.Errorf("%d warnings, want %d", warnings, tt.warnings)
			}
		})
	}
}

func exited(restarts int32) corev1.ContainerStatus {
	return corev1.ContainerStatus{RestartCount: restarts, LastTerminationState: corev1.ContainerState{
		Terminated: &corev1.ContainerStateTerminated{Reason: "Error", ExitCode: 1},
	}}
}
