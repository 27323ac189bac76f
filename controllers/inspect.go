package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/hubclient"
	"integrationhub.dev/controllers/resources"
)

// Inspector reads the status of a running hub.
type Inspector interface {
	Inspect(ctx context.Context, pod *corev1.Pod) (hubclient.Report, error)
}

// inspect returns what a running hub reports, or nil if none answers. That is not a failure:
// Looker may reach hubs that the operator cannot.
func (r *Reconciler) inspect(ctx context.Context, hub *v1alpha1.IntegrationHub) *hubclient.Report {
	if r.Hubs == nil {
		return nil
	}
	report, err := r.readReport(ctx, hub)
	if err != nil {
		ctrl.LoggerFrom(ctx).V(1).Info("no running hub answered", "error", err.Error())
		return nil
	}
	return &report
}

// settingsMissing returns an error while a running hub does not offer an integration that the
// spec enables by name.
func (s *scope) settingsMissing() error {
	named := resources.NamedIntegrations(s.hub)
	var missing []string
	for _, i := range s.integrations() {
		if !i.Offered && slices.Contains(named, i.Name) {
			missing = append(missing, i.Name+" ("+i.Reason+")")
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return &stalledError{
		reason: v1alpha1.SettingsMissing,
		message: "The hub does not offer " + strings.Join(missing, ", ") +
			". Add the missing settings to settings or secretRef of spec.integrations.",
		requeueAfter: pollInterval,
	}
}

func (s *scope) offeredMessage() string {
	if n := len(resources.EnabledIntegrations(s.hub)); n > 0 {
		return fmt.Sprintf("%d integrations are offered.", n)
	}
	return "All integrations that need no settings are offered, except those that the spec disables."
}

// integrationStatus lists the offered integrations, and those that the spec names and the hub does
// not offer.
func integrationStatus(report hubclient.Report, named []string) []v1alpha1.IntegrationStatus {
	var list []v1alpha1.IntegrationStatus
	for _, name := range report.Integrations.On {
		list = append(list, v1alpha1.IntegrationStatus{Name: name, Offered: true})
	}
	for name, reason := range report.Integrations.Off {
		if slices.Contains(named, name) {
			list = append(list, v1alpha1.IntegrationStatus{Name: name, Reason: sanitize(reason)})
		}
	}
	slices.SortFunc(list, func(a, b v1alpha1.IntegrationStatus) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// readReport reads the report of the first ready pod.
func (r *Reconciler) readReport(ctx context.Context, hub *v1alpha1.IntegrationHub) (hubclient.Report, error) {
	pods := &corev1.PodList{}
	if err := r.APIReader.List(ctx, pods, client.InNamespace(hub.Namespace), client.MatchingLabels(resources.Selector(hub))); err != nil {
		return hubclient.Report{}, fmt.Errorf("listing pods: %w", err)
	}
	for i := range pods.Items {
		pod := &pods.Items[i]
		if pod.DeletionTimestamp == nil && pod.Status.PodIP != "" && isReady(pod) {
			return r.Hubs.Inspect(ctx, pod)
		}
	}
	return hubclient.Report{}, errors.New("no pod is ready")
}

func isReady(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}
