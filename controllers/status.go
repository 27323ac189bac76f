package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	ctrl "sigs.k8s.io/controller-runtime"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/conditions"
	"integrationhub.dev/controllers/resources"
)

// conditions are those of a status of the hub.
func (s *scope) conditions(status *v1alpha1.IntegrationHubStatus) conditions.Conditions {
	return conditions.Conditions{List: &status.Conditions, Generation: s.hub.Generation}
}

// pausedStatus is the status of a paused hub: only its pods are observed. The other conditions keep
// their values.
func pausedStatus(s *scope) *v1alpha1.IntegrationHubStatus {
	status := s.hub.Status.DeepCopy()
	status.ObservedGeneration = s.hub.Generation
	setReplicas(status, s)
	setServing(status, s)
	s.conditions(status).Set(v1alpha1.Paused, metav1.ConditionTrue, v1alpha1.SpecPaused,
		"spec.paused is true. Reconciliation is suspended, and conditions other than Serving may be out of date.")
	return status
}

// newStatus computes the whole status from the facts of a reconcile.
func newStatus(s *scope, outcomes []outcome) *v1alpha1.IntegrationHubStatus {
	status := s.hub.Status.DeepCopy()
	setFields(status, s)
	for _, o := range outcomes {
		setPart(s.conditions(status), o)
	}
	setServing(status, s)
	setSummary(s.conditions(status), outcomes)
	setRolloutPending(status, s)
	meta.RemoveStatusCondition(&status.Conditions, v1alpha1.Paused)
	status.ObservedGeneration = s.hub.Generation
	return status
}

// setFields sets everything but the conditions. What was not observed keeps its value.
func setFields(status *v1alpha1.IntegrationHubStatus, s *scope) {
	status.Selector = labels.SelectorFromSet(resources.Selector(s.hub)).String()
	status.Defaults = s.defaults
	status.LastHandledReconcileAt = s.hub.Annotations[v1alpha1.ReconcileAtAnnotation]
	if s.accepted() {
		status.URL = resources.BaseURL(s.hub)
	}
	if s.results[v1alpha1.CredentialsReady] == nil {
		status.TokenSecretRef = new(resources.TokenSecretRef(s.hub))
		status.ServiceSecretRef = new(resources.ServiceSecretRef(s.hub))
		status.NewServiceSecret = s.hub.Annotations[v1alpha1.NewServiceSecretAnnotation]
	}
	if s.certificate != nil {
		status.CertificateNotAfter = s.certificate.notAfter
	}
	status.PreviousTokenRegistrations = s.previousTokenUsers
	status.CustomIntegrations = s.customStatus()
	setReplicas(status, s)
	if s.report != nil {
		status.ObservedVersion = strings.Join(s.versions, ", ")
		status.Integrations = s.integrations()
	}
}

func setReplicas(status *v1alpha1.IntegrationHubStatus, s *scope) {
	if s.workload == nil {
		return
	}
	status.Replicas, status.ReadyReplicas = 0, 0
	if d := s.workload.deployment; d != nil {
		status.Replicas, status.ReadyReplicas = d.Status.Replicas, d.Status.ReadyReplicas
	}
}

// setServing sets the condition that says whether Looker can use the hub at all.
func setServing(status *v1alpha1.IntegrationHubStatus, s *scope) {
	switch {
	case s.workload == nil: // the Deployment could not be read
		s.conditions(status).Keep(v1alpha1.Serving)
	case s.serving():
		s.conditions(status).Set(v1alpha1.Serving, metav1.ConditionTrue, v1alpha1.Succeeded, "At least one pod is ready.")
	default:
		s.conditions(status).Set(v1alpha1.Serving, metav1.ConditionFalse, v1alpha1.NoPodReady, "No pod is ready.")
	}
}

// weight is what an outcome means for the summary.
type weight int

const (
	// Ready is false unless a part without a weight succeeded.
	_ weight = iota
	// eventual: Ready is true while the part is only waiting, but the hub is Reconciling.
	eventual
	// optional: Looker does not need the part. It has its own condition only.
	optional
)

// outcome is the state of one part of a hub.
type outcome struct {
	condition string
	weight    weight
	// message describes success; empty if the spec does not ask for the part.
	message string
	// err is nil on success.
	err error
}

// outcomes computes the state of every part, in the order of the steps.
func (s *scope) outcomes() []outcome {
	integrations, deployment := outcome{err: s.offeredOutcome()}, outcome{err: s.results[v1alpha1.DeploymentAvailable]}
	if s.results[v1alpha1.IntegrationsReady] == nil {
		integrations.weight = optional // one integration without settings does not keep Looker from the others
	}
	if s.serving() {
		deployment.weight = eventual // a rollout, or more replicas
	}
	credentials := outcome{err: s.results[v1alpha1.CredentialsReady]}
	if credentials.err == nil {
		credentials.err, credentials.weight = s.token, eventual
	}
	return []outcome{
		{condition: v1alpha1.Accepted, message: "The operator's policy allows the spec.", err: s.results[v1alpha1.Accepted]},
		credentials.of(v1alpha1.CredentialsReady, s.tokenMessage(resources.TokenSecretRef(s.hub).Name)),
		integrations.of(v1alpha1.IntegrationsReady, s.offeredMessage()),
		s.customOutcome(),
		{condition: v1alpha1.UpstreamsReady, message: s.upstreamsMessage(), weight: optional, err: s.upstreamsOutcome()},
		{condition: v1alpha1.CertificateReady, message: s.certificateMessage(), err: s.results[v1alpha1.CertificateReady]},
		deployment.of(v1alpha1.DeploymentAvailable, s.availableMessage()),
		{condition: v1alpha1.Exposed, message: s.exposedMessage(), err: s.exposedOutcome()},
		{condition: v1alpha1.MonitoringReady, message: s.monitoringMessage(), weight: optional, err: s.results[v1alpha1.MonitoringReady]},
	}
}

