package defaults

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/validation"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	utilvalidation "k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// validateReferences checks the names of other objects.
func (v Values) validateReferences(at string) []error {
	var errs []error
	for i, s := range v.ImagePullSecrets {
		if problems := validation.NameIsDNSSubdomain(s.Name, false); len(problems) > 0 {
			errs = append(errs, fmt.Errorf("%s.imagePullSecrets[%d].name: %q is not the name of a Secret: %s",
				at, i, s.Name, strings.Join(problems, ", ")))
		}
	}
	if v.PriorityClassName != "" {
		if problems := validation.NameIsDNSSubdomain(v.PriorityClassName, false); len(problems) > 0 {
			errs = append(errs, fmt.Errorf("%s.priorityClassName: %q is not valid: %s", at, v.PriorityClassName, strings.Join(problems, ", ")))
		}
	}
	return errs
}

func (v Values) validateResources(at string) error {
	if v.Resources == nil {
		return nil
	}
	var errs []error
	at += ".resources"
	if len(v.Resources.Claims) > 0 {
		errs = append(errs, fmt.Errorf("%s.claims is not supported", at))
	}
	for _, list := range []struct {
		name   string
		values corev1.ResourceList
	}{{"requests", v.Resources.Requests}, {"limits", v.Resources.Limits}} {
		for _, name := range slices.Sorted(maps.Keys(list.values)) {
			if q := list.values[name]; q.Sign() < 0 {
				errs = append(errs, fmt.Errorf("%s.%s.%s: %s must not be negative", at, list.name, name, q.String()))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(v.Resources.Requests)) {
		request := v.Resources.Requests[name]
		if limit, ok := v.Resources.Limits[name]; ok && request.Cmp(limit) > 0 {
			errs = append(errs, fmt.Errorf("%s.requests.%s: %s must not be greater than the limit %s", at, name, request.String(), limit.String()))
		}
	}
	return errors.Join(errs...)
}

func (v Values) validateScheduling(at string) error {
	errs := make([]error, 0, len(v.Tolerations)+len(v.TopologySpreadConstraints))
	labels := map[string]string{}
	for key, value := range v.NodeSelector {
		labels[key] = string(value)
	}
	for _, problem := range metav1validation.ValidateLabels(labels, field.NewPath(at, "nodeSelector")) {
		errs = append(errs, problem)
	}
	for i, t := range v.Tolerations {
		errs = append(errs, validateToleration(fmt.Sprintf("%s.tolerations[%d]", at, i), t))
	}
	for i, c := range v.TopologySpreadConstraints {
		where := fmt.Sprintf("%s.topologySpreadConstraints[%d]", at, i)
		if c.MaxSkew < 1 {
			errs = append(errs, fmt.Errorf("%s.maxSkew must be at least 1", where))
		}
		if c.TopologyKey == "" {
			errs = append(errs, fmt.Errorf("%s.topologyKey is required, such as topology.kubernetes.io/zone", where))
		}
		if c.WhenUnsatisfiable != corev1.ScheduleAnyway && c.WhenUnsatisfiable != corev1.DoNotSchedule {
			errs = append(errs, fmt.Errorf("%s.whenUnsatisfiable must be ScheduleAnyway or DoNotSchedule", where))
		}
	}
	return errors.Join(errs...)
}

func validateToleration(at string, t corev1.Toleration) error {
	switch {
	case t.Key == "" && t.Operator != corev1.TolerationOpExists:
		return fmt.Errorf("%s: without a key the operator must be Exists", at)
	case t.Key != "" && len(utilvalidation.IsQualifiedName(t.Key)) > 0:
		return fmt.Errorf("%s.key: %q is not valid: %s", at, t.Key, strings.Join(utilvalidation.IsQualifiedName(t.Key), ", "))
	case t.Operator == corev1.TolerationOpExists && t.Value != "":
		return fmt.Errorf("%s.value must be empty with the operator Exists", at)
	case !slices.Contains([]corev1.TolerationOperator{"", corev1.TolerationOpExists, corev1.TolerationOpEqual}, t.Operator):
		return fmt.Errorf("%s.operator must be Exists or Equal", at)
	case !slices.Contains([]corev1.TaintEffect{
		"", corev1.TaintEffectNoSchedule, corev1.TaintEffectPreferNoSchedule, corev1.TaintEffectNoExecute,
	}, t.Effect):
		return fmt.Errorf("%s.effect must be NoSchedule, PreferNoSchedule or NoExecute", at)
	}
	return nil
}
