// Package defaults reads the defaults that the operator's administrator sets for all hubs. They are
// trusted: the policy restricts what authors of hubs may ask for, not what the defaults contain.
package defaults

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/resources"
)

// Defaults are the defaults of the manager's hubs.
type Defaults struct {
	// Default applies to all namespaces.
	Default Values `json:"default,omitempty"`
	// Namespaces override values of the default, by namespace.
	Namespaces map[string]Values `json:"namespaces,omitempty"`
}

// Values are used where the spec of a hub has none. An empty value differs from an omitted one: for
// a namespace it removes the default.
type Values struct {
	// Resources of the hub's container.
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`
	// ImagePullSecrets reference Secrets in the namespace of each hub.
	ImagePullSecrets []v1alpha1.SecretRef `json:"imagePullSecrets,omitempty"`
	// NodeSelector are labels that a node must have.
	NodeSelector map[string]v1alpha1.LabelValue `json:"nodeSelector,omitempty"`
	// Tolerations allow the pods on tainted nodes.
	Tolerations []corev1.Toleration `json:"tolerations,omitempty"`
	// TopologySpreadConstraints replace the operator's own, which spreads pods over nodes.
	TopologySpreadConstraints []corev1.TopologySpreadConstraint `json:"topologySpreadConstraints,omitempty"`
	// PriorityClassName of the pods.
	PriorityClassName string `json:"priorityClassName,omitempty"`
	// PodTemplate is a strategic merge patch for the pods' template. The hub's own spec.podTemplate is
	// merged after it.
	PodTemplate *runtime.RawExtension `json:"podTemplate,omitempty"`
}

// Load reads defaults from a YAML file. Without a file name there are none.
func Load(file string) (Defaults, error) {
	var d Defaults
	if file == "" {
		return d, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return d, fmt.Errorf("reading the defaults: %w", err)
	}
	if err := yaml.UnmarshalStrict(text, &d); err != nil {
		return d, fmt.Errorf("reading the defaults %s: %w", file, err)
	}
	if err := d.validate(); err != nil {
		return d, fmt.Errorf("reading the defaults %s: %w", file, err)
	}
	return d, nil
}

// For returns the values for a namespace.
func (d Defaults) For(namespace string) Values {
	v, own := d.Default, d.Namespaces[namespace]
	if own.Resources != nil {
		v.Resources = own.Resources
	}
	if own.ImagePullSecrets != nil {
		v.ImagePullSecrets = own.ImagePullSecrets
	}
	if own.NodeSelector != nil {
		v.NodeSelector = own.NodeSelector
	}
	if own.Tolerations != nil {
		v.Tolerations = own.Tolerations
	}
	if own.TopologySpreadConstraints != nil {
		v.TopologySpreadConstraints = own.TopologySpreadConstraints
	}
	if own.PriorityClassName != "" {
		v.PriorityClassName = own.PriorityClassName
	}
	if own.PodTemplate != nil {
		v.PodTemplate = own.PodTemplate
	}
	return v
}

// candidate is one default: the field of the spec that it stands for, and how it is filled in.
type candidate struct {
	path string
	// has reports whether there is a default, set whether the hub has a value of its own.
	has, set bool
	fill     func()
}

// Apply returns the inputs with the values filled in where the spec of the hub has none, and the
// paths of the fields whose values are defaults. The hub of the inputs itself is not changed.
func (v Values) Apply(in resources.Inputs) (resources.Inputs, []string) {
	hub := in.Hub.DeepCopy()
	s := &v1alpha1.Scheduling{}
	if hub.Spec.Scheduling != nil {
		s = hub.Spec.Scheduling
	}
	var applied []string
	for _, f := range []candidate{
		{
			"spec.imagePullSecrets", len(v.ImagePullSecrets) > 0, len(hub.Spec.ImagePullSecrets) > 0,
			func() { hub.Spec.ImagePullSecrets = v.ImagePullSecrets },
		},
		{"spec.podTemplate", v.hasPodTemplate(), false, func() { in.DefaultPodTemplate = v.PodTemplate.Raw }},
		{"spec.resources", v.Resources != nil, hub.Spec.Resources != nil, func() { hub.Spec.Resources = v.Resources }},
		{"spec.scheduling.nodeSelector", len(v.NodeSelector) > 0, len(s.NodeSelector) > 0, func() { s.NodeSelector = v.NodeSelector }},
		{
			"spec.scheduling.priorityClassName", v.PriorityClassName != "", s.PriorityClassName != "",
			func() { s.PriorityClassName = v.PriorityClassName },
		},
		{"spec.scheduling.tolerations", len(v.Tolerations) > 0, len(s.Tolerations) > 0, func() { s.Tolerations = v.Tolerations }},
		{
			"spec.scheduling.topologySpreadConstraints", len(v.TopologySpreadConstraints) > 0, len(s.TopologySpreadConstraints) > 0,
			func() { s.TopologySpreadConstraints = v.spread(hub) },
		},
	} {
		if f.has && !f.set {
			f.fill()
			applied = append(applied, f.path)
		}
	}
	if len(applied) == 0 {
		return in, nil
	}
	hub.Spec.Scheduling = s
	in.Hub = hub
	return in, applied
}

func (v Values) hasPodTemplate() bool { return v.PodTemplate != nil && len(v.PodTemplate.Raw) > 0 }

// spread completes constraints without a label selector, because one selector cannot fit all hubs.
func (v Values) spread(hub *v1alpha1.IntegrationHub) []corev1.TopologySpreadConstraint {
	constraints := make([]corev1.TopologySpreadConstraint, len(v.TopologySpreadConstraints))
	for i := range v.TopologySpreadConstraints {
		constraints[i] = *v.TopologySpreadConstraints[i].DeepCopy()
		if constraints[i].LabelSelector == nil {
			constraints[i].LabelSelector = resources.PodSelector(hub)
		}
	}
	return constraints
}

// validate finds values with which no pod could be created.
func (d Defaults) validate() error {
	errs := []error{d.Default.validate("default")}
	for _, namespace := range slices.Sorted(maps.Keys(d.Namespaces)) {
		errs = append(errs, d.Namespaces[namespace].validate("namespaces."+namespace))
	}
	return errors.Join(errs...)
}

func (v Values) validate(at string) error {
	errs := append(v.validateReferences(at), v.validateResources(at), v.validateScheduling(at))
	if v.hasPodTemplate() {
		errs = append(errs, validatePodTemplate(at+".podTemplate", v.PodTemplate.Raw))
	}
	return errors.Join(errs...)
}

// validatePodTemplate merges the patch into the template of a hub, as a reconcile does.
func validatePodTemplate(at string, patch []byte) error {
	if !json.Valid(patch) || patch[0] != '{' {
		return fmt.Errorf("%s must be an object such as {metadata: {labels: {team: data}}}", at)
	}
	hub := &v1alpha1.IntegrationHub{}
	hub.Name, hub.Namespace = "hub", "default"
	if _, err := resources.Deployment(resources.Inputs{Hub: hub, Image: "hub", DefaultPodTemplate: patch}); err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	return nil
}
