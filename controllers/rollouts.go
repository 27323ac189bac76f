package controllers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/resources"
)

// rolloutAnnotation records on the Deployment from what its pod template was made. It is the only
// state of staged rollouts, so a restarted manager continues where the previous one stopped.
const rolloutAnnotation = "hub.integrationhub.dev/rollout"

// rolloutRecord is the value of rolloutAnnotation, as JSON.
type rolloutRecord struct {
	// Generation and Spec identify the hub's spec. Generation alone also changes when the hub is scaled,
	// and Spec alone when a new CRD has another default.
	Generation int64  `json:"generation,omitempty"`
	Spec       string `json:"spec,omitempty"`
	// Config is the checksum of the Secrets and ConfigMaps that pods read at startup.
	Config string `json:"config,omitempty"`
	// Template is the checksum of the applied template.
	Template string `json:"template,omitempty"`
	// Staged is set while a rollout runs that the operator caused.
	Staged bool `json:"staged,omitempty"`
}

// rollouts limits how many hubs are rolled at once because of the operator: a new version, another
// default image or other defaults. Rollouts that a hub's author causes are never limited.
type rollouts struct {
	mu sync.Mutex
	// started are the rollouts that the cache does not show yet, by the hub.
	started map[types.NamespacedName]bool
	// waiting are the hubs whose rollouts wait. A restarted manager reconciles all hubs, and so finds them.
	waiting map[types.NamespacedName]bool
}

// rolloutFacts is what is known about a rollout that has to wait.
type rolloutFacts struct {
	// paused is set while a rollout of another hub fails.
	paused bool
}

// stageRollout reports whether a hub's Deployment may be applied now, and then records its rollout in
// it. Otherwise the running pods stay, and everything else is applied.
func (r *Reconciler) stageRollout(ctx context.Context, s *scope, config *appsv1ac.DeploymentApplyConfiguration) (bool, error) {
	s.rollout = nil
	if r.MaxConcurrentRollouts <= 0 {
		return true, nil
	}
	next, err := newRolloutRecord(s, config)
	if err != nil {
		return false, err
	}
	existing, err := r.existing(ctx, s.hub, resources.Child{Kind: resources.DeploymentKind, Name: s.hub.Name})
	if err != nil {
		return false, err
	}
	if existing == nil || !belongsTo(existing, s.hub) {
		return true, annotateRollout(config, next)
	}
	previous, recorded := readRolloutRecord(existing)
	switch {
	case recorded && previous.Template == next.Template:
		r.forgetStarted(s.hub)
		if next.Staged, err = r.stillStaged(ctx, s.hub, previous); err != nil {
			return false, err
		}
		return true, annotateRollout(config, next)
	case recorded && previous.changedByAuthor(next), isFailing(s.hub):
		// A hub that fails already gains nothing from waiting, and must not hold back the others.
		r.forgetStarted(s.hub)
		return true, annotateRollout(config, next)
	}
	start, paused, err := r.startRollout(ctx, client.ObjectKeyFromObject(s.hub))
	if err != nil {
		return false, err
	}
	if !start {
		s.rollout = &rolloutFacts{paused: paused}
		return false, nil
	}
	next.Staged = true
	return true, annotateRollout(config, next)
}

// changedByAuthor reports whether the spec, or a Secret or ConfigMap of the hub, changed.
func (previous rolloutRecord) changedByAuthor(next rolloutRecord) bool {
	return previous.Generation != next.Generation && previous.Spec != next.Spec || previous.Config != next.Config
}

func newRolloutRecord(s *scope, config *appsv1ac.DeploymentApplyConfiguration) (rolloutRecord, error) {
	spec := s.hub.Spec.DeepCopy()
	// These fields do not change pods, so that they do not end the wait either.
	spec.Replicas, spec.Autoscaling, spec.Paused = nil, nil, false
	spec.PodDisruptionBudget, spec.NetworkPolicy, spec.Monitoring = nil, nil, nil
	record := rolloutRecord{Generation: s.hub.Generation, Config: s.inputs.ConfigChecksum}
	for _, part := range []struct {
		value any
		sum   *string
	}{{spec, &record.Spec}, {config.Spec.Template, &record.Template}} {
		text, err := json.Marshal(part.value)
		if err != nil {
			return rolloutRecord{}, fmt.Errorf("computing a checksum: %w", err)
		}
		sum := sha256.Sum256(text)
		*part.sum = hex.EncodeToString(sum[:8])
	}
	return record, nil
}

