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

// unavailableMessage explains what keeps a deployment's pods from starting; empty where nothing
// does but time. Explanations hold no names of pods: each attempt has another, and the
// condition would change for ever.
func (r *Reconciler) unavailableMessage(ctx context.Context, hub *v1alpha1.IntegrationHub, d *appsv1.Deployment) (string, error) {
	for _, c := range d.Status.Conditions {
		if c.Type == appsv1.DeploymentReplicaFailure && c.Status == corev1.ConditionTrue {
			_, why, ok := strings.Cut(c.Message, " is forbidden: ")
			if !ok {
				why = c.Message
			}
			return "Pods cannot be created: " + short(why), nil
		}
	}
	pods := &corev1.PodList{}
	if err := r.APIReader.List(ctx, pods, client.InNamespace(hub.Namespace), client.MatchingLabels(resources.Selector(hub))); err != nil {
		return "", fmt.Errorf("listing pods: %w", err)
	}
	for i := range pods.Items {
		if why := podFailureMessage(&pods.Items[i]); why != "" {
			return why, nil
		}
	}
	return rolloutStalledMessage(d), nil
}

// rolloutStalledMessage is said of pods that run, and never become ready.
func rolloutStalledMessage(d *appsv1.Deployment) string {
	for _, c := range d.Status.Conditions {
		if c.Type == appsv1.DeploymentProgressing && c.Status == corev1.ConditionFalse {
			return fmt.Sprintf("Pods do not become ready, and nothing says why: see their events and logs (kubectl -n %s describe pods -l %s).", d.Namespace, metav1.FormatLabelSelector(d.Spec.Selector))
		}
	}
	return ""
}

func podFailureMessage(p *corev1.Pod) string {
	// An evicted pod stays in the list, and has a successor that matters.
	if p.DeletionTimestamp != nil || p.Status.Phase == corev1.PodFailed {
		return ""
	}
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && c.Reason == corev1.PodReasonUnschedulable {
			return "A pod finds no node: " + short(c.Message)
		}
	}
	for _, c := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
		if c.Ready {
			continue
		}
		if why := containerFailureMessage(c, p); why != "" {
			return why
		}
	}
	return ""
}

func containerFailureMessage(c corev1.ContainerStatus, p *corev1.Pod) string {
	who := "The hub"
	if c.Name != resources.ContainerName {
		who = "The container " + c.Name + " beside the hub"
	}
	ended := c.LastTerminationState.Terminated
	if c.State.Terminated != nil {
		ended = c.State.Terminated
	}
	waiting := c.State.Waiting
	switch {
	case ended != nil && ended.Reason == "OOMKilled":
		return who + " used more memory than it may, and was ended (OOMKilled): raise the limit, for the hub that of spec.resources."
	case ended != nil && ended.ExitCode != 0:
		// What a container writes may be secret, and more people read a status than logs.
		return fmt.Sprintf("%s exited (%s, exit code %d): see kubectl -n %s logs -l %s=%s -c %s",
			who, ended.Reason, ended.ExitCode, p.Namespace, resources.InstanceLabel, p.Labels[resources.InstanceLabel], c.Name)
	case waiting == nil, waiting.Reason == "ContainerCreating", waiting.Reason == "PodInitializing":
		return ""
	case waiting.Reason == "ErrImagePull", waiting.Reason == "ImagePullBackOff":
		// The kubelet alternates between the two; what they say is the same.
		_, why, ok := strings.Cut(waiting.Message, ": ErrImagePull: ")
		if !ok {
			why = waiting.Message
		}
		return fmt.Sprintf("%s cannot start: ImagePullBackOff: %s: %s", who, c.Image, short(why))
	case slices.Contains(kubeletReasons, waiting.Reason):
		return fmt.Sprintf("%s cannot start: %s: %s", who, waiting.Reason, short(waiting.Message))
	default:
		return fmt.Sprintf("%s cannot start: %s: see kubectl -n %s describe pods -l %s=%s",
			who, waiting.Reason, p.Namespace, resources.InstanceLabel, p.Labels[resources.InstanceLabel])
	}
}

// kubeletReasons are those whose message is the kubelet's own. Others, such as that of a failed
// hook, quote what a container wrote.
var kubeletReasons = []string{
	"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable",
}

// nearEnd is that of a connection, as net.OpError writes it. Its port changes from try to try.
var nearEnd = regexp.MustCompile(`\S+:\d+->`)

// short keeps a foreign text fit for a condition: what changes by itself would have the status
// written again and again.
func short(text string) string {
	return clip(nearEnd.ReplaceAllString(strings.ToValidUTF8(strings.TrimSpace(text), ""), ""), 512)
}

// clip cuts a text that has more bytes than most.
func clip(text string, most int) string {
	if len(text) <= most {
		return text
	}
	const mark = "…"
	return strings.ToValidUTF8(text[:most-len(mark)], "") + mark
}
