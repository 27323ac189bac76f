package custom

import (
	"context"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"

	"integrationhub.dev/api/httpintegration"
	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers"
	"integrationhub.dev/controllers/conditions"
	"integrationhub.dev/controllers/resources"
)

// conditions are those of a status of the integration.
func (s *scope) conditions(status *v1alpha1.HTTPIntegrationStatus) conditions.Conditions {
	return conditions.Conditions{List: &status.Conditions, Generation: s.integration.Generation}
}

// newStatus computes the whole status from the facts of a reconcile.
func newStatus(s *scope) *v1alpha1.HTTPIntegrationStatus {
	status := s.integration.Status.DeepCopy()
	status.ObservedGeneration = s.integration.Generation
	status.Integration = httpintegration.LookerName(s.integration.Name, &s.integration.Spec)
	status.Version = resources.CustomVersion(s.check.digest)
	status.Hubs = s.hubs[:min(len(s.hubs), maxHubs)]
	status.RunningHubs = 0
	for _, h := range s.hubs {
		if h.Version == status.Version {
			status.RunningHubs++
		}
	}
	invalid := s.invalid()
	setPart(status, s, v1alpha1.Valid, invalid, "The integration is valid.")
	unoffered, waiting := s.unoffered(status.Version)
	setPart(status, s, v1alpha1.Offered, unoffered, fmt.Sprintf("Hubs that run this version: %d.", status.RunningHubs))
	setSummary(status, s, invalid, unoffered, waiting)
	return status
}

// invalid is why hubs do not get the current version; nil if they do.
func (s *scope) invalid() *problem {
	if len(s.check.problems) > 0 {
		return &problem{v1alpha1.NotValid, strings.Join(s.check.problems, " ")}
	}
	return s.secret
}

// unoffered is why hubs do not run a version; nil if all do. waiting is set if that only takes time.
func (s *scope) unoffered(version string) (unoffered *problem, waiting bool) {
	if len(s.hubs) == 0 {
		return &problem{v1alpha1.NotSelected, "No IntegrationHub of this namespace selects the integration. " +
			"Set spec.customIntegrations.selector of one, or change the labels of the integration."}, true
	}
	var pending []string
	for _, h := range s.hubs {
		switch {
		case h.Message != "":
			return &problem{v1alpha1.NotOffered, fmt.Sprintf("IntegrationHub %s: %s", h.Name, h.Message)}, false
		case h.Version != version:
			pending = append(pending, h.Name)
		}
	}
	if len(pending) > 0 {
		return &problem{v1alpha1.Progressing, "Not all pods run this version yet. IntegrationHubs: " + strings.Join(pending, ", ") + "."}, true
	}
	return nil, false
}

func setPart(status *v1alpha1.HTTPIntegrationStatus, s *scope, condition string, p *problem, success string) {
	if p == nil {
		s.conditions(status).Set(condition, metav1.ConditionTrue, v1alpha1.Succeeded, success)
		return
	}
	s.conditions(status).Set(condition, metav1.ConditionFalse, p.reason, p.message)
}

// setSummary sets Ready, and one of Reconciling and Stalled, which exist only while they are true (kstatus).
func setSummary(status *v1alpha1.HTTPIntegrationStatus, s *scope, invalid, unoffered *problem, waiting bool) {
	blocker, flag := unoffered, ""
	switch {
	case invalid != nil:
		blocker, flag = invalid, v1alpha1.Stalled
		if s.kept {
			blocker = &problem{invalid.reason, invalid.message + " The last valid version is still in use."}
		}
	case unoffered != nil && waiting:
		flag = v1alpha1.Reconciling
	case unoffered != nil:
		flag = v1alpha1.Stalled
	}
	setPart(status, s, v1alpha1.Ready, blocker, "All hubs that select the integration run it.")
	if flag == "" {
		s.conditions(status).ClearFlags()
		return
	}
	s.conditions(status).SetFlag(flag, blocker.reason, blocker.message)
}

// conflictRetry gives the cache time to catch up.
const conflictRetry = 200 * time.Millisecond

// writeStatus writes the status if it changed, and emits an event when Ready changed.
func (r *Reconciler) writeStatus(ctx context.Context, i *v1alpha1.HTTPIntegration, status *v1alpha1.HTTPIntegrationStatus) (ctrl.Result, error) {
	if equality.Semantic.DeepEqual(&i.Status, status) {
		return ctrl.Result{}, nil
	}
	changed := i.DeepCopy()
	changed.Status = *status
	err := conditions.Write(ctx, r.Client, i, changed, controllers.FieldOwner)
	switch {
	case apierrors.IsNotFound(err): // deleted in the meantime
		return ctrl.Result{}, nil
	case apierrors.IsConflict(err): // the cache is behind: the newer version is reconciled next
		return ctrl.Result{RequeueAfter: conflictRetry}, nil
	case err != nil:
		return ctrl.Result{}, fmt.Errorf("writing the status: %w", err)
	}
	conditions.EmitReady(r.Recorder, i, i.Status.Conditions, status.Conditions)
	return ctrl.Result{}, nil
}