// readRolloutRecord returns false for a Deployment that was applied without a record.
func readRolloutRecord(o metav1.Object) (rolloutRecord, bool) {
	var record rolloutRecord
	err := json.Unmarshal([]byte(o.GetAnnotations()[rolloutAnnotation]), &record)
	return record, err == nil && record.Template != ""
}

func annotateRollout(config *appsv1ac.DeploymentApplyConfiguration, record rolloutRecord) error {
	text, err := json.Marshal(record)
	if err != nil {
		return fmt.Errorf("recording the rollout: %w", err)
	}
	config.WithAnnotations(map[string]string{rolloutAnnotation: string(text)})
	return nil
}

// stillStaged reports whether a staged rollout has not completed.
func (r *Reconciler) stillStaged(ctx context.Context, hub *v1alpha1.IntegrationHub, previous rolloutRecord) (bool, error) {
	if !previous.Staged {
		return false, nil
	}
	d := &appsv1.Deployment{}
	if err := r.APIReader.Get(ctx, client.ObjectKeyFromObject(hub), d); err != nil {
		return false, fmt.Errorf("reading the Deployment: %w", err)
	}
	// The cache may be behind: the live record decides.
	record, _ := readRolloutRecord(d)
	return record.Staged && !rolledOut(d), nil
}

// rolledOut reports whether all pods of a Deployment run its current template and are available.
func rolledOut(d *appsv1.Deployment) bool {
	want := int32(1)
	if d.Spec.Replicas != nil {
		want = *d.Spec.Replicas
	}
	got := d.Status
	return got.ObservedGeneration >= d.Generation && got.UpdatedReplicas == want && got.AvailableReplicas == want && got.Replicas == want
}

// startRollout reserves one of the concurrent rollouts for a hub. Otherwise the hub waits, and
// startRollout reports whether it does because another rollout fails.
func (r *Reconciler) startRollout(ctx context.Context, key types.NamespacedName) (start, paused bool, err error) {
	r.rollouts.mu.Lock()
	defer r.rollouts.mu.Unlock()
	defer func() {
		// Under the lock: an event after which the hub could start comes after what was read here.
		if err == nil && !start {
			if r.rollouts.waiting == nil {
				r.rollouts.waiting = map[types.NamespacedName]bool{}
			}
			r.rollouts.waiting[key] = true
		}
	}()
	running, failing, err := r.runningRollouts(ctx)
	if err != nil {
		return false, false, err
	}
	for started := range r.rollouts.started {
		running[started] = true
	}
	switch {
	case running[key]: // started before, but the cache is behind
		return true, false, nil
	case failing:
		return false, true, nil
	case len(running) >= r.MaxConcurrentRollouts:
		return false, false, nil
	}
	if r.rollouts.started == nil {
		r.rollouts.started = map[types.NamespacedName]bool{}
	}
	r.rollouts.started[key] = true
	return true, false, nil
}

// runningRollouts returns the hubs whose staged rollouts run, and whether one of them fails.
func (r *Reconciler) runningRollouts(ctx context.Context) (running map[types.NamespacedName]bool, failing bool, err error) {
	deployments := &metav1.PartialObjectMetadataList{}
	deployments.SetGroupVersionKind(resources.DeploymentKind.GroupVersion().WithKind("DeploymentList"))
	ours := client.MatchingLabels{resources.ManagedByLabel: resources.ManagedBy}
	if err := r.List(ctx, deployments, ours, client.UnsafeDisableDeepCopy); err != nil {
		return nil, false, fmt.Errorf("listing Deployments: %w", err)
	}
	hubs := &v1alpha1.IntegrationHubList{}
	if err := r.List(ctx, hubs, client.UnsafeDisableDeepCopy); err != nil {
		return nil, false, fmt.Errorf("listing hubs: %w", err)
	}
	byKey := map[types.NamespacedName]*v1alpha1.IntegrationHub{}
	for i := range hubs.Items {
		byKey[client.ObjectKeyFromObject(&hubs.Items[i])] = &hubs.Items[i]
	}
	running = map[types.NamespacedName]bool{}
	for i := range deployments.Items {
		key := client.ObjectKeyFromObject(&deployments.Items[i])
		if record, ok := readRolloutRecord(&deployments.Items[i]); !ok || !record.Staged {
			continue
		}
		delete(r.rollouts.started, key) // the cache shows it now
		if hub := byKey[key]; hub != nil && countsAsRollout(hub) {
			running[key] = true
			failing = failing || isFailing(hub)
		}
	}
	for key := range r.rollouts.started {
		if byKey[key] == nil {
			delete(r.rollouts.started, key)
		}
	}
	return running, failing, nil
}

