package controllers

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/resources"
)

// unavailableMessage explains why pods do not become available; empty if they only need time. It
// contains no pod names: every attempt has a new one, and the condition would never settle.
func (r *Reconciler) unavailableMessage(ctx context.Context, hub *v1alpha1.IntegrationHub, d *appsv1.Deployment) (string, error) {
	for _, c := range d.Status.Conditions {
		if c.Type == appsv1.DeploymentReplicaFailure && c.Status == corev1.ConditionTrue {
			_, why, ok := strings.Cut(c.Message, " is forbidden: ")
			if !ok {
				why = c.Message
			}
			return "Pods cannot be created: " + sanitize(why), nil
		}
	}
	pods := &corev1.PodList{}
	if err := r.APIReader.List(ctx, pods, client.InNamespace(hub.Namespace), client.MatchingLabels(resources.Selector(hub))); err != nil {
		return "", fmt.Errorf("listing pods: %w", err)
	}
	for i := range pods.Items {
		if message := podFailureMessage(&pods.Items[i]); message != "" {
			return message, nil
		}
	}
	return rolloutStalledMessage(d), nil
}

// rolloutStalledMessage is for pods that run and never become ready.
func rolloutStalledMessage(d *appsv1.Deployment) string {
	for _, c := range d.Status.Conditions {
		if c.Type == appsv1.DeploymentProgressing && c.Status == corev1.ConditionFalse {
			return fmt.Sprintf("The rollout timed out: pods do not become ready. Check their events and logs (kubectl -n %s describe pods -l %s).",
				d.Namespace, metav1.FormatLabelSelector(d.Spec.Selector))
		}
	}
	return ""
}

func podFailureMessage(p *corev1.Pod) string {
	// An evicted pod stays in the list after it has been replaced.
	if p.DeletionTimestamp != nil || p.Status.Phase == corev1.PodFailed {
		return ""
	}
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && c.Reason == corev1.PodReasonUnschedulable {
			return "Pod cannot be scheduled: " + sanitize(c.Message)
		}
	}
	for _, c := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
		if c.Ready {
			continue
		}
		if message := containerFailureMessage(c, p); message != "" {
			return message
		}
	}
	return ""
}

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

// localAddress is the near end of a connection as net.OpError formats it. Its port changes with
// every attempt.
var localAddress = regexp.MustCompile(`\S+:\d+->`)

const maxForeignText = 512

// sanitize prepares text from other programs for a condition: bounded, valid UTF-8, and without
// parts that would change, and be written again, with every attempt.
func sanitize(text string) string {
	return truncate(localAddress.ReplaceAllString(strings.ToValidUTF8(strings.TrimSpace(text), ""), ""), maxForeignText)
}

// truncate limits a text to maxBytes.
func truncate(text string, maxBytes int) string {
	if len(text) <= maxBytes {
		return text
	}
	const mark = "…"
	return strings.ToValidUTF8(text[:maxBytes-len(mark)], "") + mark
}
