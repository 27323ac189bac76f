package controllers

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/hubclient"
)

// A condition depends on the facts of one reconcile only, and Ready on the most important of them.
func TestConditionsFromFacts(t *testing.T) {
	t.Parallel()
	running := func(current bool) *workloadFacts {
		return &workloadFacts{deployment: &appsv1.Deployment{Status: appsv1.DeploymentStatus{AvailableReplicas: 2, ReadyReplicas: 2}}, current: current}
	}
	issuing := waiting(v1alpha1.CertificateNotReady, "Issuing.")
	noSecret := stalled(v1alpha1.SecretNotFound, "No Secret.")
	progressing := waiting(v1alpha1.Progressing, "1 of 2 pods.")
	refused := errors.New("the API server is down")
	offered := &hubclient.Report{}
	offered.Integrations.On = []string{"tray"}
	notOffered := &hubclient.Report{}
	notOffered.Integrations.Off = map[string]string{"tray": "TRAY_EXTRA_DOMAINS is missing"}
	for name, tt := range map[string]struct {
		results  map[string]error
		token    error
		workload *workloadFacts
		report   *hubclient.Report
		// want are the conditions that are not True because of Succeeded.
		want []string
	}{
		"everything succeeded":    {workload: running(true), report: offered},
		"no hub has reported yet": {workload: running(true), want: []string{"IntegrationsReady=Unknown Pending"}},
		"before the first pod": {
			results:  map[string]error{v1alpha1.DeploymentAvailable: progressing},
			workload: &workloadFacts{deployment: &appsv1.Deployment{}, current: true},
			want: []string{
				"IntegrationsReady=Unknown Pending", "DeploymentAvailable=False Progressing", "Exposed=Unknown Pending",
				"Serving=False NoPodReady", "Ready=False Progressing", "Reconciling=True Progressing",
			},
		},
		"a rollout, more replicas or a lost pod": {
			results:  map[string]error{v1alpha1.DeploymentAvailable: progressing},
			workload: running(true),
			report:   offered,
			want:     []string{"DeploymentAvailable=False Progressing", "Reconciling=True Progressing"},
		},
		"new pods that fail for good while others serve": {
			results:  map[string]error{v1alpha1.DeploymentAvailable: stalled(v1alpha1.PodsFailing, "No image.")},
			workload: running(true),
			report:   offered,
			want:     []string{"DeploymentAvailable=False PodsFailing", "Ready=False PodsFailing", "Stalled=True PodsFailing"},
		},
		"pods that do not accept the new token yet": {
			token:    waiting(v1alpha1.TokenPending, "1 of 2 pods."),
			workload: running(true),
			report:   offered,
			want:     []string{"CredentialsReady=False TokenPending", "Reconciling=True TokenPending"},
		},
		"several errors of one step": {
			results:  map[string]error{v1alpha1.DeploymentAvailable: errors.Join(refused, stalled(v1alpha1.SpecInvalid, "No number."))},
			workload: running(true),
			report:   offered,
			want:     []string{"DeploymentAvailable=False SpecInvalid", "Ready=False SpecInvalid", "Stalled=True SpecInvalid"},
		},
		"waiting": {
			results:  map[string]error{v1alpha1.CertificateReady: issuing, v1alpha1.Exposed: errNotRun},
			workload: running(false),
			report:   offered,
			want: []string{
				"CertificateReady=False CertificateNotReady", "Exposed=Unknown Pending",
				"Ready=False CertificateNotReady", "Reconciling=True CertificateNotReady",
			},
		},
		"a failure is reported before a wait": {
			results:  map[string]error{v1alpha1.CertificateReady: issuing, v1alpha1.Exposed: refused},
			workload: &workloadFacts{},
			report:   offered,
			want: []string{
				"CertificateReady=False CertificateNotReady", "Exposed=False ReconcileFailed", "Serving=False NoPodReady",
				"Ready=False ReconcileFailed", "Reconciling=True ReconcileFailed",
			},
		},
		"what an admin must change is reported first": {
			results: map[string]error{
				v1alpha1.CredentialsReady: refused, v1alpha1.CertificateReady: issuing, v1alpha1.DeploymentAvailable: fmt.Errorf("step: %w", noSecret),
			},
			report: offered,
			want: []string{
				"CredentialsReady=False ReconcileFailed", "CertificateReady=False CertificateNotReady", "DeploymentAvailable=False SecretNotFound",
				"Exposed=Unknown Pending", "Serving=Unknown Pending",
				"Ready=False SecretNotFound", "Stalled=True SecretNotFound",
			},
		},
		"Ready does not depend on monitoring": {
			results:  map[string]error{v1alpha1.MonitoringReady: noSecret},
			workload: running(true),
			report:   offered,
			want:     []string{"MonitoringReady=False SecretNotFound"},
		},
		"a hub that does not offer an integration": {
			workload: running(true),
			report:   notOffered,
			want:     []string{"IntegrationsReady=False SettingsMissing"},
		},
		"a missing Secret is reported before the last report of a hub": {
			results:  map[string]error{v1alpha1.IntegrationsReady: noSecret},
			workload: running(false),
			report:   notOffered,
			want:     []string{"IntegrationsReady=False SecretNotFound", "Ready=False SecretNotFound", "Stalled=True SecretNotFound"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hub := &v1alpha1.IntegrationHub{ObjectMeta: metav1.ObjectMeta{Name: "hub", Namespace: "looker", Generation: 3}}
			hub.Spec.Monitoring = &v1alpha1.Monitoring{}
			hub.Spec.Integrations = []v1alpha1.Integration{{Name: "tray"}}
			s := &scope{hub: hub, results: tt.results, token: tt.token, workload: tt.workload, report: tt.report}
			status := newStatus(s, s.outcomes())
			var got []string
			for _, c := range status.Conditions {
				if c.ObservedGeneration != hub.Generation {
					t.Errorf("%s is of generation %d", c.Type, c.ObservedGeneration)
				}
				if c.Status != metav1.ConditionTrue || c.Reason != v1alpha1.Succeeded {
					got = append(got, fmt.Sprintf("%s=%s %s", c.Type, c.Status, c.Reason))
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("conditions (-want +got):\n%s", diff)
			}
			hub.Status = *status
			if diff := cmp.Diff(status, newStatus(s, s.outcomes())); diff != "" {
				t.Errorf("the same facts give another status (-first +second):\n%s", diff)
			}
		})
	}
}

func TestRequeueAfter(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		results map[string]error
		// validFor is how long the certificate is valid; 0: there is none.
		validFor time.Duration
		want     time.Duration
	}{
		"everything is watched": {results: map[string]error{v1alpha1.Exposed: waiting(v1alpha1.AddressPending, "No address.")}},
		"the shortest interval": {
			results: map[string]error{
				v1alpha1.CertificateReady:    certManagerMissing(),
				v1alpha1.DeploymentAvailable: &waitingError{reason: v1alpha1.Progressing, requeueAfter: podPollInterval},
			},
			validFor: time.Hour,
			want:     podPollInterval,
		},
		"the certificate's end":          {validFor: time.Hour, want: time.Hour + time.Second},
		"a certificate that has expired": {validFor: -time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &scope{hub: &v1alpha1.IntegrationHub{}, results: tt.results}
			if tt.validFor != 0 {
				s.certificate = &certificateFacts{notAfter: new(metav1.NewTime(time.Now().Add(tt.validFor)))}
			}
			poll, _ := pollAfter(s.outcomes())
			if got := requeueAfter(s, poll); got != tt.want {
				t.Errorf("%s: requeue after %v, want %v", name, got, tt.want)
			}
		})
	}
}
