package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
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
	// AcceptsSecret reports whether a pod accepts tokens of a service secret.
	AcceptsSecret(ctx context.Context, pod *corev1.Pod, secret []byte) (bool, error)
}

// maxInspectedPods bounds the requests for one reconcile.
const maxInspectedPods = 32

// inspect reads what all ready pods report: each loads no-code integrations at its own time, and their versions can
// differ. It is not a failure if none answers: Looker may reach hubs that the operator cannot.
func (r *Reconciler) inspect(ctx context.Context, s *scope) {
	if r.Hubs == nil {
		return
	}
	pods, err := r.readyPods(ctx, s.hub)
	if err == nil && len(pods) == 0 {
		err = errors.New("no pod is ready")
	}
	if err != nil {
		logNoReport(ctx, err)
		return
	}
	asked := min(len(pods), maxInspectedPods)
	reports, errs := make([]hubclient.Report, asked), make([]error, asked)
	var group errgroup.Group
	for i := range asked {
		group.Go(func() error {
			reports[i], errs[i] = r.Hubs.Inspect(ctx, &pods[i])
			return nil
		})
	}
	_ = group.Wait() // errs has the errors
	s.versions = versionsOf(reports)
	if n := slices.Index(errs, nil); n >= 0 {
		s.report = &reports[n]
	}
	if err := errors.Join(errs...); err != nil {
		logNoReport(ctx, err)
		return
	}
	s.reports = reports
}

// versionsOf returns the versions that pods report, each once.
func versionsOf(reports []hubclient.Report) []string {
	var versions []string
	for _, r := range reports {
		if r.Version != "" { // it did not answer
			versions = append(versions, r.Version)
		}
	}
	slices.Sort(versions)
	return slices.Compact(versions)
}

func logNoReport(ctx context.Context, err error) {
	ctrl.LoggerFrom(ctx).V(1).Info("a running hub did not respond", "error", err.Error())
}

// offeredOutcome returns the error of the step integrations, or what a running hub reports: that it
// does not offer an integration that the spec enables by name, or nothing yet.
func (s *scope) offeredOutcome() error {
	if err := s.results[v1alpha1.IntegrationsReady]; err != nil {
		return err
	}
	var missing []string
	reported := s.report != nil || s.hub.Status.ObservedVersion != ""
	list := s.integrations()
	for _, name := range resources.NamedIntegrations(s.hub) {
		i := slices.IndexFunc(list, func(i v1alpha1.IntegrationStatus) bool { return i.Name == name })
		switch {
		case i < 0:
			reported = false
		case !list[i].Offered:
			missing = append(missing, name+" ("+list[i].Reason+")")
		}
	}
	switch {
	case len(missing) > 0:
		return &stalledError{
			reason: v1alpha1.SettingsMissing,
			message: "These integrations are not available: " + strings.Join(missing, ", ") +
				". Add or correct their settings in settings or secretRef of spec.integrations.",
			requeueAfter: pollInterval,
		}
	case !reported:
		return &unknownError{reason: v1alpha1.Pending, message: "No running hub has reported its integrations yet."}
	}
	return nil
}

func (s *scope) offeredMessage() string {
	if n := len(resources.EnabledIntegrations(s.hub)); n > 0 {
		return fmt.Sprintf("%d integrations are available.", n)
	}
	return "All integrations that need no settings are available, except those that the spec disables."
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

// readyPods returns the pods of a hub that can be asked.
func (r *Reconciler) readyPods(ctx context.Context, hub *v1alpha1.IntegrationHub) ([]corev1.Pod, error) {
	pods := &corev1.PodList{}
	if err := r.APIReader.List(ctx, pods, client.InNamespace(hub.Namespace), client.MatchingLabels(resources.Selector(hub))); err != nil {
		return nil, fmt.Errorf("listing pods: %w", err)
	}
	return slices.DeleteFunc(pods.Items, func(p corev1.Pod) bool {
		return p.DeletionTimestamp != nil || p.Status.PodIP == "" || !isReady(&p)
	}), nil
}

func isReady(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}
