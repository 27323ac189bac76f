package controllers

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/resources"
)

// The API allows 32768 bytes in a condition's message, which is far more than anybody reads, and
// 1024 in an event's note.
const (
	maxMessage = 4096
	maxNote    = 1024
)

// pausedStatus is the status of a paused hub. The other conditions keep their values.
func pausedStatus(hub *v1alpha1.IntegrationHub) *v1alpha1.IntegrationHubStatus {
	status := hub.Status.DeepCopy()
	status.ObservedGeneration = hub.Generation
	setCondition(status, hub.Generation, v1alpha1.Paused, metav1.ConditionTrue, v1alpha1.SpecPaused,
		"spec.paused is true: the operator changes nothing, and the other conditions may be out of date.")
	return status
}

// newStatus computes the whole status from the facts of a reconcile.
func newStatus(s *scope, outcomes []outcome) *v1alpha1.IntegrationHubStatus {
	status := s.hub.Status.DeepCopy()
	setFields(status, s)
	for _, o := range outcomes {
		setPart(status, s.hub.Generation, o)
	}
	setSummary(status, s.hub.Generation, blockerOf(outcomes))
	meta.RemoveStatusCondition(&status.Conditions, v1alpha1.Paused)
	status.ObservedGeneration = s.hub.Generation
	return status
}

// setFields sets everything but the conditions. What was not observed keeps its value.
func setFields(status *v1alpha1.IntegrationHubStatus, s *scope) {
	status.Selector = labels.SelectorFromSet(resources.Selector(s.hub)).String()
	if s.accepted() {
		status.URL = resources.BaseURL(s.hub)
	}
	if s.results[v1alpha1.CredentialsReady] == nil {
		status.TokenSecretRef = new(resources.TokenSecretRef(s.hub))
	}
	if s.certificate != nil {
		status.CertificateNotAfter = s.certificate.notAfter
	}
	if s.workload != nil {
		status.Replicas, status.ReadyReplicas = 0, 0
		if d := s.workload.deployment; d != nil {
			status.Replicas, status.ReadyReplicas = d.Status.Replicas, d.Status.ReadyReplicas
		}
	}
	if s.report != nil {
		status.ObservedVersion = s.report.Version
		status.Integrations = s.integrations()
	}
}

// outcome is the state of one part of a hub.
type outcome struct {
	condition string
	// optional is set for parts that Looker does not need: Ready does not depend on them.
	optional bool
	// message describes success; empty if the spec does not ask for the part.
	message string
	// err is nil on success.
	err error
}

// outcomes computes the state of every part, in the order of the steps.
func (s *scope) outcomes() []outcome {
	parts := []outcome{
		{condition: v1alpha1.Accepted, message: "The operator's policy allows the spec."},
		{condition: v1alpha1.CredentialsReady, message: "The token for Looker is in Secret " + resources.TokenSecretRef(s.hub).Name + "."},
		{condition: v1alpha1.IntegrationsReady, message: s.offeredMessage()},
		{condition: v1alpha1.CertificateReady, message: s.certificateMessage()},
		{condition: v1alpha1.DeploymentAvailable, message: s.availableMessage()},
		{condition: v1alpha1.Exposed, message: s.exposedMessage()},
		{condition: v1alpha1.MonitoringReady, message: s.monitoringMessage(), optional: true},
	}
	for i := range parts {
		parts[i].err = s.results[parts[i].condition]
		if parts[i].condition == v1alpha1.IntegrationsReady && parts[i].err == nil {
			parts[i].err = s.settingsMissing()
		}
	}
	return parts
}

// setPart sets the condition of one part.
func setPart(status *v1alpha1.IntegrationHubStatus, generation int64, o outcome) {
	switch {
	case errors.Is(o.err, errNotRun):
		if !o.optional {
			previous := previousOutcome(status, o.condition)
			setCondition(status, generation, o.condition, previous.Status, previous.Reason, previous.Message)
		}
	case o.err != nil:
		reason, message := explain(o.err)
		setCondition(status, generation, o.condition, metav1.ConditionFalse, reason, message)
	case o.message == "":
		meta.RemoveStatusCondition(&status.Conditions, o.condition)
	default:
		setCondition(status, generation, o.condition, metav1.ConditionTrue, v1alpha1.Succeeded, o.message)
	}
}

// previousOutcome returns the value of a condition whose step did not run.
func previousOutcome(status *v1alpha1.IntegrationHubStatus, condition string) metav1.Condition {
	if c := meta.FindStatusCondition(status.Conditions, condition); c != nil {
		return *c
	}
	return metav1.Condition{Status: metav1.ConditionFalse, Reason: v1alpha1.Pending, Message: "Nothing was changed; see the other conditions."}
}

