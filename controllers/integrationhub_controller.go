// Package controllers makes clusters look as IntegrationHubs ask for.
package controllers

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/policy"
	"integrationhub.dev/controllers/resources"
)

// Reconciler makes one hub's objects, by server-side apply, and tells how they fare.
type Reconciler struct {
	client.Client
	// APIReader reads past the cache: Secrets are never cached, and a name may be taken by an
	// object that the cache does not select.
	APIReader client.Reader
	Recorder  events.EventRecorder
	// HubImage is the hub's image where the spec names none.
	HubImage string
	// Policy is what specs may ask for.
	Policy policy.Policy

	// Hubs asks running hubs how they fare; nil where they cannot be reached.
	Hubs Inspector

	kinds kinds
}

// +kubebuilder:rbac:groups=hub.integrationhub.dev,resources=integrationhubs,verbs=get;list;watch
// +kubebuilder:rbac:groups=hub.integrationhub.dev,resources=integrationhubs/status,verbs=get;patch
// +kubebuilder:rbac:groups=hub.integrationhub.dev,resources=integrationhubs/finalizers,verbs=update
// +kubebuilder:rbac:groups=apps,resources=deployments,verbs=get;list;watch;create;patch
// +kubebuilder:rbac:groups="",resources=services;serviceaccounts,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups="",resources=secrets,verbs=get;list;watch;create;patch
// +kubebuilder:rbac:groups="",resources=configmaps,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=pods,verbs=list
// +kubebuilder:rbac:groups=cert-manager.io,resources=certificates,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=autoscaling,resources=horizontalpodautoscalers,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=policy,resources=poddisruptionbudgets,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=networking.k8s.io,resources=ingresses;networkpolicies,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=gateway.networking.k8s.io,resources=httproutes;backendtlspolicies,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=monitoring.coreos.com,resources=servicemonitors;prometheusrules,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=cert-manager.io,resources=issuers;clusterissuers,verbs=get
// +kubebuilder:rbac:groups="";events.k8s.io,resources=events,verbs=create;patch
// +kubebuilder:rbac:groups=coordination.k8s.io,namespace=integration-hub-system,resources=leases,verbs=get;create;update

// round is one pass over one hub: what was asked for and what was found.
type round struct {
	hub    *v1alpha1.IntegrationHub
	inputs resources.Inputs
	status *v1alpha1.IntegrationHubStatus
	// blocked is set when a step is not done: pods are then left as they are.
	blocked bool
	// refused is set when the policy does not allow the spec: nothing is then changed.
	refused bool
	// applied is set when the pods' objects were brought up to date, running when there are pods.
	applied, running bool
	// stale is set when the status could not be written because the hub changed meanwhile.
	stale bool
	// requeue is when to look again without being told; 0 leaves it to the watches.
	requeue time.Duration
}

// again has the operator look at the hub again, in so long or sooner.
func (rd *round) again(in time.Duration) {
	if rd.requeue == 0 || in < rd.requeue {
		rd.requeue = in
	}
}

// pollInterval is how often the operator looks at what nobody tells it of: whether cert-manager
// or an issuer came, or an object of somebody else's went.
const pollInterval = 15 * time.Second

// step is one part of a hub. It owns one condition.
type step struct {
	condition string
	run       func(context.Context, *round) (outcome, error)
	// aside is set for what Looker does not need: Ready does not depend on it.
	aside bool
	// always is set for steps that run with a refused spec as well, because they change nothing then.
	always bool
}

// outcome is what a step's condition will say.
type outcome struct {
	status  metav1.ConditionStatus
	reason  string
	message string
}

func done(message string) outcome { return outcome{metav1.ConditionTrue, v1alpha1.Succeeded, message} }

func notDone(reason, format string, args ...any) outcome {
	return outcome{metav1.ConditionFalse, reason, fmt.Sprintf(format, args...)}
}

// steps are what a hub needs, in order.
func (r *Reconciler) steps() []step {
	return []step{
		{condition: v1alpha1.Accepted, run: r.accept, always: true},
		{condition: v1alpha1.CredentialsReady, run: r.credentials},
		{condition: v1alpha1.IntegrationsReady, run: r.integrations},
		{condition: v1alpha1.CertificateReady, run: r.certificate},
		{condition: v1alpha1.DeploymentAvailable, run: r.workload, always: true},
		{condition: v1alpha1.Exposed, run: r.exposure},
		{condition: v1alpha1.MonitoringReady, run: r.monitoring, aside: true},
	}
}

// Reconcile brings one hub closer to its spec. It keeps nothing between calls, so that it
// may be killed anywhere.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	hub := &v1alpha1.IntegrationHub{}
	if err := r.Get(ctx, req.NamespacedName, hub); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !hub.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil // owner references clean up
	}
	if hub.Spec.Paused {
		return r.pause(ctx, hub)
	}
	rd := &round{
		hub:    hub,
		inputs: resources.Inputs{Hub: hub, Image: r.HubImage},
		status: hub.Status.DeepCopy(),
	}
	var errs []error
	for _, s := range r.steps() {
		if rd.refused && !s.always {
			rd.keep(s)
			continue
		}
		o, err := s.run(ctx, rd)
		if known, ok := rd.explain(err); ok {
			o, err = known, nil
		}
		if err != nil {
			o = failure(err)
			errs = append(errs, err)
		}
		switch {
		case o.reason == "": // nothing is asked for
			meta.RemoveStatusCondition(&rd.status.Conditions, s.condition)
			continue
		case o.status != metav1.ConditionTrue && !s.aside && o.reason != v1alpha1.SettingsMissing:
			// What an integration lacks is seen in pods that run: they may well be rolled.
			rd.blocked = true
		}
		rd.set(s.condition, o)
	}
	if err := r.writeStatus(ctx, rd); err != nil {
		errs = append(errs, err)
	}
	return ctrl.Result{RequeueAfter: rd.requeue}, errors.Join(errs...)
}

// explain turns errors that only the admin can cure into what a condition says. They are
// looked at again: nobody tells the operator when the cure came.
func (rd *round) explain(err error) (outcome, bool) {
	if taken, ok := errors.AsType[*nameTakenError](err); ok {
		rd.again(pollInterval)
		return notDone(v1alpha1.NameTaken, "%s", taken.Error()), true
	}
	if missing, ok := errors.AsType[*kindMissingError](err); ok {
		rd.again(pollInterval)
		return notDone(v1alpha1.KindMissing, "%s", missing.Error()), true
	}
	return outcome{}, false
}

// getSecret reads a Secret past the cache; nil when there is none.
func (r *Reconciler) getSecret(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
	s := &corev1.Secret{}
	err := r.APIReader.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, s)
	if apierrors.IsNotFound(err) {
		return nil, nil //nolint:nilnil // absence is an answer here, not a fault
	}
	if err != nil {
		return nil, fmt.Errorf("reading Secret %s: %w", name, err)
	}
	return s, nil
}
