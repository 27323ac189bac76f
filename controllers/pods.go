package controllers

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/resources"
	"integrationhub.dev/controllers/statustext"
)

// podProblem is why pods do not become available. The message contains no pod names: every attempt
// has a new one, and the condition would never settle.
type podProblem struct {
	message string
	// permanent problems do not pass by themselves.
	permanent bool
	since     time.Time
}

// lasts reports whether the problem is for an admin to solve.
func (p *podProblem) lasts(deadline time.Duration) bool {
	return p.permanent || time.Since(p.since) > deadline
}

// podProblem returns why pods do not become available; nil if they only need time.
func (r *Reconciler) podProblem(ctx context.Context, hub *v1alpha1.IntegrationHub, d *appsv1.Deployment) (*podProblem, error) {
	for _, c := range d.Status.Conditions {
		if c.Type == appsv1.DeploymentReplicaFailure && c.Status == corev1.ConditionTrue {
			_, why, ok := strings.Cut(c.Message, " is forbidden: ")
			if !ok {
				why = c.Message
			}
			return &podProblem{
				message: "Pods cannot be created: " + sanitize(why), permanent: !passes(c.Message), since: c.LastTransitionTime.Time,
			}, nil
		}
	}
	pods := &corev1.PodList{}
	if err := r.APIReader.List(ctx, pods, client.InNamespace(hub.Namespace), client.MatchingLabels(resources.Selector(hub))); err != nil {
		return nil, fmt.Errorf("listing pods: %w", err)
	}
	var first *podProblem
	for i := range pods.Items {
		switch found := problemOf(&pods.Items[i]); {
		case found == nil:
		case found.lasts(resources.ProgressDeadline(hub)):
			return found, nil
		case first == nil:
			first = found
		}
	}
	if late := rolloutProblem(d); late != nil {
		if first != nil {
			late.message = first.message
		}
		return late, nil
	}
	return first, nil
}

// passes reports whether pods may be created later without a change of the spec.
func passes(refusal string) bool {
	return slices.ContainsFunc([]string{"exceeded quota", "failed calling webhook", "timed out", "timeout"}, func(text string) bool {
		return strings.Contains(refusal, text)
	})
}

// rolloutProblem is for a rollout that exceeded its deadline.
func rolloutProblem(d *appsv1.Deployment) *podProblem {
	for _, c := range d.Status.Conditions {
		if c.Type == appsv1.DeploymentProgressing && c.Status == corev1.ConditionFalse {
			return &podProblem{permanent: true, message: fmt.Sprintf(
				"The rollout timed out: pods do not become ready. Check their events and logs (kubectl -n %s describe pods -l %s).",
				d.Namespace, metav1.FormatLabelSelector(d.Spec.Selector))}
		}
	}
	return nil
}

// problemOf returns why a pod does not become ready; nil if it only needs time.
func problemOf(p *corev1.Pod) *podProblem {
	// An evicted pod stays in the list after it has been replaced.
	if p.DeletionTimestamp != nil || p.Status.Phase == corev1.PodFailed {
		return nil
	}
	since := p.CreationTimestamp.Time
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && c.Reason == corev1.PodReasonUnschedulable {
			return &podProblem{message: "Pod cannot be scheduled: " + sanitize(c.Message), since: since}
		}
		if c.Type == corev1.PodReady && c.Status == corev1.ConditionFalse {
			since = c.LastTransitionTime.Time
		}
	}
	for _, c := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
		if c.Ready {
			continue
		}
		if message := containerFailureMessage(c, p); message != "" {
			return &podProblem{message: message, permanent: isPermanent(c), since: since}
		}
	}
	return nil
}

// maxRestarts is how often a container may exit before that is taken for permanent.
const maxRestarts = 3

// isPermanent reports whether a container cannot start before an admin changes something.
func isPermanent(c corev1.ContainerStatus) bool {
	if c.RestartCount >= maxRestarts {
		return true
	}
	return c.State.Waiting != nil && slices.Contains(permanentReasons, c.State.Waiting.Reason)
}

// permanentReasons are the kubelet's reasons for what does not pass by itself.
var permanentReasons = []string{"CreateContainerConfigError", "InvalidImageName", "ErrImageNeverPull"}

func containerFailureMessage(c corev1.ContainerStatus, p *corev1.Pod) string {
	name := "The hub"
	if c.Name != resources.ContainerName {
		name = "Container " + c.Name
	}
	terminated := c.LastTerminationState.Terminated
	if c.State.Terminated != nil {
		terminated = c.State.Terminated
	}
	waiting := c.State.Waiting
	switch {
	case terminated != nil && terminated.Reason == "OOMKilled" && c.Name == resources.ContainerName:
		return name + " exceeded its memory limit (OOMKilled). Increase spec.resources.limits.memory."
	case terminated != nil && terminated.Reason == "OOMKilled":
		return name + " exceeded its memory limit (OOMKilled). Increase the limit."
	case terminated != nil && terminated.ExitCode != 0:
		// A container's output may contain secrets, and more people can read a status than logs.
		return fmt.Sprintf("%s exited (%s, exit code %d): see kubectl -n %s logs -l %s=%s -c %s",
			name, terminated.Reason, terminated.ExitCode, p.Namespace, resources.InstanceLabel, p.Labels[resources.InstanceLabel], c.Name)
	case waiting == nil, waiting.Reason == "ContainerCreating", waiting.Reason == "PodInitializing":
		return ""
	case waiting.Reason == "ErrImagePull", waiting.Reason == "ImagePullBackOff":
		// The kubelet alternates between the two reasons; one wording keeps the condition stable.
		_, why, ok := strings.Cut(waiting.Message, ": ErrImagePull: ")
		if !ok {
			why = waiting.Message
		}
		return fmt.Sprintf("%s cannot start: ImagePullBackOff: %s: %s", name, c.Image, sanitize(why))
	case slices.Contains(kubeletReasons, waiting.Reason):
		return fmt.Sprintf("%s cannot start: %s: %s", name, waiting.Reason, sanitize(waiting.Message))
	default:
		return fmt.Sprintf("%s cannot start: %s: see kubectl -n %s describe pods -l %s=%s",
			name, waiting.Reason, p.Namespace, resources.InstanceLabel, p.Labels[resources.InstanceLabel])
	}
}

// kubeletReasons are the reasons whose message comes from the kubelet. The message of others, such
// as that of a failed hook, may quote a container's output.
var kubeletReasons = []string{
	"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable",
}

const maxForeignText = 512

// sanitize prepares text from other programs for a condition: bounded, valid UTF-8, and without
// parts that would change, and be written again, with every attempt.
func sanitize(text string) string {
	return statustext.Truncate(statustext.WithoutLocalAddress(strings.ToValidUTF8(strings.TrimSpace(text), "")), maxForeignText)
}
