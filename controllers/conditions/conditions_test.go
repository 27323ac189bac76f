package conditions_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/conditions"
)

func TestConditions(t *testing.T) {
	t.Parallel()
	var list []metav1.Condition
	c := conditions.Conditions{List: &list, Generation: 3}

	c.Keep(v1alpha1.Ready)
	if got := meta.FindStatusCondition(list, v1alpha1.Ready); got == nil || got.Status != metav1.ConditionUnknown || got.Reason != v1alpha1.Pending {
		t.Errorf("a condition that was never checked is %+v", got)
	}
	c.Set(v1alpha1.Ready, metav1.ConditionTrue, v1alpha1.Succeeded, strings.Repeat("m", 2*conditions.MaxMessage))
	c.Generation = 4
	c.Keep(v1alpha1.Ready)
	got := meta.FindStatusCondition(list, v1alpha1.Ready)
	if got.Status != metav1.ConditionTrue || got.ObservedGeneration != 4 || len(got.Message) > conditions.MaxMessage {
		t.Errorf("a condition that was not checked again is %s of generation %d with %d bytes", got.Status, got.ObservedGeneration, len(got.Message))
	}

	flags := func() (all []string) {
		for _, c := range list {
			if c.Type != v1alpha1.Ready {
				all = append(all, c.Type)
			}
		}
		return all
	}
	for _, flag := range []string{v1alpha1.Reconciling, v1alpha1.Stalled} {
		c.SetFlag(flag, "Reason", "Message.")
		if diff := cmp.Diff([]string{flag}, flags()); diff != "" {
			t.Errorf("flags (-want +got):\n%s", diff)
		}
	}
	c.ClearFlags()
	if all := flags(); len(all) > 0 {
		t.Errorf("flags %v are left", all)
	}
}

func TestEmitReady(t *testing.T) {
	t.Parallel()
	ready := func(value metav1.ConditionStatus, reason string, flags ...string) []metav1.Condition {
		all := []metav1.Condition{{Type: v1alpha1.Ready, Status: value, Reason: reason, Message: "100 % done"}}
		for _, f := range flags {
			all = append(all, metav1.Condition{Type: f, Status: metav1.ConditionTrue})
		}
		return all
	}
	for name, tt := range map[string]struct {
		before, after []metav1.Condition
		want          string
	}{
		"created":        {nil, ready(metav1.ConditionFalse, "Waiting"), "Normal Waiting 100 % done"},
		"unchanged":      {ready(metav1.ConditionFalse, "Waiting"), ready(metav1.ConditionFalse, "Waiting"), ""},
		"another reason": {ready(metav1.ConditionFalse, "Waiting"), ready(metav1.ConditionFalse, "Failed"), "Normal Failed 100 % done"},
		"became stalled": {ready(metav1.ConditionTrue, "Succeeded"), ready(metav1.ConditionTrue, "Succeeded", v1alpha1.Stalled), "Warning Succeeded 100 % done"},
		"still stalled":  {ready(metav1.ConditionFalse, "Missing", v1alpha1.Stalled), ready(metav1.ConditionFalse, "Missing", v1alpha1.Stalled), ""},
		"not computed":   {ready(metav1.ConditionTrue, "Succeeded"), nil, ""},
	} {
		recorder := events.NewFakeRecorder(1)
		conditions.EmitReady(recorder, &v1alpha1.IntegrationHub{}, tt.before, tt.after)
		close(recorder.Events)
		if got := strings.TrimSuffix(<-recorder.Events, "\n"); got != tt.want {
			t.Errorf("%s: event %q, want %q", name, got, tt.want)
		}
	}
}
