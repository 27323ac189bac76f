package v1alpha1

// CommonMetadata are labels and annotations of all objects of a hub, and of its pods.
//
// +kubebuilder:validation:XValidation:rule="!has(self.labels) || self.labels.all(k, k.matches('^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[a-zA-Z0-9]([-_.a-zA-Z0-9]{0,61}[a-zA-Z0-9])?$'))",message="the keys of labels must be label keys, such as cost-center or example.com/team"
// +kubebuilder:validation:XValidation:rule="!has(self.annotations) || self.annotations.all(k, k.matches('^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[a-zA-Z0-9]([-_.a-zA-Z0-9]{0,61}[a-zA-Z0-9])?$'))",message="the keys of annotations must be annotation keys, such as contact or example.com/owner"
// +kubebuilder:validation:XValidation:rule="!has(self.labels) || !self.labels.exists(k, k in ['app.kubernetes.io/name', 'app.kubernetes.io/instance', 'app.kubernetes.io/managed-by', 'app.kubernetes.io/component', 'pod-template-hash'] || k.contains('integrationhub.dev/'))",message="labels must not contain keys that the operator or Kubernetes sets, such as app.kubernetes.io/name"
// +kubebuilder:validation:XValidation:rule="!has(self.annotations) || !self.annotations.exists(k, k.contains('integrationhub.dev/') || k.contains('kubernetes.io/'))",message="annotations must not contain keys of the operator or of Kubernetes"
type CommonMetadata struct {
	// Labels, such as cost-center.
	// They do not change which pods a Service or a PodDisruptionBudget selects.
	//
	// +kubebuilder:validation:MaxProperties=32
	// +optional
	Labels map[string]LabelValue `json:"labels,omitempty"`

	// Annotations, such as contact.
	// Annotations that have their own field in the spec take precedence.
	// Only common safe keys are allowed; others require the operator's policy (annotations).
	//
	// +kubebuilder:validation:MaxProperties=32
	// +optional
	Annotations map[string]AnnotationValue `json:"annotations,omitempty"`
}

// LabelValue is the value of a label.
//
// +kubebuilder:validation:MaxLength=63
// +kubebuilder:validation:Pattern=`^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$`
type LabelValue string

// AnnotationValue is the value of an annotation.
//
// +kubebuilder:validation:MaxLength=4096
type AnnotationValue string
