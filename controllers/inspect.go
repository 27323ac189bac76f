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

// inspect puts into the status what a running hub reports. That none can be asked changes
// nothing: Looker may reach what the operator cannot.
func (r *Reconciler) inspect(ctx context.Context, rd *round) {
	if r.Hubs == nil {
		return
	}
	report, err := r.report(ctx, rd.hub)
	if err != nil {
		ctrl.LoggerFrom(ctx).V(1).Info("no running hub could be asked", "error", err.Error())
		return
	}
	rd.status.ObservedVersion = report.Version
	rd.status.Integrations = integrationStatus(report, resources.NamedIntegrations(rd.hub))
	rd.set(v1alpha1.IntegrationsReady, rd.offered())
}

// offered tells whether everything that the spec enables by name was on offer when a running
// hub was last asked.
func (rd *round) offered() outcome {
	wanted := resources.NamedIntegrations(rd.hub)
	var missing []string
	for _, i := range rd.status.Integrations {
		if !i.Offered && slices.Contains(wanted, i.Name) {
			missing = append(missing, i.Name+" ("+i.Reason+")")
		}
	}
	if len(missing) > 0 {
		rd.again(pollInterval)
		return notDone(v1alpha1.SettingsMissing,
			"The hub does not offer %s. Set what is missing in settings or secretRef of spec.integrations.", strings.Join(missing, ", "))
	}
	if n := len(resources.EnabledIntegrations(rd.hub)); n > 0 {
		return done(fmt.Sprintf("%d integrations are on offer.", n))
	}
	return done("All integrations that need no settings are on offer, but for those that the spec disables.")
}

// integrationStatus are the integrations on offer, and those that are wanted and are not.
func integrationStatus(report hubclient.Report, wanted []string) []v1alpha1.IntegrationStatus {
	var list []v1alpha1.IntegrationStatus
	for _, name := range report.Integrations.On {
		list = append(list, v1alpha1.IntegrationStatus{Name: name, Offered: true})
	}
	for name, reason := range report.Integrations.Off {
		if slices.Contains(wanted, name) {
			list = append(list, v1alpha1.IntegrationStatus{Name: name, Reason: short(reason)})
		}
	}
	slices.SortFunc(list, func(a, b v1alpha1.IntegrationStatus) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// report asks the first hub that takes deliveries.
func (r *Reconciler) report(ctx context.Context, hub *v1alpha1.IntegrationHub) (hubclient.Report, error) {
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