func (o outcome) of(condition, message string) outcome {
	o.condition, o.message = condition, message
	return o
}

// setPart sets the condition of one part.
func setPart(c conditions.Conditions, o outcome) {
	switch {
	case errors.Is(o.err, errNotRun):
		if o.condition != v1alpha1.MonitoringReady && o.condition != v1alpha1.CustomIntegrationsReady {
			c.Keep(o.condition)
		}
	case o.err != nil:
		value := metav1.ConditionFalse
		if isUnknown(o.err) {
			value = metav1.ConditionUnknown
		}
		reason, message := explain(o.err)
		c.Set(o.condition, value, reason, message)
	case o.message == "":
		meta.RemoveStatusCondition(c.List, o.condition)
	default:
		c.Set(o.condition, metav1.ConditionTrue, v1alpha1.Succeeded, o.message)
	}
}

// blockerOf returns the error that matters most: what an admin has to change comes before what
// failed, and that before what only takes time. A step that did not run, or could not check
// anything, never blocks; another one kept it from that.
func blockerOf(outcomes []outcome) error {
	var stalled, failed, waiting error
	for _, o := range outcomes {
		if o.weight == optional || o.err == nil || errors.Is(o.err, errNotRun) || isUnknown(o.err) {
			continue
		}
		first := &failed
		if isStalled(o.err) {
			first = &stalled
		} else if isWaiting(o.err) {
			first = &waiting
		}
		if *first == nil {
			*first = o.err
		}
	}
	switch {
	case stalled != nil:
		return stalled
	case failed != nil:
		return failed
	}
	return waiting
}

// setSummary sets Ready, Reconciling and Stalled. The latter two exist only while they are true
// (kstatus). A hub can be ready and reconciling: pods are replaced or added while others serve.
func setSummary(c conditions.Conditions, outcomes []outcome) {
	blocker := blockerOf(slices.DeleteFunc(slices.Clone(outcomes), func(o outcome) bool {
		return o.weight == eventual && isWaiting(o.err)
	}))
	if blocker == nil {
		c.Set(v1alpha1.Ready, metav1.ConditionTrue, v1alpha1.Succeeded, "The hub is ready for Looker.")
	} else {
		reason, message := explain(blocker)
		c.Set(v1alpha1.Ready, metav1.ConditionFalse, reason, message)
	}
	unfinished := blockerOf(outcomes)
	if unfinished == nil {
		c.ClearFlags()
		return
	}
	flag := v1alpha1.Reconciling
	if isStalled(unfinished) {
		flag = v1alpha1.Stalled
	}
	reason, message := explain(unfinished)
	c.SetFlag(flag, reason, message)
}

func isStalled(err error) bool { _, ok := errors.AsType[*stalledError](err); return ok }

func isWaiting(err error) bool { _, ok := errors.AsType[*waitingError](err); return ok }

// explain returns the reason and the message of a condition for a step's error.
func explain(err error) (reason, message string) {
	if stalled, ok := errors.AsType[*stalledError](err); ok {
		return stalled.reason, stalled.message
	}
	if waiting, ok := errors.AsType[*waitingError](err); ok {
		return waiting.reason, waiting.message
	}
	if unknown, ok := errors.AsType[*unknownError](err); ok {
		return unknown.reason, unknown.message
	}
	return v1alpha1.ReconcileFailed, failureMessage(err)
}

// failures are the errors that the work queue retries.
func failures(outcomes []outcome) []error {
	var errs []error
	for _, o := range outcomes {
		if o.err != nil && !errors.Is(o.err, errNotRun) && !isStalled(o.err) && !isWaiting(o.err) && !isUnknown(o.err) {
			errs = append(errs, o.err)
		}
	}
	return errs
}

// pollAfter returns when to check what no watch reports; 0 if there is nothing of that kind. It reports
// whether some of it waits for files that the kubelet updates.
func pollAfter(outcomes []outcome) (earliest time.Duration, forFiles bool) {
	for _, o := range outcomes {
		if stalled, ok := errors.AsType[*stalledError](o.err); ok {
			earliest, forFiles = sooner(earliest, stalled.requeueAfter), forFiles || stalled.forFiles
		}
		if waiting, ok := errors.AsType[*waitingError](o.err); ok {
			earliest, forFiles = sooner(earliest, waiting.requeueAfter), forFiles || waiting.forFiles
		}
	}
	return earliest, forFiles
}