// countsAsRollout reports whether the rollout of a hub can complete without its author. One that waits
// for its author must not hold back other hubs.
func countsAsRollout(hub *v1alpha1.IntegrationHub) bool {
	if hub.Spec.Paused || !hub.DeletionTimestamp.IsZero() || hub.Spec.Replicas != nil && *hub.Spec.Replicas == 0 {
		return false
	}
	return !slices.ContainsFunc(prerequisites, func(condition string) bool {
		return meta.IsStatusConditionFalse(hub.Status.Conditions, condition)
	})
}

// isFailing reports whether the pods of a hub cannot start.
func isFailing(hub *v1alpha1.IntegrationHub) bool {
	available := meta.FindStatusCondition(hub.Status.Conditions, v1alpha1.DeploymentAvailable)
	return available != nil && available.Status == metav1.ConditionFalse &&
		(available.Reason == v1alpha1.PodsFailing && meta.IsStatusConditionTrue(hub.Status.Conditions, v1alpha1.Stalled) ||
			available.Reason == v1alpha1.ScaledToZero)
}

// forgetStarted removes a hub from the started rollouts: the cache shows its Deployment, or it could not
// be applied.
func (r *Reconciler) forgetStarted(hub *v1alpha1.IntegrationHub) {
	r.rollouts.mu.Lock()
	defer r.rollouts.mu.Unlock()
	delete(r.rollouts.started, client.ObjectKeyFromObject(hub))
}

// forgetWaiting removes a hub from those whose rollouts wait.
func (r *Reconciler) forgetWaiting(hub types.NamespacedName) {
	r.rollouts.mu.Lock()
	defer r.rollouts.mu.Unlock()
	delete(r.rollouts.waiting, hub)
}

// keepRolloutRecord copies the record of the rollout that applied the running pods into a Deployment
// that keeps them.
func (r *Reconciler) keepRolloutRecord(
	ctx context.Context, hub *v1alpha1.IntegrationHub, config *appsv1ac.DeploymentApplyConfiguration,
) error {
	if r.MaxConcurrentRollouts <= 0 {
		return nil
	}
	d := metadataOf(resources.DeploymentKind)
	// The cache may be behind, and would take back a newer record.
	err := r.APIReader.Get(ctx, client.ObjectKeyFromObject(hub), d)
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("reading the Deployment: %w", err)
	}
	if text := d.GetAnnotations()[rolloutAnnotation]; text != "" {
		config.WithAnnotations(map[string]string{rolloutAnnotation: text})
	}
	return nil
}

// setRolloutPending sets the condition of a hub whose rollout waits. Ready does not depend on it: the
// hub serves with its previous pods.
func setRolloutPending(status *v1alpha1.IntegrationHubStatus, s *scope) {
	switch {
	case s.rollout == nil:
		meta.RemoveStatusCondition(&status.Conditions, v1alpha1.RolloutPending)
	case s.rollout.paused:
		s.conditions(status).Set(v1alpha1.RolloutPending, metav1.ConditionTrue, v1alpha1.RolloutPaused,
			"The operator changed this hub's pods, but the rollout of another hub is failing. The previous pods keep running until that hub is fixed. "+
				"The operator's administrator can find it with: kubectl get integrationhubs -A")
	default:
		s.conditions(status).Set(v1alpha1.RolloutPending, metav1.ConditionTrue, v1alpha1.RolloutQueued,
			"The operator changed this hub's pods, and limits concurrent rollouts (--max-concurrent-rollouts). "+
				"The previous pods keep running until it is this hub's turn.")
	}
}