// blockerOf returns the error that Ready reports: what an admin has to change comes before what
// failed, and that before what only takes time. A step that did not run never blocks; another
// one kept it from running.
func blockerOf(outcomes []outcome) error {
	var stalled, failed, waiting error
	for _, o := range outcomes {
		if o.optional || o.err == nil || errors.Is(o.err, errNotRun) {
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
// (kstatus).
func setSummary(status *v1alpha1.IntegrationHubStatus, generation int64, blocker error) {
	ready, flag := metav1.ConditionTrue, ""
	reason, message := v1alpha1.Succeeded, "The hub is ready for Looker."
	if blocker != nil {
		ready, flag = metav1.ConditionFalse, v1alpha1.Reconciling
		reason, message = explain(blocker)
	}
	if isStalled(blocker) {
		flag = v1alpha1.Stalled
	}
	setCondition(status, generation, v1alpha1.Ready, ready, reason, message)
	for _, condition := range []string{v1alpha1.Stalled, v1alpha1.Reconciling} {
		if condition == flag {
			setCondition(status, generation, condition, metav1.ConditionTrue, reason, message)
		} else {
			meta.RemoveStatusCondition(&status.Conditions, condition)
		}
	}
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
	return v1alpha1.ReconcileFailed, failureMessage(err)
}

func setCondition(
	status *v1alpha1.IntegrationHubStatus, generation int64, condition string, value metav1.ConditionStatus, reason, message string,
) {
	meta.SetStatusCondition(&status.Conditions, metav1.Condition{
		Type: condition, Status: value, Reason: reason, Message: truncate(message, maxMessage), ObservedGeneration: generation,
	})
}

// failures are the errors that the work queue retries.
func failures(outcomes []outcome) []error {
	var errs []error
	for _, o := range outcomes {
		if o.err != nil && !errors.Is(o.err, errNotRun) && !isStalled(o.err) && !isWaiting(o.err) {
			errs = append(errs, o.err)
		}
	}
	return errs
}

// requeueAfter returns when to reconcile without an event; 0 leaves it to the watches.
func requeueAfter(s *scope, outcomes []outcome) time.Duration {
	var earliest time.Duration
	consider := func(d time.Duration) {
		if d > 0 && (earliest == 0 || d < earliest) {
			earliest = d
		}
	}
	for _, o := range outcomes {
		if stalled, ok := errors.AsType[*stalledError](o.err); ok {
			consider(stalled.requeueAfter)
		}
		if waiting, ok := errors.AsType[*waitingError](o.err); ok {
			consider(waiting.requeueAfter)
		}
	}
	if s.certificate != nil && s.certificate.notAfter != nil {
		if left := time.Until(s.certificate.notAfter.Time); left > 0 {
			consider(left + time.Second)
		}
	}
	return earliest
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
	return "The hub is reachable at " + resources.BaseURL(s.hub) + "."
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
	err := r.Status().Patch(ctx, changed, client.MergeFromWithOptions(hub.DeepCopy(), client.MergeFromWithOptimisticLock{}), FieldOwner)
	switch {
	case apierrors.IsNotFound(err): // deleted in the meantime
		return result, nil
	case apierrors.IsConflict(err): // the cache is behind: the newer version is reconciled next
		return ctrl.Result{RequeueAfter: conflictRetry}, nil
	case err != nil:
		return result, fmt.Errorf("writing the status: %w", err)
	}
	r.emitReadyEvent(hub, status)
	r.emitPausedEvent(hub, status)
	return result, nil
}

// emitPausedEvent emits an event when the hub is paused and when it is resumed.
func (r *Reconciler) emitPausedEvent(hub *v1alpha1.IntegrationHub, status *v1alpha1.IntegrationHubStatus) {
	before := meta.IsStatusConditionTrue(hub.Status.Conditions, v1alpha1.Paused)
	now := meta.IsStatusConditionTrue(status.Conditions, v1alpha1.Paused)
	switch {
	case now && !before:
		r.Recorder.Eventf(hub, nil, corev1.EventTypeNormal, v1alpha1.SpecPaused, "Pause",
			"spec.paused is true. The operator changes nothing until it is false.")
	case before && !now:
		r.Recorder.Eventf(hub, nil, corev1.EventTypeNormal, v1alpha1.Resumed, "Resume", "The operator reconciles the hub again.")
	}
}

func (r *Reconciler) emitReadyEvent(hub *v1alpha1.IntegrationHub, status *v1alpha1.IntegrationHubStatus) {
	before := meta.FindStatusCondition(hub.Status.Conditions, v1alpha1.Ready)
	now := meta.FindStatusCondition(status.Conditions, v1alpha1.Ready)
	if now == nil || before != nil && before.Status == now.Status && before.Reason == now.Reason {
		return
	}
	eventType := corev1.EventTypeNormal
	if meta.IsStatusConditionTrue(status.Conditions, v1alpha1.Stalled) {
		eventType = corev1.EventTypeWarning
	}
	r.Recorder.Eventf(hub, nil, eventType, now.Reason, "Reconcile", "%s", truncate(now.Message, maxNote))
}
