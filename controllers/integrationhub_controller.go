// Package controllers reconciles IntegrationHubs.
package controllers

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/defaults"
	"integrationhub.dev/controllers/policy"
	"integrationhub.dev/controllers/resources"
)

// Reconciler applies the objects of IntegrationHubs and reports their state in the hubs' status.
type Reconciler struct {
	client.Client
	// APIReader bypasses the cache, which holds no Secrets and only objects that the operator made.
	APIReader client.Reader
	Recorder  events.EventRecorder
	// HubImage is the default of spec.image.
	HubImage string
	// Policy restricts what specs may ask for.
	Policy policy.Policy
	// Class is the spec.controllerClass of the hubs to manage.
	Class string
	// InheritedKeys are the keys of a hub's labels and annotations that its objects inherit.
	InheritedKeys []string

	// Defaults are the defaults of specs.
	Defaults defaults.Defaults
	// MaxConcurrentRollouts limits how many hubs are rolled at once because of the operator; 0 is no limit.
	MaxConcurrentRollouts int

	// Hubs reads the status of running hubs; nil disables it.
	Hubs Inspector

	kinds    kinds
	polls    polls
	applied  appliedObjects
	rollouts rollouts
}

// +kubebuilder:rbac:groups=hub.integrationhub.dev,resources=integrationhubs,verbs=get;list;watch
// +kubebuilder:rbac:groups=hub.integrationhub.dev,resources=integrationhubs/status,verbs=get;patch
// +kubebuilder:rbac:groups=hub.integrationhub.dev,resources=integrationhubs/finalizers,verbs=update
// OpenShift requires the verb delete for adding an owner reference to an object
// (OwnerReferencesPermissionEnforcement): the operator deletes no Deployments and no Secrets.
//
// +kubebuilder:rbac:groups=apps,resources=deployments,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=apps,resources=controllerrevisions,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups="",resources=services;serviceaccounts,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups="",resources=secrets,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups="",resources=configmaps,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups="",resources=pods,verbs=list
// +kubebuilder:rbac:groups=cert-manager.io,resources=certificates,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=autoscaling,resources=horizontalpodautoscalers,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=policy,resources=poddisruptionbudgets,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=networking.k8s.io,resources=ingresses;networkpolicies,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=gateway.networking.k8s.io,resources=httproutes;backendtlspolicies,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=monitoring.coreos.com,resources=servicemonitors;prometheusrules,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=networking.k8s.io,resources=ingressclasses,verbs=get
// +kubebuilder:rbac:groups=cert-manager.io,resources=issuers;clusterissuers,verbs=get
// +kubebuilder:rbac:groups="";events.k8s.io,resources=events,verbs=create;patch
// Clients of the metrics endpoint are authenticated and authorized by the API server:
//
// +kubebuilder:rbac:groups=authentication.k8s.io,resources=tokenreviews,verbs=create
// +kubebuilder:rbac:groups=authorization.k8s.io,resources=subjectaccessreviews,verbs=create
// +kubebuilder:rbac:groups=coordination.k8s.io,namespace=integration-hub-system,resources=leases,verbs=get;create;update

// pollInterval is how often the operator checks what it does not watch: issuers, installed CRDs
// and other owners' objects.
const pollInterval = 15 * time.Second

// stepFunc brings one part of a hub up to date and adds what it finds to the scope. A
// waitingError or a stalledError says why the part is not ready; any other error is retried.
type stepFunc func(context.Context, *scope) error

// step is one part of a hub.
type step struct {
	condition string
	run       stepFunc
}

// steps returns the steps of a reconcile, in order.
func (r *Reconciler) steps() []step {
	return []step{
		{condition: v1alpha1.Accepted, run: r.checkPolicy},
		{condition: v1alpha1.CredentialsReady, run: ifAccepted(r.credentials)},
		{condition: v1alpha1.IntegrationsReady, run: ifAccepted(r.integrations)},
		{condition: v1alpha1.CustomIntegrationsReady, run: ifAccepted(r.customIntegrations)},
		{condition: v1alpha1.CertificateReady, run: ifAccepted(r.certificate)},
		{condition: v1alpha1.DeploymentAvailable, run: r.deployment},
		{condition: v1alpha1.Exposed, run: ifAccepted(r.exposure)},
		{condition: v1alpha1.MonitoringReady, run: ifAccepted(r.monitoring)},
	}
}

// Reconcile brings one hub closer to its spec. It keeps no state between calls, so the manager
// can be killed at any point.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	waits := false
	defer func() {
		if !waits {
			r.forgetWaiting(req.NamespacedName)
		}
	}()
	hub := &v1alpha1.IntegrationHub{}
	if err := r.Get(ctx, req.NamespacedName, hub); err != nil {
		if apierrors.IsNotFound(err) {
			r.polls.forget(req.NamespacedName)
			r.applied.forget(req.NamespacedName)
		}
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !hub.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil // owner references clean up
	}
	if hub.Spec.ControllerClass != r.Class {
		return ctrl.Result{}, nil // another operator manages it
	}
	s := &scope{hub: hub, results: map[string]error{}}
	s.inputs, s.defaults = r.Defaults.For(hub.Namespace).Apply(resources.Inputs{Hub: hub, Image: r.HubImage})
	if hub.Spec.Paused {
		if err := r.observePods(ctx, s); err != nil {
			return ctrl.Result{}, err
		}
		return r.writeStatus(ctx, hub, pausedStatus(s), ctrl.Result{})
	}
	for _, step := range r.steps() {
		s.results[step.condition] = step.run(ctx, s)
	}
	waits = s.rollout != nil
	s.token = r.announceToken(ctx, s)
	users, err := r.previousTokenUsers(ctx, s)
	if err != nil {
		return ctrl.Result{}, err
	}
	s.previousTokenUsers = users
	outcomes := s.outcomes()
	status := newStatus(s, outcomes)
	poll, forFiles := pollAfter(outcomes)
	if poll > 0 {
		poll = r.polls.next(req.NamespacedName, !equality.Semantic.DeepEqual(&hub.Status, status), poll, forFiles)
	}
	result, err := r.writeStatus(ctx, hub, status, ctrl.Result{RequeueAfter: requeueAfter(s, poll)})
	return result, errors.Join(append(failures(outcomes), err)...)
}

// ReadSecret reads a Secret from the API server; nil when there is none.
func ReadSecret(ctx context.Context, api client.Reader, namespace, name string) (*corev1.Secret, error) {
	s := &corev1.Secret{}
	err := api.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, s)
	if apierrors.IsNotFound(err) {
		return nil, nil //nolint:nilnil // not found is an expected result
	}
	if err != nil {
		return nil, fmt.Errorf("reading Secret %s: %w", name, err)
	}
	return s, nil
}