// requeueAfter returns when to reconcile without an event: at the next poll, or when the certificate
// expires; 0 leaves it to the watches.
func requeueAfter(s *scope, poll time.Duration) time.Duration {
	if s.rollout != nil {
		poll = sooner(poll, rolloutPollInterval)
	}
	if len(s.hub.Spec.Upstreams) > 0 {
		poll = sooner(poll, maxPollInterval) // only a running hub knows that one fails
	}
	if s.certificate != nil && s.certificate.notAfter != nil {
		if left := time.Until(s.certificate.notAfter.Time); left > 0 {
			return sooner(poll, left+time.Second)
		}
	}
	return poll
}

// sooner returns the shorter of two intervals, of which 0 is none.
func sooner(a, b time.Duration) time.Duration {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
}

func (s *scope) certificateMessage() string {
	tls := s.hub.Spec.TLS
	switch {
	case tls.TerminatedElsewhere:
		return "The pods serve plain HTTP: TLS is terminated elsewhere."
	case tls.IssuerRef == nil:
		return fmt.Sprintf("The certificate is in Secret %s.", resources.TLSSecretName(s.hub))
	case s.certificate != nil && s.certificate.privateCA:
		return "The certificate is issued by a private CA: Looker accepts it only if Looker's host trusts that CA."
	}
	return "The certificate is issued."
}

func (s *scope) availableMessage() string {
	if s.outdated() {
		return "Running the previous configuration; changes are blocked by other conditions."
	}
	if s.workload == nil || s.workload.deployment == nil {
		return ""
	}
	n := s.workload.deployment.Status.AvailableReplicas
	return fmt.Sprintf("%d of %d pods are available.", n, n)
}

func (s *scope) exposedMessage() string {
	url := resources.BaseURL(s.hub)
	if s.frozen != nil && resources.BaseURL(s.frozen.Hub) != url {
		return "The hub is still reachable at " + resources.BaseURL(s.frozen.Hub) + "; changes are blocked by other conditions."
	}
	return "The hub is reachable at " + url + "."
}

func (s *scope) monitoringMessage() string {
	if s.hub.Spec.Monitoring == nil {
		return ""
	}
	return "Prometheus can discover the hub."
}

// conflictRetry gives the cache time to catch up.
const conflictRetry = 200 * time.Millisecond

// writeStatus writes the status if it changed, and emits an event when Ready changed.
func (r *Reconciler) writeStatus(
	ctx context.Context, hub *v1alpha1.IntegrationHub, status *v1alpha1.IntegrationHubStatus, result ctrl.Result,
) (ctrl.Result, error) {
	if equality.Semantic.DeepEqual(&hub.Status, status) {
		return result, nil
	}
	changed := hub.DeepCopy()
	changed.Status = *status
	err := conditions.Write(ctx, r.Client, hub.DeepCopy(), changed, FieldOwner)
	switch {
	case apierrors.IsNotFound(err): // deleted in the meantime
		return result, nil
	case apierrors.IsConflict(err): // the cache is behind: the newer version is reconciled next
		return ctrl.Result{RequeueAfter: conflictRetry}, nil
	case err != nil:
		return result, fmt.Errorf("writing the status: %w", err)
	}
	conditions.EmitReady(r.Recorder, hub, hub.Status.Conditions, status.Conditions)
	r.emitIntegrationsEvent(hub, status)
	r.emitUpstreamsEvent(hub, status)
	r.emitPausedEvent(hub, status)
	r.emitPreviousTokenEvent(hub, status)
	return result, nil
}

// emitPausedEvent emits an event when the hub is paused and when it is resumed.
func (r *Reconciler) emitPausedEvent(hub *v1alpha1.IntegrationHub, status *v1alpha1.IntegrationHubStatus) {
	before := meta.IsStatusConditionTrue(hub.Status.Conditions, v1alpha1.Paused)
	now := meta.IsStatusConditionTrue(status.Conditions, v1alpha1.Paused)
	switch {
	case now && !before:
		r.Recorder.Eventf(hub, nil, corev1.EventTypeNormal, v1alpha1.SpecPaused, "Pause",
			"spec.paused is true. Reconciliation is suspended until it is false.")
	case before && !now:
		r.Recorder.Eventf(hub, nil, corev1.EventTypeNormal, v1alpha1.Resumed, "Resume", "Reconciliation has resumed.")
	}
}

// emitIntegrationsEvent emits a warning when the hub does not offer an integration. Ready does not
// change then.
func (r *Reconciler) emitIntegrationsEvent(hub *v1alpha1.IntegrationHub, status *v1alpha1.IntegrationHubStatus) {
	before := meta.FindStatusCondition(hub.Status.Conditions, v1alpha1.IntegrationsReady)
	now := meta.FindStatusCondition(status.Conditions, v1alpha1.IntegrationsReady)
	if now == nil || now.Reason != v1alpha1.SettingsMissing || before != nil && before.Reason == now.Reason {
		return
	}
	conditions.EmitWarning(r.Recorder, hub, now)
}
